"""Templates into answers. Everything that is filled in is escaped; a name that a template does not get is an error, not a gap."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, pass_context
from jinja2.runtime import Context
from markupsafe import Markup
from starlette.responses import HTMLResponse, Response

from interplug import __version__
from interplug.model.types import encode_json

from . import languages, wording

HERE = Path(__file__).parent
STATIC = HERE / "static"


def _edition() -> str:
    digest = hashlib.sha256()
    for path in sorted(path for path in STATIC.rglob("*") if path.is_file()):
        digest.update(path.relative_to(STATIC).as_posix().encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()[:12]


EDITION = _edition()
"""Of all static files together. A URL that bears it is kept by browsers for ever."""


@pass_context
def asset(context: Context, name: str) -> str:
    """The URL of a static file on this surface."""
    return f"{context['static']}/{name}?v={EDITION}"


@pass_context
def icon(context: Context, name: str) -> Markup:
    """A picture of `icons.svg`, for the eye only: its meaning stands beside it as text."""
    return Markup('<svg class="icon" aria-hidden="true"><use href="{}#{}"/></svg>').format(asset(context, "icons.svg"), name)


TEMPLATES = Environment(
    loader=FileSystemLoader(HERE / "templates"),
    extensions=["jinja2.ext.i18n"],
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
TEMPLATES.policies["ext.i18n.trimmed"] = True
TEMPLATES.install_gettext_callables(languages._, languages.ngettext, newstyle=True)  # type: ignore[attr-defined]
TEMPLATES.filters.update(wording.FILTERS)
TEMPLATES.globals.update(
    version=__version__, zone=wording.zone, states=wording.STATES, short=wording.SHORT, checks=wording.CHECKS, signed=wording.SIGNED
)
TEMPLATES.globals.update(
    payments=wording.PAYMENTS,
    language=languages.spoken,
    languages=languages.LANGUAGES,
    ages=wording.ages,
    severities=wording.SEVERITIES,
    asset=asset,
    icon=icon,
    static="/static",
    home="/",
    here="",
    ways=(),
)


def rendered(template: str, status_code: int = 200, **context: Any) -> HTMLResponse:
    return HTMLResponse(TEMPLATES.get_template(template).render(context), status_code)


def answer(document: dict[str, Any], status_code: int = 200) -> Response:
    """As JSON; amounts are exact numbers."""
    return Response(encode_json(document), status_code, media_type="application/json")

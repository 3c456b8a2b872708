"""Templates into answers. Everything that is filled in is escaped; a name that a template does not get is an error, not a gap."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.responses import HTMLResponse, Response

from interplug import __version__
from interplug.model.types import encode_json

from . import languages, wording

HERE = Path(__file__).parent

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
TEMPLATES.globals.update(payments=wording.PAYMENTS, language=languages.spoken)


def rendered(template: str, status_code: int = 200, **context: Any) -> HTMLResponse:
    return HTMLResponse(TEMPLATES.get_template(template).render(context), status_code)


def answer(document: dict[str, Any], status_code: int = 200) -> Response:
    """As JSON; amounts are exact numbers."""
    return Response(encode_json(document), status_code, media_type="application/json")

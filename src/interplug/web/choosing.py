"""The visitor chooses a language: a cookie that holds nothing else, for all surfaces of this host."""

from __future__ import annotations

import re
from typing import Any

from starlette.responses import RedirectResponse, Response

from .languages import COOKIE, LANGUAGES
from .session import YEAR

_OURS = re.compile(r"/(?![/\\])[\x21-\x7e]*")
"""A path of this host; never the beginning of another one."""


def chosen(form: dict[str, Any], home: str, *, secure: bool) -> Response:
    """Back to the page that was open, in the language that the form names."""
    back = str(form.get("back", ""))
    response = RedirectResponse(back if _OURS.fullmatch(back) else home, 303)
    language = str(form.get(COOKIE, ""))
    if language in LANGUAGES:
        response.set_cookie(COOKIE, language, max_age=YEAR, secure=secure, httponly=True, samesite="lax")
    return response

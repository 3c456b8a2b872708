"""The visitor's car and what it is to be charged with, as the address of a page says it, or a cookie of this browser alone.

Nothing of it comes to the database. What is no sensible number is the usual car.
"""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from http.cookies import CookieError, SimpleCookie

from starlette.requests import Request
from starlette.responses import Response

from interplug.drivers.estimate import Wish

COOKIE = "car"
YEAR = 365 * 86_400
USUAL = Wish(Decimal(30))
IDLE = (0, 15, 30, 60, 120, 240, 480)


def wish(request: Request) -> Wish:
    """The one that the form of the page names, else that of the cookie."""
    asked = request.query_params
    if "kwh" in asked:
        return _read([asked.get(name, "") for name in ("kwh", "ac", "dc", "idle")])
    try:
        morsel = SimpleCookie(request.headers.get("cookie", "")).get(COOKIE)
    except CookieError:
        morsel = None
    return USUAL if morsel is None else _read(morsel.value[:60].split("_"))


def keep(request: Request, response: Response, found: Wish) -> Response:
    """The cookie, once the form was sent."""
    if "kwh" in request.query_params:
        value = "_".join(f"{one:f}" for one in (found.kwh, found.ac, found.dc, Decimal(found.idle)))
        response.set_cookie(COOKIE, value, max_age=YEAR, path="/", httponly=True, samesite="lax", secure=request.url.scheme == "https")
    return response


def _read(texts: list[str]) -> Wish:
    kwh, ac, dc, idle = [*texts, "", "", "", ""][:4]
    return Wish(
        kwh=_number(kwh, USUAL.kwh, 1, 500),
        ac=_number(ac, USUAL.ac, 1, 50),
        dc=_number(dc, USUAL.dc, 1, 1000),
        idle=int(_number(idle, Decimal(USUAL.idle), 0, 2880)),
    )


def _number(text: str, otherwise: Decimal, least: int, most: int) -> Decimal:
    try:
        value = Decimal(text.strip().replace(",", "."))
    except InvalidOperation:
        return otherwise
    return round(value, 2).normalize() if value.is_finite() and least <= value <= most else otherwise

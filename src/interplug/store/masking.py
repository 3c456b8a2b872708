"""What of a message may be kept: everything but tokens.

Headers that carry one keep their name and scheme; of a body that might hold one (credentials), the tokens are masked where it can be
read, and nothing is kept of it where it cannot. The token that a request carries may be repeated anywhere, in an error's words or in
a URL: it is taken out wherever it stands (`Secret`).
"""

import base64
import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, NamedTuple

from interplug.model.types import BadJson, decode_json, encode_json

MASK = "***"
SECRET_HEADERS = frozenset({"authorization", "proxy-authorization", "cookie", "set-cookie", "x-api-key"})
STRING_TOKEN = re.compile(rb'"token"\s*:\s*"')
LEAST = 8
"""Characters below which a token is no secret, and may be part of any word."""
HINT = 16
"""Characters of a token that are looked for first: a text is searched several times as fast for a few as for all, or for fewer."""
ESCAPE = re.compile(rb"\\u00([0-7][0-9a-fA-F])")


def masked(headers: dict[str, str]) -> dict[str, str]:
    out = dict(headers)
    for name in headers:
        if name.lower() in SECRET_HEADERS:
            scheme, _, rest = headers[name].partition(" ")
            out[name] = f"{scheme} {MASK}" if rest else MASK
    return out


class Secret(NamedTuple):
    """A token in the ways in which it may be written, the longest first, and how they begin."""

    spelled: tuple[str, ...] = ()
    hints: tuple[bytes, ...] = ()

    def stands_in(self, text: bytes) -> bool:
        """False is certain."""
        return any(map(text.__contains__, self.hints))

    def blank(self, text: str) -> str:
        for one in self.spelled:
            text = text.replace(one, MASK)
        return text

    def blank_bytes(self, text: bytes) -> bytes:
        for one in self.spelled:
            text = text.replace(one.encode(), MASK.encode())
        return text


def spoken(headers: Mapping[str, str]) -> Secret:
    """The token that a request carries."""
    value = headers.get("authorization")
    if value is None:
        value = next((value for name, value in headers.items() if name.lower() == "authorization"), "")
    return _secret(value)


@lru_cache(maxsize=4096)
def _secret(value: str) -> Secret:
    said = value.rpartition(" ")[2]
    if len(said) < LEAST:
        return Secret()
    forms = [said, base64.b64encode(said.encode()).decode()]
    try:
        plain = base64.b64decode(said, validate=True).decode("ascii")
    except ValueError:
        plain = ""
    if len(plain) >= LEAST and plain.isprintable():
        forms.append(plain)
    whole = [one.rstrip("=") for one in forms]
    return Secret(tuple(sorted({*forms, *whole}, key=len, reverse=True)), tuple(one[:HINT].encode() for one in whole))


def shown(body: bytes, url: str) -> bytes:
    """The body as it may be kept. OCPI's Token objects are no secrets; a field `token` that holds a string is one."""
    plain = ESCAPE.sub(_letter, body) if b"\\" in body else body
    if "credentials" not in url and (b'"token"' not in plain or not STRING_TOKEN.search(plain)):
        return body
    try:
        document = decode_json(body) if body else None
    except BadJson:
        return b"(not kept: it may hold a token)"
    return body if document is None or not _mask(document) else encode_json(document)


def _letter(escape: re.Match[bytes]) -> bytes:
    return bytes([int(escape[1], 16)])


def _mask(value: Any) -> bool:
    """Masks tokens in place; whether there were any."""
    here = isinstance(value, dict) and isinstance(value.get("token"), str)
    if here:
        value["token"] = MASK
    items = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    for item in items:
        here = _mask(item) or here
    return here

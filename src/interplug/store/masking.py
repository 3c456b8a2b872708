"""What of a message may be kept: everything but tokens.

Headers that carry one keep their name and scheme; of a body that might hold one (credentials), the tokens are masked where it can be
read, and nothing is kept of it where it cannot.
"""

import re
from typing import Any

from interplug.model.types import BadJson, decode_json, encode_json

MASK = "***"
SECRET_HEADERS = frozenset({"authorization", "proxy-authorization", "cookie", "set-cookie", "x-api-key"})
STRING_TOKEN = re.compile(rb'"token"\s*:\s*"')
ESCAPE = re.compile(rb"\\u00([0-7][0-9a-fA-F])")


def masked(headers: dict[str, str]) -> dict[str, str]:
    out = dict(headers)
    for name in headers:
        if name.lower() in SECRET_HEADERS:
            scheme, _, rest = headers[name].partition(" ")
            out[name] = f"{scheme} {MASK}" if rest else MASK
    return out


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

"""Paging of lists (4.1.4.1): offset and limit for those who count, a keyset cursor in the Link for those who follow it.

The Link repeats offset, limit and filters, so a client that builds URLs from the previous one still works, and adds
`after`: the creation number of the last object served, and when the reader of a whole list began with it, sealed for
this offset and these filters. A cursor that was not issued for them is ignored and the offset counts (notes: 3,
"Pagination"). Pages are stateless and never expire.
"""

from __future__ import annotations

import hashlib
import re
from urllib.parse import urlencode, urljoin

import msgspec

from interplug.model.types import parse_time

from .status import invalid

LARGEST = 2**62
_PLACE = re.compile(r"([0-9]{1,19})(?:\.([0-9]{1,19}))?")
_LINK = re.compile(r"<([^>]*)>\s*((?:;\s*[\w-]+\s*=\s*(?:\"[^\"]*\"|[^;,\s]*)\s*)*)")


class PageRequest(msgspec.Struct, frozen=True):
    """What a list GET asks for. Times in microseconds UTC: `date_from` inclusive, `date_to` exclusive."""

    offset: int
    limit: int
    date_from: int | None = None
    date_to: int | None = None
    after: int | None = None
    begun: int = 0
    """When the first page of a whole list was read, where all pages since then were followed to this one; 0: not known."""
    filters: tuple[tuple[str, str], ...] = ()
    """The date filters as they were spelled, to be repeated in the Link."""


def _whole(query: dict[str, str], name: str, default: int) -> int:
    text = query.get(name)
    if not text:
        return default
    if not (text.isascii() and text.isdigit()):
        raise invalid(f"{name}: a whole number of 0 or more is needed, not {text[:40]!r}")
    return min(int(text[:30]), LARGEST)


def _date(query: dict[str, str], name: str) -> int | None:
    text = query.get(name)
    if not text:
        return None
    try:
        return parse_time(text.replace(" ", "+"))  # an unencoded plus of an offset arrives as a blank
    except ValueError as error:
        raise invalid(f"{name}: {error}") from None


def read_page(query: dict[str, str], *, default: int, largest: int, secret: bytes) -> PageRequest:
    """Reads the parameters of a list GET; 2001 names the one that is wrong."""
    limit = _whole(query, "limit", default)
    if limit == 0:
        raise invalid("limit: at least 1 is needed")
    filters = tuple((name, query[name]) for name in ("date_from", "date_to") if query.get(name))
    offset = _whole(query, "offset", 0)
    after, begun = _opened(query.get("after", ""), offset, filters, secret)
    return PageRequest(offset, min(limit, largest), _date(query, "date_from"), _date(query, "date_to"), after, begun, filters)


def _seal(place: str, offset: int, filters: tuple[tuple[str, str], ...], secret: bytes) -> str:
    return hashlib.blake2b(f"{place}|{offset}|{filters}".encode(), key=secret[:64], digest_size=8).hexdigest()


def _opened(cursor: str, offset: int, filters: tuple[tuple[str, str], ...], secret: bytes) -> tuple[int | None, int]:
    place, _, seal = cursor.partition("-")
    found = _PLACE.fullmatch(place)
    if found is None or not offset or seal != _seal(place, offset, filters, secret):
        return None, 0
    return int(found[1]), int(found[2] or 0)


def next_link(url: str, page: PageRequest, count: int, last: int, secret: bytes, begun: int = 0) -> str:
    """The Link header after a page of `count` objects whose last creation number is `last`; `url` is absolute, without query."""
    offset, place = page.offset + count, f"{last}.{begun}" if begun else f"{last}"
    after = f"{place}-{_seal(place, offset, page.filters, secret)}"
    filters = f"{urlencode(page.filters, safe=':')}&" if page.filters else ""
    return f'<{url}?offset={offset}&limit={page.limit}&{filters}after={after}>; rel="next"'


def read_next(link: str | None, base: str) -> str | None:
    """The absolute URL of the next page in a partner's Link header, or None on the last page (TRN-036)."""
    for target, parameters in _LINK.findall(link or ""):
        if re.search(r"rel\s*=\s*(\"[^\"]*\bnext\b[^\"]*\"|next\b)", parameters, re.IGNORECASE):
            return urljoin(base, str(target))
    return None

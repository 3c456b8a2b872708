"""Lists of a partner, page by page, following Link as it is given.

A page that cannot be had raises `PageFailed` with the `Reply` that says why: what follows it is not known.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from interplug.protocol.envelope import Reply
from interplug.protocol.paging import read_next

from .client import PartnerClient
from .directory import Connection

EMPTY_PAGES = 10
"""Empty pages with a next link that are followed before a crawl is called endless."""


@dataclass(slots=True)
class Page:
    """One page of a list. `total` is what the partner claims, which is often wrong."""

    items: list[Any]
    total: int | None
    limit: int | None
    url: str
    headers: dict[str, str] = field(default_factory=dict)
    next: str | None = None
    """Where the next page is; None on the last one."""


class PageFailed(Exception):
    """A list could not be read on; `reply` says why and `url` where."""

    def __init__(self, reply: Reply, url: str) -> None:
        super().__init__(f"{reply.why()} at {url.partition('?')[0]}")
        self.reply = reply
        self.url = url


async def page(
    client: PartnerClient,
    connection: Connection,
    module_id: str,
    query: Mapping[str, str] | None = None,
    *,
    url: str | None = None,
) -> Page:
    """The first page of a list, or the one at `url`; raises `PageFailed`."""
    here = url or connection.endpoint(module_id, "SENDER") or ""
    reply = await client.call(connection, "GET", module_id, "SENDER", query=None if url else query, url=url)
    found = _page(reply, here)
    found.next = read_next(reply.headers.get("link"), here)
    return found


async def pages(
    client: PartnerClient,
    connection: Connection,
    module_id: str,
    query: Mapping[str, str] | None = None,
) -> AsyncIterator[Page]:
    """All of them, one after the other; raises `PageFailed`."""
    url: str | None = None
    seen: set[str] = set()
    empty = 0
    while True:
        found = await page(client, connection, module_id, query, url=url)
        yield found
        empty = 0 if found.items else empty + 1
        url = found.next
        if url is None:
            return
        if url in seen or empty > EMPTY_PAGES:
            raise PageFailed(Reply(0, fault="the next link never ends"), url)
        seen.add(url)


def _page(reply: Reply, url: str) -> Page:
    items = [] if reply.data is None else reply.data
    if not reply.ok or not isinstance(items, list):
        if reply.ok:
            reply.fault = "data is not a list"
        raise PageFailed(reply, url)
    return Page(items, _count(reply.headers.get("x-total-count")), _count(reply.headers.get("x-limit")), url, reply.headers)


def _count(text: str | None) -> int | None:
    return int(text) if text and text.isascii() and text.isdigit() and len(text) < 19 else None

"""Invoices of charges that were paid at a terminal, at `invoice_base_url` followed by the authorization_reference (Payments).

Who has the address sees the invoice; there is no other key, so the address holds a part that is the connection's own, and who tries
references is soon not answered any more. One page without scripts; the same with `.pdf` after it.
"""

from __future__ import annotations

import hashlib
import time
from base64 import b64encode
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

from interplug.charges.invoices import Invoice, of_charge
from interplug.drivers.receipt import described
from interplug.drivers.terminals.receipts import of_card
from interplug.modules.node import Node
from interplug.modules.payments import desk
from interplug.protocol.http import Response, segments
from interplug.store.tx import Tx

from .languages import _, say
from .printing import PAID, card_invoice, pdf
from .rendering import TEMPLATES
from .session import Limit, neighbourhood

PREFIX = "/invoices/"
MISSES, WITHIN = 30, 600.0
"""Addresses without an invoice that one neighbourhood may try, in so many seconds."""
STYLE = """
:root { color-scheme: light dark; --ink: #10201a; --soft: #4c5c55; --line: #d9e2dd; --sunk: #f2f6f4; --accent: #08694d; --warn: #b45309 }
@media screen and (prefers-color-scheme: dark) {
  :root { --ink: #e8f1ed; --soft: #a4b4ad; --line: #2a3732; --sunk: #151e1b; --accent: #58dcae; --warn: #f6d98c; background: #0c1311 }
}
body { font: 1rem/1.5 system-ui, sans-serif; max-width: 42rem; margin: 2rem auto; padding: 0 1rem; color: var(--ink) }
body, pre { overflow-wrap: anywhere }
h1 { font-size: 1.75rem; line-height: 1.2 } h2 { font-size: 1.125rem; margin: 2rem 0 .5rem } a { color: var(--accent) }
table { width: 100%; border-collapse: collapse; margin: 1rem 0 }
caption { text-align: left; font-size: 1.125rem; font-weight: 700; padding-bottom: .5rem }
th, td { text-align: left; padding: .4rem 0; border-bottom: 1px solid var(--line); vertical-align: top }
th { font-weight: 500; color: var(--soft); padding-right: 1rem } tbody th { width: 9rem }
td.n, th.n { text-align: right; white-space: nowrap; padding-right: 0 } tfoot :is(th, td) { font-weight: 600; color: var(--ink) }
tfoot tr:last-child :is(th, td) { font-size: 1.25rem; font-weight: 700 }
pre { background: var(--sunk); padding: .75rem; border-radius: .5rem; white-space: pre-wrap }
.notice { border-left: .3rem solid var(--warn); padding-left: .75rem }
.to { display: inline-block; padding: .6rem 0 }
"""
_STYLE_HASH = b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
HEADERS = {
    "content-type": "text/html; charset=utf-8",
    "content-security-policy": f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; base-uri 'none'; frame-ancestors 'none'",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cache-control": "no-store",
    "x-robots-tag": "noindex",
}
PDF = ".pdf"
PDF_HEADERS = {**HEADERS, "content-type": "application/pdf", "content-security-policy": "frame-ancestors 'none'"}
LONGEST = 36
"""Letters of an authorization_reference."""


class Invoices:
    def __init__(self, node: Node, timer: Callable[[], float] = time.monotonic) -> None:
        self.node = node
        self._misses = Limit(MISSES, WITHIN, timer)

    async def answer(self, method: str, path: str, address: str) -> Response:
        if method not in ("GET", "HEAD"):
            return Response(405, b"", {"allow": "GET, HEAD"})
        found = await self._find(segments(path))
        if found is not None:
            lines = [(say(described(line, found.currency)), line) for line in found.lines]
            printed_at = f"./{quote(segments(path)[-1], safe='')}{PDF}"
            body = _page("invoice.html", invoice=found, lines=lines, paid=PAID[found.status], printed_at=printed_at)
            return Response(200, b"" if method == "HEAD" else body, HEADERS)
        printed = await self._find(segments(path.removesuffix(PDF))) if path.endswith(PDF) else None
        if printed is not None:
            return Response(200, b"" if method == "HEAD" else await pdf(card_invoice(printed)), PDF_HEADERS)
        if not self._misses.allows(neighbourhood(address)):
            return Response(429, _page("no_invoice.html", text=_("Too many addresses were tried from your network.")), HEADERS)
        return Response(404, _page("no_invoice.html", text=_("There is no invoice at this address, or not yet.")), HEADERS)

    async def _find(self, parts: list[str]) -> Invoice | None:
        if len(parts) != 3 or len(parts[2]) > LONGEST:
            return None
        known = self.node.directory.all(removed=True)
        connection = next((one.id for one in known if desk(self.node.secret, one.id) == parts[1]), None)
        if connection is None:
            return None

        async def work(tx: Tx) -> Invoice | None:
            return await of_charge(tx, self.node, connection, parts[2]) or await of_card(tx, self.node, connection, parts[2])

        return await self.node.store.read(work)


def _page(template: str, **context: Any) -> bytes:
    return TEMPLATES.get_template(template).render(style=STYLE, **context).encode()

"""`interplug payment`: payments of drivers, what was said about each, how they agree with CDRs, and the test provider as a service."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter

from interplug.drivers.reconciling import Difference, reconcile
from interplug.model.types import format_time
from interplug.modules.node import Node
from interplug.payments import states
from interplug.payments.providers import till_of
from interplug.store.payments import Event, Payment

from .ending import USAGE, columns, end, show
from .opening import REPORTING, Reporting, with_node
from .options import Limit

DAY = 86_400 * 1_000_000
STATES = tuple(dict.fromkeys([state for state, _ in states.PAYMENTS] + list(states.PAYMENTS.values())))
HEADS = ("id", "when", "state", "currency", "held", "paid", "comes to", "by", "drive")


def list_(
    *, limit: Limit = 50, state: Annotated[str | None, Parameter(help="Only these.")] = None,
    common: Reporting = REPORTING,
) -> None:  # fmt: skip
    """List payments, the newest first: what is held, what was paid, and what each comes to."""
    if state is not None and state not in STATES:
        end(f"{state!r} is no state of a payment; there are {', '.join(STATES)}", USAGE)
    found = with_node(common, lambda node: node.store.read(lambda tx: tx.payments.newest(0, 10**9 if state else limit)))
    kept = [one for one in found if state in (None, one.state)][:limit]
    show([document(one) for one in kept], _table(kept), json=common.json)


def show_(id: str, /, *, common: Reporting = REPORTING) -> None:
    """Show a payment, and all that was asked of the provider and answered, in order.

    Parameters
    ----------
    id
        The id of the payment, of its drive, or the provider's reference.
    """

    async def work(node: Node) -> tuple[Payment, list[Event]]:
        async def read(tx: Any) -> tuple[Payment, list[Event]] | None:
            found = await tx.payments.get(id) or await tx.payments.of_drive(id)
            found = found or await tx.payments.of_reference(node.settings.payments.provider, id)
            return None if found is None else (found, await tx.payments.events(found.id))

        found = await node.store.read(read)
        if found is None:
            end(f"there is no payment {id!r}")
        return found

    payment, events = with_node(common, work)
    show({**document(payment), "events": [_event(one) for one in events]}, _lines(payment, events), json=common.json)


def reconcile_(
    *,
    days: Annotated[float, Parameter(help="Of payments so many days back.")] = 60.0,
    ask: Annotated[bool, Parameter(help="Ask the provider, too; what it says is taken over.")] = True,
    common: Reporting = REPORTING,
) -> None:
    """Tell where the money that was taken differs from what CDRs come to, and from what the provider says."""

    async def work(node: Node) -> list[Difference]:
        till = till_of(node)
        if till is None:
            end("nobody takes money here: payments.provider is none")
        try:
            return await reconcile(till, node.clock() - int(days * DAY), ask=ask)
        finally:
            await till.provider.close()

    found = with_node(common, work)
    show([_difference(one) for one in found], _differences(found), json=common.json)


def provider(
    *,
    port: Annotated[int, Parameter(help="Port on this machine.")] = 8190,
    webhook: Annotated[str, Parameter(help="Where webhooks go, as http://127.0.0.1:8080/payments/webhook; empty: nowhere.")] = "",
    secret_file: Annotated[Path | None, Parameter(help="File with the secret that signs them; - for standard input.")] = None,
) -> None:
    """Run the test provider as a service of its own, until Ctrl-C. It forgets everything when it ends."""
    import uvicorn

    from interplug.payments.service import Service
    from interplug.web.banking import Site, drawn

    if webhook and secret_file is None:
        end("webhooks are signed: name the file with the secret", USAGE)
    text = "" if secret_file is None else sys.stdin.read() if str(secret_file) == "-" else secret_file.read_text()
    service = Service(f"http://127.0.0.1:{port}", webhook, text.strip(), draw=drawn)

    async def run() -> None:
        server = uvicorn.Server(uvicorn.Config(Site(service.app), port=port, log_level="warning", lifespan="off"))
        async with service.running():
            await server.serve()

    print(f"test provider at http://127.0.0.1:{port}")
    asyncio.run(run())


def document(one: Payment) -> dict[str, Any]:
    return {
        "id": one.id,
        "drive": one.drive,
        "contract": one.contract,
        "provider": one.provider,
        "reference": one.reference or None,
        "state": one.state,
        "reason": one.reason or None,
        "currency": one.currency,
        "asked": one.wanted,
        "held": one.held,
        "captured": one.captured,
        "refunded": one.refunded,
        "paid": one.kept,
        "comes_to": one.due,
        "by": one.basis or None,
        "created_at": format_time(one.created_at),
        "hold_ends_at": format_time(one.expires_at) if one.expires_at else None,
    }


def _table(found: list[Payment]) -> Iterator[str]:
    if not found:
        yield "there are no payments"
        return
    rows = [
        (one.id, format_time(one.created_at), one.state, one.currency, one.held, one.kept, one.due, one.basis, one.drive) for one in found
    ]
    yield from columns(HEADS, rows)


def _lines(payment: Payment, events: list[Event]) -> Iterator[str]:
    for name, value in document(payment).items():
        yield f"{name:<13}{'-' if value is None else value}"
    yield ""
    yield from columns(
        ("when", "what", "amount", "key", "said"), [(format_time(one.at), one.what, one.amount, one.key, one.said) for one in events]
    )


def _event(one: Event) -> dict[str, Any]:
    return {"at": format_time(one.at), "what": one.what, "amount": one.amount or None, "key": one.key or None, "said": one.said or None}


def _difference(one: Difference) -> dict[str, Any]:
    return {"kind": one.kind, "amount": one.amount, "said": one.said, "payment": document(one.payment)}


def _differences(found: list[Difference]) -> Iterator[str]:
    if not found:
        yield "all payments agree with their CDRs and with the provider"
        return
    rows = [(one.kind, one.amount, one.payment.currency, one.payment.id, one.payment.state, one.said) for one in found]
    yield from columns(("difference", "amount", "currency", "payment", "state", "means"), rows)

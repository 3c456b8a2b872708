"""What the pages of drives show, read from the store as it is now."""

from __future__ import annotations

from typing import Any

from interplug.drivers.deals import pinned
from interplug.drivers.drives import end_by
from interplug.drivers.receipt import live, receipt
from interplug.modules.node import Node
from interplug.store.drivers import Drive
from interplug.store.keys import GONE, Key, Stored, StoredEvse
from interplug.store.tx import Tx

from .course import course
from .ride import UNDERWAY, Ride, faulty, paid
from .stations import contact_of

Document = dict[str, Any]


async def ride(node: Node, drive: Drive) -> Ride:
    async def work(tx: Tx) -> dict[str, Any]:
        stopped = await tx.commands.get(drive.stop_command) if drive.stop_command else None
        key = location_of(drive)
        location, evse = await tx.objects.get(key, whole=False, gone=True), await tx.objects.get_evse(key, drive.evse)
        return {
            "contact": await contact_of(tx, node, drive.connection, 0),
            "payment": await tx.payments.of_drive(drive.id),
            "invoices": tuple(one.number for one in await tx.invoices.of_drive(drive.id)),
            "started": await tx.commands.get(drive.command) if drive.command else None,
            "stopped": stopped,
            "end_by": 0 if stopped is None else end_by(node, stopped),
            "points": tuple(course(await tx.drivers.course(drive.id))),
            "bills": tuple(await tx.bills.of_drive(drive.id)),
            **_place(location, evse, drive),
        }

    found = await node.store.read(work)
    ours, after = node.settings.help.phone, node.settings.payments.void_after
    made = await live(node, drive), await receipt(node, drive)
    return Ride(live=made[0], deal=pinned(drive), receipt=made[1], ours=ours, void_after=after, **found)


def location_of(drive: Drive) -> Key:
    return Key("locations", drive.connection, drive.country, drive.party, drive.place)


async def moved(node: Node, drive: Drive) -> object:
    """Changes whenever the page of this drive may have to."""
    return await node.store.read(lambda tx: moving(tx, node, drive))


async def moving(tx: Tx, node: Node, drive: Drive) -> object:
    session = await tx.objects.get_pk(drive.session) if drive.session else None
    contact = await contact_of(tx, node, drive.connection, 0)
    payment = paid(await tx.payments.of_drive(drive.id))
    commands = [row.changed_no for name in (drive.command, drive.stop_command) if name and (row := await tx.commands.get(name))]
    told = None if session is None else (session.pk, session.changed_no)
    evse = await tx.objects.get_evse(location_of(drive), drive.evse) if drive.state in UNDERWAY else None
    fault = evse is not None and faulty(drive, evse.status)
    return drive.state, drive.reason, drive.cdr, drive.unwanted, contact.silent, payment, tuple(commands), told, fault


def _place(location: Stored | None, evse: StoredEvse | None, drive: Drive) -> Document:
    document: Document = location.document if location is not None else {}
    return {
        "pk": location.pk if location is not None and location.audience != GONE else 0,
        "name": document.get("name") or document.get("address") or drive.place,
        "address": ", ".join(part for part in (document.get("address"), document.get("city")) if part),
        "time_zone": document.get("time_zone"),
        "status": evse.status if evse is not None else "",
        "evse_id": (evse.document.get("evse_id") if evse is not None else None) or "",
        "phone": str(document.get("help_phone") or ""),
    }

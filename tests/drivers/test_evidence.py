"""`interplug evidence` at the provider and at the operator: a driver charges, a bill comes, and everything about it can be handed over."""

from __future__ import annotations

import base64
import hashlib
import io
import zipfile
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from interplug.charges import archive, charging
from interplug.charges.evidence import collect
from interplug.drivers.drives import new_driver, start, stop
from interplug.model.types import decode_json, encode_json
from interplug.modules.node import Node
from tests.charges import meters
from tests.drivers.played import World, cdr, session, told_price
from tests.modules import said
from tests.nodes import Clock, Partner, befriend, close, make_node

SECRETS = ("token-of-partner-2.2.1", "their-token")


@dataclass
class Opened:
    """An archive as its reader has it, with every hash checked."""

    manifest: dict[str, Any]
    files: dict[str, bytes]

    def json(self, name: str) -> Any:
        return decode_json(self.files[name])

    @property
    def missing(self) -> dict[str, str]:
        return {one["what"]: one["why"] for one in self.manifest["missing"]}


async def opened(node: Node, name: str, **wish: Any) -> Opened:
    await node.messages.flush()
    (stored,) = await node.store.read(lambda tx: tx.objects.find_id("cdrs", name))
    with zipfile.ZipFile(io.BytesIO(archive.packed(*await collect(node, stored, **wish)))) as packed:
        files = {name: packed.read(name) for name in packed.namelist()}
    for line in files["SHA256SUMS"].decode().splitlines():
        digest, name = line.split("  ")
        assert hashlib.sha256(files[name]).hexdigest() == digest
    whole = b"".join(files.values())
    for secret in SECRETS:
        assert secret.encode() not in whole and base64.b64encode(secret.encode()) not in whole
    return Opened(decode_json(files["manifest.json"]), files)


async def charged(world: World) -> bytes:
    """From the button to the bill; the session and the bill of somebody else go on beside it. The CDR, as it went over the wire."""
    await told_price(world, "0.30")
    driver = await new_driver(world.node)
    drive = await start(world.node, driver, await world.plug())
    world.clock.move(5)
    await world.result(drive, "ACCEPTED")
    first = session(world, driver, drive)
    await world.tell("sessions", first)
    await world.tell("sessions", {**first, "id": "S-OTHER", "authorization_reference": "OTHER"})
    bill = said.said("cdr", cdr(world, driver, drive, session_id="S1"), "2.2.1")
    await stop(world.node, await world.now(drive))
    world.clock.move(3600)
    await world.tell("sessions", session(world, driver, drive, status="COMPLETED", end_date_time=world.clock.text()))
    raw = b" " + encode_json(bill).replace(b'"id":"C1"', b'"id" : "C1", "of_theirs":"kept as it is"')
    assert (await world.partner.send("POST", "cdrs", raw)).ok
    await world.tell("cdrs", {**bill, "id": "C-OTHER", "session_id": "S-OTHER", "authorization_reference": "OTHER"})
    return raw


async def test_what_the_partner_sent_comes_out_byte_for_byte(world: World) -> None:
    raw = await charged(world)
    found = await opened(world.node, "C1")
    assert found.files["cdr/received.json"] == found.files["cdr/versions/0001-new.json"] == raw
    (version,) = found.json("cdr/versions.json")
    assert (version["from"], version["ocpi"], version["sha256"]) == ("partner", "2.2.1", hashlib.sha256(raw).hexdigest())
    assert found.json("cdr/stored.json")["total_cost"]["before_taxes"] is not None
    assert (found.manifest["session"], found.manifest["partner"], found.manifest["made"]) == ("S1", "partner", "by the partner")


async def test_the_price_is_explained_and_the_tariffs_of_that_time_are_there(world: World) -> None:
    await charged(world)
    before = await opened(world.node, "C1")
    assert b"10 kWh at 0.30" in before.files["price/worked.txt"] and b"sum: 3.00" in before.files["price/worked.txt"]
    assert before.json("price/priced.json")["lines"] and before.json("price/check.json")["now"]["verdicts"] == ["match", "implausible"]
    assert [one["id"] for one in before.json("tariffs/shown.json")] == ["T"]
    await told_price(world, "0.90")
    after = await opened(world.node, "C1")
    assert (
        b"0.30" in before.files["tariffs/at_start_1.json"]
        and before.files["tariffs/at_start_1.json"] == after.files["tariffs/at_start_1.json"]
    )


async def test_what_a_credit_was_compared_with_is_said(world: World) -> None:
    """The price of the CDR that it takes back was wrong itself."""
    drive = await start(world.node, await new_driver(world.node), await world.plug())
    bill = cdr(world, await new_driver(world.node), drive, total_cost={"before_taxes": 9})
    back = {"id": "C1-C", "credit": True, "credit_reference_id": "C1", "total_cost": {"before_taxes": -9}}
    for document in (bill, {**bill, **back}):
        await world.tell("cdrs", said.said("cdr", document, "2.2.1"))
    assert (await opened(world.node, "C1")).json("price/check.json")["now"]["verdicts"][0] == "mismatch"
    found = await opened(world.node, "C1-C")
    assert found.json("price/check.json")["now"]["verdicts"] == ["match"]
    why = found.missing["the price worked by hand"]
    assert why == "a credit is compared with the total of CDR C1, which it takes back: 9 EUR before taxes"


async def test_the_course_of_the_session_with_the_times_at_which_it_was_heard(world: World) -> None:
    await charged(world)
    found = await opened(world.node, "C1")
    course = found.json("session/versions.json")
    assert [(one["why"], one["status"]) for one in course] == [("new", "ACTIVE"), ("status", "COMPLETED")]
    assert course[0]["received_at"] < course[1]["received_at"]
    assert found.json(course[1]["file"])["status"] == "COMPLETED"


async def test_messages_and_commands_of_both_directions_and_nobody_elses(world: World) -> None:
    await charged(world)
    found = await opened(world.node, "C1")
    said_ = [(one["direction"], one["method"], one["url"].rpartition("/2.2.1/")[2].split("/")[1]) for one in found.json("messages.json")]
    assert said_ == [
        ("out", "POST", "commands"),
        ("in", "POST", "commands"),
        ("in", "PUT", "sessions"),
        ("out", "POST", "commands"),
        ("in", "PUT", "sessions"),
        ("in", "POST", "cdrs"),
    ]
    assert [(one["command"], one["direction"]) for one in found.json("commands.json")] == [
        ("START_SESSION", "out"),
        ("STOP_SESSION", "out"),
    ]
    assert b"OTHER" not in b"".join(found.files.values())


async def test_of_a_list_only_what_concerns_it_is_shown(world: World) -> None:
    await charged(world)
    bill = decode_json((await opened(world.node, "C1")).files["cdr/received.json"])
    answer = {
        "status_code": 1000,
        "timestamp": world.clock.text(),
        "data": [bill, {**bill, "id": "C9", "session_id": "S9", "authorization_reference": "R9"}],
    }

    async def cpo(request: Any) -> Any:
        return type(await world.cpo(request))(200, encode_json(answer))

    world.node.client.transport.places["https://partner.example"] = cpo  # type: ignore[attr-defined]
    await world.node.client.call(world.partner.connection, "GET", "cdrs", "SENDER")
    shown = (await opened(world.node, "C1")).json("messages.json")[-1]
    assert (shown["method"], [one["id"] for one in shown["answer"]["data"]], shown["left_out"]) == (
        "GET",
        ["C1"],
        "1 objects of other charges",
    )


async def test_what_the_driver_pays_is_in_it_only_on_request(world: World) -> None:
    await charged(world)
    assert "what the driver pays" in (await opened(world.node, "C1")).missing
    asked = await opened(world.node, "C1", retail=True)
    assert asked.json("retail/bill.json")["cdr_id"] == "c1" and "what the driver pays" not in asked.missing


async def test_what_is_not_kept_any_more_is_named_with_the_setting(world: World) -> None:
    await charged(world)
    world.clock.move(86_400 * 5000)
    node = world.node
    await node.messages.flush()
    for module in ("tariffs", "cdrs", "sessions"):
        await node.store.write(lambda tx, module=module: tx.history.forget(module, node.clock()))  # type: ignore[misc]
    await node.store.write(lambda tx: tx.messages.forget(before=node.clock(), most=100))
    found = await opened(node, "C1")
    assert "cdr/received.json" not in found.files and "cdr/stored.json" in found.files
    settings = ("cdr_days", "tariff_days", "session_days", "message_days")
    for setting in settings:
        assert any(f"store.{setting}" in why for why in found.missing.values()), setting


@pytest.fixture
async def operator(tmp_path: Path) -> AsyncIterator[tuple[Node, Clock, Partner]]:
    clock = Clock()
    node = await make_node(tmp_path, parties=(("CPO", "NL", "TNM"),), clock=clock)
    yield node, clock, await befriend(node, "2.2.1", parties=(("EMSP", "BE", "XYZ"),))
    await close(node)


async def test_the_operator_shows_what_was_pinned_and_what_the_meter_said(operator: tuple[Node, Clock, Partner]) -> None:
    node, clock, partner = operator
    await meters.open_place(node, meters.tariff())
    charge = await meters.plug(node, partner)
    await charging.meter(node, charge, [meters.reading(0, "0"), meters.reading(1800, "5")])
    clock.move(3600)
    await charging.end(node, charge, clock(), readings=[meters.reading(3600, "10")])
    found = await opened(node, charge)
    assert found.json("tariffs/pinned.json")["tariff"]["id"] == "T1"
    assert [one["kwh"] for one in found.json("session/readings.json")][-1] == 10
    assert found.json("cdr/for_partner.json")["total_cost"]["excl_vat"] > 0
    assert (found.manifest["made"], found.manifest["partner"]) == ("here", "partner")
    assert [one["why"] for one in found.json("session/versions.json")][:2] == ["new", "status"]

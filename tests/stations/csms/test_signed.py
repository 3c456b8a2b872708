"""Signed meter values as stations of all kinds send them, and what of them stands in the CDR."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from interplug.charges.signed import key_of, prove
from interplug.model.validate import validate
from interplug.modules.node import Node
from interplug.stations.csms import samples, signed
from interplug.stations.csms.events import Signed
from interplug.stations.csms.service import Csms
from interplug.stations.ocpp.dialects import V16
from interplug.stations.ocpp.link import Refused
from interplug.stations.simulator.ocmf import Signer
from interplug.stations.simulator.readings import Reading
from tests.model import documents
from tests.nodes import T0, Clock
from tests.stations.csms.partner import Provider
from tests.stations.csms.saying16 import boot, start, stop
from tests.stations.csms.stations import Station, station

METER = Signer("M1", "meters")
HOUR = 3600


def record(wh: int, mark: str, at: int = T0) -> str:
    return METER.sign(Reading(at, wh, (), ""), None, mark).signed


BEGIN, END = record(1000, "B"), record(12000, "E", T0 + HOUR * 1_000_000)


def b64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def sampled(text: str, context: str, **more: Any) -> dict[str, Any]:
    return {"value": text, "context": context, "format": "SignedData", "measurand": "Energy.Active.Import.Register", **more}


def data(begin: str, end: str) -> list[dict[str, Any]]:
    """The transactionData of a StopTransaction."""
    contexts = ((begin, "Transaction.Begin"), (end, "Transaction.End"))
    return [{"timestamp": "2026-01-01T01:00:00Z", "sampledValue": [sampled(text, context)]} for text, context in contexts]


async def charged(csms: Csms, one: Station, clock: Clock, provider: Provider, data: list[dict[str, Any]]) -> dict[str, Any]:
    """The CDR of a charge of 11 kWh that ends with these."""
    await boot(one, clock)
    number = await start(one, clock)
    clock.move(HOUR)
    await stop(one, clock, number, 12000, transactionData=data)
    await csms.hall.posts["CS1"].carried()
    [bill] = await provider.cdrs()
    return bill


def structure(text: str) -> str:
    return json.dumps({"signedMeterData": b64(text), "encodingMethod": "OCMF", "publicKey": b64(f"oca:base16:asn1:{METER.public_key}")})


async def test_the_key_of_a_16_station_is_asked_for_once_and_kept(csms: Csms, node: Node, provider: Provider, clock: Clock) -> None:
    async with station(csms, V16) as one:
        one.answers["GetConfiguration"] = {"configurationKey": [{"key": "MeterPublicKey1", "readonly": True, "value": METER.public_key}]}
        bill = await charged(csms, one, clock, provider, data(BEGIN, END))
        assert bill["signed_data"]["public_key"] == base64.b64encode(bytes.fromhex(METER.public_key)).decode()
        proof = prove(bill)
        assert proof is not None and (proof.verdict, proof.kwh) == ("signed_right", 11)
        assert await one.asked("GetConfiguration") == {"key": ["MeterPublicKey1"]}
    row = await node.store.read(lambda tx: tx.charging_stations.get("CS1"))
    assert row is not None and row.about["MeterPublicKey1"] == METER.public_key


async def test_after_a_boot_the_key_is_asked_for_again(csms: Csms, provider: Provider, clock: Clock) -> None:
    async with station(csms, V16) as one:
        one.answers["GetConfiguration"] = {"configurationKey": [{"key": "MeterPublicKey1", "readonly": True, "value": METER.public_key}]}
        first = await charged(csms, one, clock, provider, data(BEGIN, END))
        await boot(one, clock)
        number = await start(one, clock, meter=12000)
        begin, end = record(12000, "B", clock.now), record(20000, "E", clock.now + HOUR * 1_000_000)
        clock.move(HOUR)
        await stop(one, clock, number, 20000, transactionData=data(begin, end))
        await csms.hall.posts["CS1"].carried()
        [second] = [one for one in await provider.cdrs() if one["id"] != first["id"]]
        assert second["signed_data"]["public_key"] == first["signed_data"]["public_key"]


async def test_a_station_that_tells_no_key_is_billed_all_the_same(csms: Csms, provider: Provider, clock: Clock) -> None:
    async with station(csms, V16) as one:
        one.answers["GetConfiguration"] = Refused("NotSupported", "what?")
        bill = await charged(csms, one, clock, provider, data(BEGIN, END))
        assert "public_key" not in bill["signed_data"] and len(bill["signed_data"]["signed_values"]) == 2
        proof = prove(bill)
        assert proof is not None and proof.verdict == "signed_unchecked" and "key" in proof.words


async def test_the_structure_of_2x_as_a_text_in_16(csms: Csms, provider: Provider, clock: Clock) -> None:
    async with station(csms, V16) as one:
        bill = await charged(csms, one, clock, provider, data(structure(BEGIN), structure(END)))
        proof = prove(bill)
        assert proof is not None and (proof.verdict, proof.key) == ("signed_right", METER.public_key)
        assert [base64.b64decode(one["signed_data"]).decode() for one in bill["signed_data"]["signed_values"]] == [BEGIN, END]


async def test_rubbish_that_is_said_to_be_signed_never_stands_in_the_way_of_the_bill(csms: Csms, provider: Provider, clock: Clock) -> None:
    async with station(csms, V16) as one:
        rubbish = json.dumps({"signedMeterData": "\u0000\u2028", "encodingMethod": "\n" * 9, "publicKey": "é" * 600})
        bill = await charged(csms, one, clock, provider, data("x" * 9000, rubbish))
        assert bill["signed_data"]["encoding_method"] == "unknown" and len(bill["signed_data"]["signed_values"]) == 1


TEXTS = st.one_of(st.text(max_size=40), st.sampled_from([BEGIN, b64(BEGIN), structure(BEGIN), "AP;0;3;X", "x" * 6000]))
VALUES = st.builds(
    lambda context, text: signed.of_text(context, 0, text),
    st.sampled_from(["Transaction.Begin", "Transaction.End", "Sample.Periodic"]),
    TEXTS,
)


@given(st.lists(VALUES | st.builds(Signed, st.just("Transaction.End"), st.just(0), TEXTS, TEXTS, TEXTS, TEXTS), max_size=30), TEXTS)
def test_law_whatever_stations_send_a_cdr_can_hold_it(values: list[Signed], key: str) -> None:
    found = signed.document(signed.added([], values), key)
    if found is not None:
        validate("cdr", {**documents.CDR, "signed_data": found})
        texts = [base64.b64decode(one["signed_data"]) for one in found["signed_values"]]
        sent = {form for one in values for form in (one.data.encode(), base64.b64decode(signed.packed(one.data)))}
        assert all(text in sent for text in texts), "nothing is changed and nothing is made up"


def test_what_is_sent_twice_is_kept_once_and_the_ends_are_kept_whatever_comes_between() -> None:
    begin, end = Signed("Transaction.Begin", 0, "b"), Signed("Transaction.End", 0, "e")
    between = [Signed("Sample.Periodic", n, f"s{n}") for n in range(50)]
    found = signed.added([], [begin, *between, Signed("Sample.Periodic", 60, "e")])
    found = signed.added(found, [begin, end])
    assert found == [begin, *between[-signed.MOST_BETWEEN + 1 :], end] or found == [begin, *between[-signed.MOST_BETWEEN :][1:], end]


def test_a_signed_value_is_no_reading() -> None:
    read, proofs = samples.read(
        [{"timestamp": "2026-01-01T00:00:00Z", "sampledValue": [sampled("123", "Transaction.End")]}], lambda text: T0
    )
    assert [one.register for one in read] == [None] and [one.data for one in proofs] == ["123"]


@pytest.mark.parametrize("spelling", [METER.public_key, b64(f"oca:base16:asn1:{METER.public_key}"), "nothing"])
def test_a_key_apart_from_the_values_is_spelled_as_ocpi_wants_it(spelling: str) -> None:
    found = signed.document([Signed("Transaction.End", 0, END)], spelling)
    assert found is not None
    assert key_of(found.get("public_key", "")) == ("" if spelling == "nothing" else METER.public_key)

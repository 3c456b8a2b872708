"""A Location that comes again: what is spelled as it is held is not read, and that makes no difference to anybody."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Raw

from interplug.model.types import decode_json, encode_json
from interplug.model.validate import Invalid, validate
from interplug.modules.again import news
from interplug.modules.node import Node
from interplug.store.bodies import fields_of
from interplug.store.keys import Key
from interplug.store.locations import Held
from tests.modules.conftest import THEIRS
from tests.modules.said import Document, evse, location, theirs
from tests.nodes import Clock, Partner, befriend

TIME = "2027-03-01T10:00:00Z"
URL = "locations/BE/XYZ/L1"


def place() -> Document:
    return theirs(location(evses=[evse(uid=uid) for uid in ("E1", "E2", "E3")]))


def held(document: Document) -> Held:
    body = {name: value for name, value in document.items() if name != "evses"}
    return Held(fields_of(encode_json(body)), [Raw(encode_json(evse)) for evse in document["evses"]])


VALUES = st.sampled_from(
    [None, True, 7, "", "a name", "two\nlines", "é", {}, [], [None], [{"id": "1"}], {"deep": None}, "AVAILABLE", "CHARGING", TIME]
)
PLACES = st.sampled_from(["name", "city", "id", "country", "coordinates", "publish", "last_updated", "x_unknown"])
PARTS = st.sampled_from(["uid", "status", "connectors", "last_updated", "x_unknown"])
CHANGES = st.lists(st.tuples(st.one_of(PLACES, st.tuples(st.integers(0, 2), PARTS)), VALUES), max_size=3)


@given(CHANGES, st.sets(PLACES, max_size=1))
def test_what_is_found_to_be_new_is_what_reading_everything_would_have_given(changes: list[tuple[Any, Any]], left_out: set[str]) -> None:
    sent = place()
    for where, value in changes:
        if isinstance(where, str):
            sent[where] = value
        else:
            sent["evses"][where[0]] = {**sent["evses"][where[0]], where[1]: value}
    sent = {name: value for name, value in sent.items() if name not in left_out}
    raw = encode_json(sent)
    found = news(raw, held(place()))
    if found is None:
        return  # the longer way judges it
    assert decode_json(encode_json(found)) == decode_json(raw)
    assert b"null" not in raw
    try:
        validate("location", decode_json(raw))
    except Invalid as refused:
        pytest.fail(f"{refused} was not seen")


def test_only_what_is_new_is_read() -> None:
    sent = place() | {"name": "Another", "last_updated": TIME}
    sent["evses"][1] = {**sent["evses"][1], "status": "CHARGING", "last_updated": TIME}
    found = news(encode_json(sent), held(place()))
    assert found is not None
    assert {name for name, value in found.items() if type(value) is not Raw} == {"name", "last_updated", "evses"}
    assert [type(evse) is Raw for evse in found["evses"]] == [True, False, True]
    assert {name for name, value in found["evses"][1].items() if type(value) is not Raw} == {"uid", "status", "last_updated"}


@pytest.fixture(params=["2.2.1", "2.3.0"])
async def partner(node: Node, request: pytest.FixtureRequest) -> Partner:
    return await befriend(node, request.param, parties=THEIRS)


async def held_by(node: Node, partner: Partner) -> Document:
    stored = await node.store.read(lambda tx: tx.objects.get(Key("locations", partner.connection.id, "BE", "XYZ", "L1")))
    assert stored is not None
    return stored.document


@pytest.mark.req("LOC-015")
async def test_a_location_that_comes_again_is_what_it_says_now(node: Node, partner: Partner, clock: Clock) -> None:
    await partner.send("PUT", URL, place())
    before = await node.store.look()
    sent = place() | {"name": "Another", "last_updated": TIME}
    sent["evses"][1] |= {"status": "CHARGING", "last_updated": TIME}
    assert (await partner.send("PUT", URL, sent)).http == 200
    assert await held_by(node, partner) == sent
    changes, _, _ = await node.store.news(before, 10)
    assert [(change.what, change.evse_uid) for change in changes] == [("body", None), ("status", "E2")]
    assert (await partner.send("PUT", URL, sent)).http == 200
    assert await node.store.look() == changes[-1].no


async def test_what_is_wrong_in_it_is_told_as_ever(node: Node, partner: Partner) -> None:
    await partner.send("PUT", URL, place())
    for spoil, path in (({"city": 7}, "$.city"), ({"city": None}, "$.city"), ({"name": "two\nlines"}, "$.name")):
        answer = await partner.send("PUT", URL, place() | {"last_updated": TIME, **spoil})
        assert (answer.code, path in (answer.message or "")) == (2001, True), answer.message
    for spoil, path in (
        ({"status": "SLEEPING"}, "$.evses[2].status"),
        ({"connectors": [{"id": "1"}]}, "$.evses[2].connectors[0].standard"),
    ):
        wrong = place() | {"last_updated": TIME}
        wrong["evses"][2] |= spoil
        answer = await partner.send("PUT", URL, wrong)
        assert (answer.code, path in (answer.message or "")) == (2001, True), answer.message
    assert await held_by(node, partner) == place()


async def test_evses_may_come_in_another_order_or_be_fewer(node: Node, partner: Partner) -> None:
    await partner.send("PUT", URL, place())
    sent = place() | {"last_updated": TIME}
    sent["evses"] = [{**sent["evses"][2], "floor_level": "-1", "last_updated": TIME}, sent["evses"][0]]
    assert (await partner.send("PUT", URL, sent)).http == 200
    kept = (await held_by(node, partner))["evses"]
    assert kept[:2] == sent["evses"]
    assert [(one["uid"], one["status"]) for one in kept[2:]] == [("E2", "REMOVED")]

"""Whatever a partner sends: a clear answer in the envelope, nothing raised, nothing changed that is not theirs."""

import asyncio
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from interplug.model.types import encode_json
from interplug.modules.node import Node
from interplug.versions.table import VERSIONS
from tests.modules.conftest import THEIRS
from tests.modules.said import cdr, connector, evse, location, said, session, tariff, theirs, token
from tests.nodes import Answer, Partner, befriend, close, make_node

ODD = st.sampled_from(
    [
        None,
        True,
        0,
        -1,
        1.5,
        2**80,
        "",
        "x",
        "\x00",
        "É",
        "a" * 300,
        [],
        {},
        [None],
        [[]],
        [{}],
        {"a": {}},
        "2026-01-01T00:00:00Z",
        "9999-99-99",
        "NaN",
    ]
)
PLACES = {
    "locations/BE/XYZ/L1": ("location", location()),
    "locations/BE/XYZ/L1/E1": ("evse", evse()),
    "locations/BE/XYZ/L1/E1/1": ("connector", connector()),
    "tariffs/BE/XYZ/T1": ("tariff", tariff()),
    "tokens/BE/XYZ/012345": ("token", token()),
    "sessions/BE/XYZ/S1": ("session", session()),
}
POSTS = {"cdrs": ("cdr", cdr())}


def spoken(kind: str, document: dict[str, Any], version: str) -> dict[str, Any]:
    owned = document if kind in ("evse", "connector") else theirs(document)
    return said(kind, owned, version, location=theirs(location()))


def paths(value: Any, here: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [here] * bool(here) + [path for name, inner in items for path in paths(inner, (*here, name))]


def replaced(value: Any, path: tuple[Any, ...], new: Any) -> Any:
    if not path:
        return new
    copy = dict(value) if isinstance(value, dict) else list(value)
    copy[path[0]] = replaced(value[path[0]], path[1:], new)
    return copy


class Played:
    """A node that lasts for one test, driven from a test that is not asynchronous."""

    def __init__(self, folder: Path, version: str) -> None:
        self.loop = asyncio.new_event_loop()
        self.node: Node = self.run(make_node(folder))
        self.partner: Partner = self.run(befriend(self.node, version, parties=THEIRS))
        for path, (kind, document) in PLACES.items():
            answer = self.run(self.partner.send("PUT", path, spoken(kind, document, version)))
            assert answer.ok, answer.message

    def run(self, work: Coroutine[Any, Any, Any]) -> Any:
        return self.loop.run_until_complete(work)

    def end(self) -> None:
        self.run(close(self.node))
        self.loop.close()


def calm(answer: Answer) -> None:
    assert answer.code in (1000, 2000, 2001, 2002, 2003, 2004), (answer.http, answer.message)
    assert answer.http in (200, 201, 400, 404, 405)


@pytest.mark.parametrize("version", list(VERSIONS))
def test_no_wrong_value_anywhere_in_a_document_is_more_than_an_answer(tmp_path: Path, version: str) -> None:
    played = Played(tmp_path, version)
    places = {**PLACES, **POSTS}

    @given(st.data())
    @settings(max_examples=150)
    def wrong(data: st.DataObject) -> None:
        path = data.draw(st.sampled_from(sorted(places)))
        kind, document = places[path]
        whole = spoken(kind, document, version)
        broken = replaced(whole, data.draw(st.sampled_from(paths(whole))), data.draw(ODD))
        methods = ["POST"] if path in POSTS else ["PUT", "PATCH"]
        calm(played.run(played.partner.send(data.draw(st.sampled_from(methods)), path, encode_json(broken))))
        if path not in POSTS:
            calm(played.run(played.partner.send("GET", path)))

    wrong()
    played.end()


@pytest.mark.parametrize("version", list(VERSIONS))
def test_no_path_or_query_is_more_than_an_answer(tmp_path: Path, version: str) -> None:
    played = Played(tmp_path, version)
    segments = st.sampled_from(
        ["ocpi", version, "sender", "receiver", "cpo", "emsp", "locations", "tokens", "BE", "XYZ", "..", "%00", "%2F", "", "é"]
    )
    queries = st.sampled_from(["", "?", "?limit=&offset=", "?date_from=%ff", "?type=" + "x" * 5000, "?a=1&a=2&limit=1", "?%"])

    @given(st.sampled_from(["GET", "PUT", "PATCH", "POST", "DELETE", "BREW"]), st.lists(segments, max_size=9), queries)
    @settings(max_examples=150)
    def wild(method: str, parts: list[str], query: str) -> None:
        answer = played.run(played.partner.ask(method, "/" + "/".join(parts) + query, b"{}"))
        assert answer.code in (1000, 2000, 2001, 2003, 2004, 3002)

    wild()
    played.end()


@pytest.mark.parametrize("version", list(VERSIONS))
def test_no_command_is_more_than_an_answer(tmp_path: Path, version: str) -> None:
    played = Played(tmp_path, version)
    names = st.sampled_from(["START_SESSION", "STOP_SESSION", "RESERVE_NOW", "CANCEL_RESERVATION", "UNLOCK_CONNECTOR", "X" * 300])
    fields = st.sampled_from(
        ["response_url", "token", "location_id", "evse_uid", "session_id", "reservation_id", "expiry_date", "connector_id"]
    )

    @given(names, st.dictionaries(fields, ODD, max_size=5))
    @settings(max_examples=100)
    def wild(name: str, document: dict[str, Any]) -> None:
        calm(played.run(played.partner.send("POST", f"commands/{name}", encode_json(document))))
        calm(played.run(played.partner.fetch(f"commands/{name}/1", "POST", encode_json(document))))
        calm(played.run(played.partner.fetch("tokens/1/authorize", "POST", encode_json(document))))

    wild()
    played.end()


@pytest.mark.parametrize("version", ["2.1.1"], indirect=True)
@pytest.mark.parametrize(
    ("path", "kind", "field"),
    [
        ("locations/BE/XYZ/L1/E1/1", "connector", "voltage"),
        ("tokens/BE/XYZ/012345", "token", "auth_id"),
        ("sessions/BE/XYZ/S1", "session", "start_datetime"),
        ("sessions/BE/XYZ/S1", "session", "auth_id"),
    ],
)
async def test_a_complaint_names_the_field_as_its_version_does(partner: Partner, version: str, path: str, kind: str, field: str) -> None:
    await partner.send("PUT", "locations/BE/XYZ/L1", spoken("location", location(), version))
    document = spoken(kind, PLACES[path][1], version)
    del document[field]
    answer = await partner.send("PUT", path, document)
    assert (answer.code, f"$.{field}:" in (answer.message or "")) == (2001, True), answer.message


async def test_the_edges_of_the_calendar(partner: Partner, version: str) -> None:
    for at in ("0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "0001-01-01T00:00:00+14:00"):
        document = {**spoken("location", location(), version), "last_updated": at}
        calm(await partner.send("PUT", "locations/BE/XYZ/L1", document))
        calm(await partner.send("GET", "locations/BE/XYZ/L1"))

"""Calling a partner: the URL from its version details, the headers of its version, and patience with how partners differ."""

import base64
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from interplug.model.types import encode_json
from interplug.modules.node import Node
from interplug.partners.directory import Connection
from interplug.partners.lists import PageFailed, pages
from interplug.protocol.headers import Party
from interplug.protocol.http import Request, Response, Unreachable
from interplug.versions.table import VERSIONS
from tests.nodes import Wire, befriend, close, make_node

ALL = pytest.mark.parametrize("version", list(VERSIONS))
BASE = "https://partner.example"


@pytest.fixture
async def wire() -> Wire:
    return Wire()


@pytest.fixture
async def node(tmp_path: Path, wire: Wire) -> AsyncIterator[Node]:
    made = await make_node(tmp_path, [("EMSP", "DE", "ABC"), ("CPO", "DE", "XYZ")], wire=wire)
    yield made
    await close(made)


async def partner(node: Node, version: str, **more: Any) -> Connection:
    return (await befriend(node, version, parties=[("EMSP", "NL", "EEE"), ("CPO", "NL", "CCC")], **more)).connection


def ok(data: Any = None, **headers: str) -> Response:
    return Response(
        200, encode_json({"data": data, "status_code": 1000}), {name.replace("_", "-"): value for name, value in headers.items()}
    )


def answering(wire: Wire, *answers: Response | Callable[[Request], Response]) -> None:
    """The partner gives these answers one after the other, the last one for ever."""
    left = list(answers)

    async def answer(request: Request) -> Response:
        given = left.pop(0) if len(left) > 1 else left[0]
        return given(request) if callable(given) else given

    wire.places[BASE] = answer


def sent(wire: Wire) -> Request:
    (request,) = wire.sent
    return request


# --- one request


@ALL
@pytest.mark.req("TRN-002", "TRN-003", "TRN-005")
async def test_the_token_is_spelled_as_the_version_says(node: Node, wire: Wire, version: str) -> None:
    answering(wire, ok())
    await node.client.call(await partner(node, version), "GET", "locations", "SENDER")
    spelled = "their-token" if version == "2.1.1" else base64.b64encode(b"their-token").decode()
    assert sent(wire).headers["authorization"] == f"Token {spelled}"


@ALL
@pytest.mark.req("TRN-093", "TRN-094", "VER-011")
async def test_urls_come_from_the_version_details_and_ids_are_encoded(node: Node, wire: Wire, version: str) -> None:
    answering(wire, ok())
    connection = await partner(node, version)
    await node.client.call(connection, "PUT", "tokens", "RECEIVER", "DE", "A/C", "tok en?", query={"type": "RFID"}, document={"a": 1})
    assert sent(wire).url == f"{BASE}/ocpi/{version}/receiver/tokens/DE/A%2FC/tok%20en%3F?type=RFID"
    wire.sent.clear()
    await node.client.call(connection, "GET", "Locations", "SENDER")
    assert sent(wire).url == f"{BASE}/ocpi/{version}/sender/locations"


@ALL
@pytest.mark.req("TRN-087", "TRN-088")
async def test_every_request_has_an_id_of_its_own_and_a_correlation_id(node: Node, wire: Wire, version: str) -> None:
    answering(wire, ok())
    connection = await partner(node, version)
    await node.client.call(connection, "GET", "locations", "SENDER")
    await node.client.call(connection, "GET", "credentials", "SENDER", correlation_id="same")
    first, second = (request.headers for request in wire.sent)
    assert first["x-request-id"] != second["x-request-id"]
    assert first["x-correlation-id"] != "same" and second["x-correlation-id"] == "same"


@pytest.mark.parametrize("version", ["2.2.1", "2.3.0"])
@pytest.mark.req("TRN-057", "TRN-060")
@pytest.mark.parametrize(
    ("module", "side", "to", "sender"),
    [("locations", "SENDER", "CCC", "ABC"), ("locations", "RECEIVER", "EEE", "XYZ"), ("tokens", "RECEIVER", "CCC", "ABC")],
)
async def test_functional_requests_name_the_parties_by_their_roles(
    node: Node, wire: Wire, version: str, module: str, side: Any, to: str, sender: str
) -> None:
    answering(wire, ok())
    await node.client.call(await partner(node, version), "GET", module, side)
    headers = sent(wire).headers
    assert (headers["ocpi-to-country-code"], headers["ocpi-to-party-id"]) == ("NL", to)
    assert (headers["ocpi-from-country-code"], headers["ocpi-from-party-id"]) == ("DE", sender)


async def test_parties_that_the_caller_names_go_before(node: Node, wire: Wire) -> None:
    answering(wire, ok())
    connection = await partner(node, "2.2.1")
    await node.client.call(connection, "GET", "locations", "SENDER", to=Party("SE", "TOO"), sender=Party("DE", "FRO"))
    assert (sent(wire).headers["ocpi-to-party-id"], sent(wire).headers["ocpi-from-party-id"]) == ("TOO", "FRO")


@pytest.mark.parametrize("more", [{"hub": "NLHUB"}, {"parties": [("EMSP", "NL", "EEE"), ("EMSP", "NL", "FFF")]}])
async def test_a_question_to_any_of_several_parties_names_none(node: Node, wire: Wire, more: dict[str, Any]) -> None:
    answering(wire, ok())
    known = await befriend(node, "2.2.1", **{"parties": [("EMSP", "NL", "EEE")], **more})
    await node.client.call(known.connection, "POST", "tokens", "SENDER", "CARD", "authorize", anybody=True)
    assert "ocpi-to-party-id" not in sent(wire).headers and sent(wire).headers["ocpi-from-party-id"] == "XYZ"


@pytest.mark.req("TRN-080")
async def test_a_hub_is_addressed_itself(node: Node, wire: Wire) -> None:
    answering(wire, ok())
    await node.client.call(await partner(node, "2.2.1", hub="NLHUB"), "GET", "locations", "SENDER")
    assert sent(wire).headers["ocpi-to-party-id"] == "HUB"


@ALL
@pytest.mark.req("TRN-058")
async def test_configuration_requests_and_211_name_no_parties(node: Node, wire: Wire, version: str) -> None:
    answering(wire, ok())
    connection = await partner(node, version)
    await node.client.call(connection, "GET", "credentials", "SENDER")
    if version == "2.1.1":
        await node.client.call(connection, "GET", "locations", "SENDER")
    else:
        await node.client.call(connection, "PUT", "hubclientinfo", "RECEIVER", "NL", "ABC", document={})
    assert not [name for request in wire.sent for name in request.headers if name.startswith("ocpi-")]


@pytest.mark.req("TRN-015", "TRN-016")
async def test_content_type_comes_with_a_body_and_not_without(node: Node, wire: Wire) -> None:
    answering(wire, ok())
    connection = await partner(node, "2.2.1")
    await node.client.call(connection, "PUT", "tokens", "RECEIVER", "x", document=b'{"ready": "made"}')
    await node.client.call(connection, "DELETE", "credentials", "SENDER")
    assert [request.headers.get("content-type") for request in wire.sent] == ["application/json", None]
    assert wire.sent[0].body == b'{"ready": "made"}'


async def test_whatever_a_partner_does_is_a_reply(node: Node, wire: Wire) -> None:
    connection = await partner(node, "2.2.1")

    def gone(request: Request) -> Response:
        raise Unreachable("cannot connect: refused")

    for answer, http, why in (
        (gone, 0, "refused"),
        (Response(200, b"<html>"), 200, "not JSON"),
        (Response(502, b""), 502, "not JSON"),
        (Response(200, b'{"status_code": 2003}'), 200, "2003"),
    ):
        answering(wire, answer)
        reply = await node.client.call(connection, "GET", "locations", "SENDER")
        assert not reply.ok and reply.http == http and why in reply.why()
    reply = await node.client.call(connection, "GET", "bookings", "SENDER")
    assert reply.fault == "partner has no SENDER endpoint for bookings"


async def test_a_token_that_a_partner_repeats_in_words_is_told_to_nobody(node: Node, wire: Wire) -> None:
    connection = await partner(node, "2.2.1")

    def refused(request: Request) -> Response:
        spelled = request.headers["authorization"].split()[1]
        plain = base64.b64decode(spelled).decode()
        return Response(403, encode_json({"status_code": 2001, "status_message": f"unknown: {spelled} ({plain})", "data": None}))

    answering(wire, refused)
    reply = await node.client.call(connection, "GET", "locations", "SENDER")
    assert reply.why() == "HTTP 403, OCPI 2001 unknown: *** (***)"


@pytest.mark.req("TRN-096")
async def test_a_failed_push_is_not_sent_again(node: Node, wire: Wire) -> None:
    answering(wire, Response(500, b""))
    await node.client.call(await partner(node, "2.2.1"), "PUT", "tokens", "RECEIVER", "x", document={})
    assert len(wire.sent) == 1


async def test_requests_and_answers_stand_in_the_log(node: Node, wire: Wire) -> None:
    answering(wire, ok([]))
    connection = await partner(node, "2.2.1")
    await node.client.call(connection, "GET", "locations", "SENDER", correlation_id="abc")
    await node.messages.flush()
    (message,) = await node.store.read(lambda tx: tx.messages.search(correlation_id="abc"))
    assert (message.direction, message.connection, message.http, message.ocpi) == ("out", connection.id, 200, 1000)
    assert "their-token" not in str(message.headers)


# --- what partners do differently


@ALL
@pytest.mark.req("TRN-006")
async def test_a_401_is_asked_again_with_the_other_spelling_which_is_remembered(node: Node, wire: Wire, version: str) -> None:
    usual = VERSIONS[version].base64_token
    wanted = "Token their-token" if usual else "Token " + base64.b64encode(b"their-token").decode()
    answering(wire, lambda request: ok() if request.headers["authorization"] == wanted else Response(401, b'{"status_code": 2001}'))
    connection = await partner(node, version)
    assert (await node.client.call(connection, "GET", "locations", "SENDER")).ok
    assert (await node.client.call(connection, "GET", "locations", "SENDER")).ok
    assert len(wire.sent) == 3
    again = node.directory.by_id(connection.id)
    assert again is not None and again.base64_out is not usual


async def test_a_401_to_both_spellings_is_a_401(node: Node, wire: Wire) -> None:
    answering(wire, Response(401, b'{"status_code": 2001}'))
    connection = await partner(node, "2.2.1")
    assert (await node.client.call(connection, "GET", "locations", "SENDER")).http == 401
    again = node.directory.by_id(connection.id)
    assert again is not None and again.base64_out is None


async def test_a_list_that_wants_a_final_slash_gets_it(node: Node, wire: Wire) -> None:
    answering(wire, lambda request: ok([]) if request.path.endswith("/") else Response(404, b""))
    connection = await partner(node, "2.2.1")
    assert (await node.client.call(connection, "GET", "locations", "SENDER", query={"limit": "5"})).ok
    assert [request.url[-18:] for request in wire.sent] == ["/locations?limit=5", "locations/?limit=5"]
    again = node.directory.by_id(connection.id)
    assert again is not None
    assert (await node.client.call(again, "GET", "locations", "SENDER")).ok
    assert len(wire.sent) == 3


async def test_an_object_that_is_not_there_is_asked_for_once(node: Node, wire: Wire) -> None:
    answering(wire, Response(404, b'{"status_code": 2003}'))
    assert (await node.client.call(await partner(node, "2.2.1"), "GET", "locations", "SENDER", "LOC1")).http == 404
    assert len(wire.sent) == 1


# --- lists


async def crawl(node: Node, connection: Connection, **query: str) -> list[Any]:
    return [item async for page in pages(node.client, connection, "locations", query) for item in page.items]


@ALL
@pytest.mark.req("TRN-036")
async def test_a_list_is_followed_by_its_links_to_the_end(node: Node, wire: Wire, version: str) -> None:
    start = f"{BASE}/ocpi/{version}/sender/locations"
    answering(
        wire,
        ok(
            [1, 2], Link=f'<{start}?cursor=opaque>; rel="next"', link=f'<{start}?cursor=opaque>; rel="next"', x_total_count="5", x_limit="2"
        ),
        ok([3, 4], link="<?cursor=last>; rel=next"),
        ok([5]),
    )
    connection = await partner(node, version)
    assert await crawl(node, connection, date_from="2026-01-01T00:00:00Z") == [1, 2, 3, 4, 5]
    assert [request.url.partition("?")[2] for request in wire.sent] == ["date_from=2026-01-01T00:00:00Z", "cursor=opaque", "cursor=last"]


async def test_totals_are_told_but_not_believed(node: Node, wire: Wire) -> None:
    answering(wire, ok([1], x_total_count="900", x_limit="many"))
    found = [page async for page in pages(node.client, await partner(node, "2.2.1"), "locations")]
    assert [(page.items, page.total, page.limit) for page in found] == [([1], 900, None)]


@pytest.mark.parametrize("body", [b'{"status_code": 1000}', b'{"status_code": 1000, "data": null}', b'{"status_code": 1000, "data": []}'])
async def test_a_list_without_data_is_empty(node: Node, wire: Wire, body: bytes) -> None:
    answering(wire, Response(200, body))
    assert await crawl(node, await partner(node, "2.2.1")) == []


@pytest.mark.parametrize("answer", [Response(500, b""), Response(200, b"<html>"), ok({"items": []}), ok("text")])
async def test_a_page_that_cannot_be_read_ends_the_crawl_with_a_reason(node: Node, wire: Wire, answer: Response) -> None:
    answering(wire, answer)
    with pytest.raises(PageFailed):
        await crawl(node, await partner(node, "2.2.1"))


async def test_a_link_that_repeats_itself_ends(node: Node, wire: Wire) -> None:
    answering(wire, ok([1], link=f'<{BASE}/ocpi/2.2.1/sender/locations?p=2>; rel="next"'))
    with pytest.raises(PageFailed, match="never ends"):
        await crawl(node, await partner(node, "2.2.1"))
    assert len(wire.sent) == 2


async def test_empty_pages_for_ever_end(node: Node, wire: Wire) -> None:
    count = iter(range(1000))
    answering(wire, lambda request: ok([], link=f'<{BASE}/next?p={next(count)}>; rel="next"'))
    with pytest.raises(PageFailed, match="never ends"):
        await crawl(node, await partner(node, "2.2.1"))
    assert len(wire.sent) < 20


async def test_a_link_to_a_foreign_host_is_not_followed(node: Node, wire: Wire) -> None:
    reached: list[str] = []

    async def victim(request: Request) -> Response:
        reached.append(request.url)
        return ok([])

    wire.places["https://victim.example"] = victim
    answering(wire, ok([1], link='<https://victim.example/?p=2>; rel="next"'))
    with pytest.raises(PageFailed, match="no registered host"):
        await crawl(node, await partner(node, "2.2.1"))
    assert reached == []

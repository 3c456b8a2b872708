"""What every request meets before and after its handler: tokens, paths, the envelope, message ids, routing headers, failures."""

import logging

import pytest

from interplug.model.types import format_time
from interplug.modules.node import Call, Node
from interplug.modules.rows import MODULES
from interplug.modules.server import serve
from interplug.partners import states
from interplug.protocol.headers import authorization
from interplug.protocol.http import Request
from interplug.protocol.routes import Module, Route, Router
from interplug.versions.table import VERSIONS
from tests.modules.conftest import THEIRS
from tests.modules.said import location, said, theirs, token
from tests.nodes import T0, Answer, Partner, befriend, own

URL = "locations/BE/XYZ/L1"


async def bare(node: Node, header: str | None, url: str = "/ocpi/2.2.1/sender/locations", method: str = "GET") -> Answer:
    return Answer.of(await serve(node, Request(method, url, {} if header is None else {"authorization": header})))


# --- who asks


@pytest.mark.req("TRN-007", "TRN-008", "TRN-012", "TRN-052")
@pytest.mark.parametrize(
    "header", [None, "", "Token", "Token ", "Bearer abc", "Token !!!", "Token dW5rbm93bg==", "Token " + "x" * 600, "Basic dTpw"]
)
@pytest.mark.parametrize("url", ["/ocpi/versions", "/ocpi/2.2.1/sender/locations", "/ocpi/9.9", "/nothing"])
async def test_no_known_token_is_401_in_the_envelope(node: Node, partner: Partner, header: str | None, url: str) -> None:
    answer = await bare(node, header, url)
    assert (answer.http, answer.code, answer.data) == (401, 2001, None)
    assert answer.headers["www-authenticate"] == "Token"


@pytest.mark.req("TRN-004", "TRN-006", versions="2.2.1|2.3.0")
@pytest.mark.req("TRN-006", versions="2.1.1")
@pytest.mark.parametrize("base64", [True, False])
async def test_a_token_is_read_raw_and_decoded(node: Node, partner: Partner, version: str, base64: bool) -> None:
    url = partner.url("sender", "locations", "cpo")
    assert (await bare(node, authorization(partner.token, base64_token=base64), url)).ok


@pytest.mark.req("TRN-009", versions="2.2.1|2.3.0")
@pytest.mark.req("TRN-008", versions="2.1.1")
async def test_a_registration_token_serves_for_versions_and_credentials_alone(node: Node, partner: Partner, version: str) -> None:
    await node.directory.write(
        lambda tx: tx.partners.issue(node.directory.key.hash_token("A"), partner.connection.id, states.REGISTRATION, T0)
    )
    urls = ["/ocpi/versions", f"/ocpi/{version}", partner.url("sender", "locations", "cpo"), partner.url("receiver", "commands/X", "cpo")]
    answers = [await bare(node, "Token A", url) for url in urls]
    assert [one.http for one in answers] == [200, 200, 401, 401]


@pytest.mark.req("TRN-008", "TRN-010")
async def test_a_token_that_was_dropped_is_401(node: Node, partner: Partner) -> None:
    await node.directory.write(lambda tx: tx.partners.drop_tokens(partner.connection.id))
    assert (await partner.fetch("locations")).http == 401


async def test_a_connection_is_refused_in_another_version_than_its_own(node: Node, partner: Partner, version: str) -> None:
    for other in VERSIONS.keys() - {version}:
        stranger = Partner(node, partner.connection, partner.token, other)
        assert (await stranger.fetch("locations")).http == 404


@pytest.mark.req("STS-019")
async def test_an_unknown_version_is_404_with_3002(partner: Partner) -> None:
    answers = [await partner.ask("GET", url) for url in ("/ocpi/2.0", "/ocpi/9.9/sender/locations", "/ocpi/2.0/cpo/locations")]
    assert [(one.http, one.code) for one in answers] == [(404, 3002)] * 3


# --- where to


@pytest.mark.req("TRN-052", "STS-007")
@pytest.mark.parametrize("path", ["chargingprofiles", "locations/1/2/3/4/5/6/7", "tokens//authorize", "%2e%2e/%2e%2e/etc"])
async def test_nothing_is_404_in_the_envelope(partner: Partner, path: str) -> None:
    answer = await partner.fetch(path)
    assert (answer.http, answer.code) == (404, 2000)


@pytest.mark.req("TRN-045", "TRN-052", "LOC-008", "CDR-002", "SES-003", "TOK-003", "HCI-004")
@pytest.mark.parametrize(
    ("side", "path", "allowed"),
    [
        ("sender", "locations", "GET"),
        ("sender", "locations/L1", "GET"),
        ("sender", "tariffs", "GET"),
        ("sender", "tokens", "GET"),
        ("sender", "sessions", "GET"),
        ("sender", "cdrs", "GET"),
        ("sender", "tokens/1/authorize", "POST"),
        ("receiver", "locations/BE/XYZ/L1", "GET, PATCH, PUT"),
        ("receiver", "sessions/BE/XYZ/S1", "GET, PATCH, PUT"),
        ("receiver", "tokens/BE/XYZ/1", "GET, PATCH, PUT"),
        ("receiver", "cdrs", "POST"),
        ("receiver", "cdrs/BE/XYZ/C1", "GET"),
        ("receiver", "commands/START_SESSION", "POST"),
    ],
)
async def test_a_method_that_is_not_there_is_405(partner: Partner, side: str, path: str, allowed: str) -> None:
    for method in {"GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"} - set(allowed.split(", ")):
        answer = await (partner.fetch(path, method) if side == "sender" else partner.send(method, path))
        assert (answer.http, answer.code, answer.headers["allow"]) == (405, 2000, allowed)


async def test_a_final_slash_is_no_other_place(partner: Partner) -> None:
    assert (await partner.fetch("locations/")).ok
    assert (await partner.ask("GET", "/ocpi/versions/")).ok


@pytest.mark.req("TRN-094")
async def test_segments_are_percent_decoded(node: Node, partner: Partner, version: str) -> None:
    await own(node, "tokens", token("a/b c"))
    assert (await partner.fetch("tokens/a%2Fb%20c/authorize", "POST")).ok


# --- the envelope


@pytest.mark.req("TRN-050", "STS-012", "TRN-051", "STS-009")
async def test_an_answer_has_code_time_and_the_right_kind_of_data(partner: Partner, version: str) -> None:
    made = await partner.send("PUT", URL, said("location", theirs(location()), version))
    one, many = await partner.send("GET", URL), await partner.fetch("locations")
    assert (made.code, one.code, many.code) == (1000, 1000, 1000)
    assert f'"timestamp":"{format_time(T0)}"'.encode() in made.body
    assert made.headers["content-type"] == "application/json"
    assert isinstance(one.data, dict) and many.data == []


@pytest.mark.req("TRN-053")
async def test_a_push_is_answered_without_data(partner: Partner, version: str) -> None:
    answer = await partner.send("PUT", URL, said("location", theirs(location()), version))
    assert b'"data"' not in answer.body


@pytest.mark.req("TRN-089")
@pytest.mark.parametrize("known", [True, False])
async def test_message_ids_are_echoed_by_every_answer(partner: Partner, known: bool) -> None:
    url = partner.url("sender", "locations" if known else "nothing", "cpo")
    answer = await partner.ask("GET", url, x_request_id="r-1", x_correlation_id="c-1")
    assert (answer.headers["x-request-id"], answer.headers["x-correlation-id"]) == ("r-1", "c-1")


@pytest.mark.req("TRN-092", "TRN-016")
async def test_message_ids_and_a_content_type_are_not_demanded(partner: Partner) -> None:
    assert (await partner.fetch("locations")).ok


# --- what cannot be read


@pytest.mark.req("STS-001", "TRN-052")
@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"\xff\xfe",
        b'{"a":1}}',
        b"nan",
        b"[" * 1_000_000,
        b'{"a":' * 100_000,
        b'{"kwh":1e999999999}',
        b'{"kwh":' + b"9" * 5000 + b"}",
    ],
    ids=["empty", "cut", "bytes", "more", "word", "deep list", "deep object", "exponent", "digits"],
)
async def test_a_body_that_is_not_readable_json_is_400(partner: Partner, body: bytes) -> None:
    for method, path in (("PUT", URL), ("PATCH", URL), ("POST", "cdrs"), ("POST", "commands/START_SESSION")):
        answer = await partner.send(method, path, body)
        assert (answer.http, answer.code) == (400, 2001)


@pytest.mark.req("STS-002", "STS-014", versions="2.2.1|2.3.0")
@pytest.mark.req("STS-003", "STS-014", versions="2.1.1")
@pytest.mark.parametrize("body", [b"[]", b"null", b"1", b'"text"', b"true", b"{}"])
async def test_json_that_is_no_such_object_is_200_with_2001(partner: Partner, version: str, body: bytes) -> None:
    for method, path in (("PUT", URL), ("PUT", "tokens/BE/XYZ/1"), ("POST", "cdrs"), ("POST", "commands/START_SESSION")):
        answer = await partner.send(method, path, body)
        assert (answer.http, answer.code) == (200, 2001)


@pytest.mark.req("STS-018", "TRN-052")
async def test_what_no_handler_foresaw_is_3000_and_says_nothing_about_us(
    node: Node, partner: Partner, caplog: pytest.LogCaptureFixture
) -> None:
    async def broken(call: Call) -> None:
        raise RuntimeError("secret of the house")

    module = Module("locations", "location", ("CPO",), ("EMSP",), (), (Route("SENDER", "GET", "", broken),))
    node.router = Router((module,))
    with caplog.at_level(logging.CRITICAL, "interplug.modules.server"):
        answer = await partner.fetch("locations", x_request_id="r-1")
    assert (answer.http, answer.code, answer.headers["x-request-id"]) == (500, 3000, "r-1")
    assert b"secret" not in answer.body


@pytest.mark.req("STS-020")
@pytest.mark.parametrize("version", ["2.1.1"], indirect=True)
async def test_2_1_1_is_sent_only_codes_that_it_knows(partner: Partner) -> None:
    assert (await partner.fetch("tokens/unknown/authorize", "POST")).code == 2001


@pytest.mark.req("STS-008")
def test_no_custom_codes_are_defined() -> None:
    from interplug.protocol import status

    assert not [code for code in status.MESSAGES if code % 1000 >= 900]


# --- routing headers


HEADERS = {"ocpi_to_country_code": "NL", "ocpi_to_party_id": "TNM", "ocpi_from_country_code": "BE", "ocpi_from_party_id": "XYZ"}
SWAPPED = {"ocpi-to-country-code": "BE", "ocpi-to-party-id": "XYZ", "ocpi-from-country-code": "NL", "ocpi-from-party-id": "TNM"}


def routed(answer: Answer) -> dict[str, str]:
    return {name: value for name, value in answer.headers.items() if name.startswith("ocpi-")}


@pytest.mark.req("TRN-057", "TRN-061", "TRN-060")
@pytest.mark.parametrize("version", ["2.2.1", "2.3.0"], indirect=True)
@pytest.mark.parametrize("path", ["locations", "nothing/there"])
async def test_routing_headers_come_back_swapped(partner: Partner, path: str) -> None:
    answer = await partner.fetch("locations" if path == "locations" else "locations/L9", **HEADERS)
    assert routed(answer) == SWAPPED


@pytest.mark.req("TRN-057")
@pytest.mark.parametrize("version", ["2.2.1", "2.3.0"], indirect=True)
async def test_without_routing_headers_the_answer_names_the_first_of_each_side(partner: Partner) -> None:
    assert routed(await partner.fetch("locations")) == SWAPPED


@pytest.mark.req("TRN-058")
@pytest.mark.parametrize("version", ["2.2.1", "2.3.0"], indirect=True)
async def test_configuration_modules_carry_no_routing_headers(partner: Partner, version: str) -> None:
    urls = ["/ocpi/versions", f"/ocpi/{version}", f"/ocpi/{version}/credentials", f"/ocpi/{version}/receiver/hubclientinfo/BE/XYZ"]
    assert [routed(await partner.ask("GET", url, **HEADERS)) for url in urls] == [{}] * 4


@pytest.mark.parametrize("version", ["2.1.1"], indirect=True)
async def test_2_1_1_has_no_routing_headers(partner: Partner) -> None:
    answer = await partner.fetch("locations", **{**HEADERS, "ocpi_to_party_id": "ZZZ"})
    assert answer.ok and routed(answer) == {}


@pytest.mark.req("TRN-060")
@pytest.mark.parametrize("version", ["2.2.1", "2.3.0"], indirect=True)
async def test_an_unknown_to_is_2001_on_a_direct_link(partner: Partner) -> None:
    answer = await partner.fetch("locations", **{**HEADERS, "ocpi_to_party_id": "ZZZ"})
    assert (answer.http, answer.code) == (200, 2001)


@pytest.mark.req("TRN-059")
@pytest.mark.parametrize("version", ["2.2.1", "2.3.0"], indirect=True)
async def test_parties_in_headers_are_compared_without_case(partner: Partner) -> None:
    assert (await partner.fetch("locations", **{**HEADERS, "ocpi_to_country_code": "nl", "ocpi_to_party_id": "tnm"})).ok


@pytest.mark.req("TRN-074", "TRN-067")
@pytest.mark.parametrize("version", ["2.2.1", "2.3.0"], indirect=True)
async def test_a_push_may_come_from_a_hub_while_the_url_names_the_owner(node: Node, version: str) -> None:
    hub = await befriend(node, version, parties=THEIRS, name="hub", hub="BEHUB")
    sender = {**HEADERS, "ocpi_from_country_code": "BE", "ocpi_from_party_id": "HUB"}
    answer = await hub.send("PUT", URL, said("location", theirs(location()), version), **sender)
    assert answer.ok
    assert routed(answer) == {**SWAPPED, "ocpi-to-party-id": "HUB"}


# --- the message log


async def test_each_request_is_in_the_message_log_without_its_token(node: Node, partner: Partner, version: str) -> None:
    await partner.fetch("locations", x_request_id="r-1", x_correlation_id="c-1")
    await bare(node, "Token unknown")
    await node.messages.flush()
    newest = await node.store.read(lambda tx: tx.messages.search())
    assert [(one.direction, one.connection, one.http, one.ocpi, one.request_id) for one in newest] == [
        ("in", 0, 401, 2001, ""),
        ("in", partner.connection.id, 200, 1000, "r-1"),
    ]
    assert partner.token not in str(newest) and "unknown" not in newest[0].headers["authorization"]


def test_each_module_is_in_the_one_list() -> None:
    assert [module.id for module in MODULES] == [
        "versions", "version_details", "credentials", "locations", "tariffs", "tokens", "sessions", "cdrs", "commands", "chargingprofiles",
        "terminals", "financial-advice-confirmations", "hubclientinfo",
    ]  # fmt: skip

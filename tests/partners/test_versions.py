"""Chapter 6: which versions a node offers, and that its version details name what it serves and nothing else."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from interplug.config import Ocpi
from interplug.modules.node import Node
from interplug.partners import registration
from interplug.partners.invitations import invite
from interplug.protocol.http import Request
from interplug.versions.table import VERSIONS
from tests.census.tables import check
from tests.nodes import CPO, EMSP, Answer, close, make_node
from tests.partners.pair import Pair, Stranger, ask, envelope

ALL = pytest.mark.parametrize("version", list(VERSIONS))
NEWER = pytest.mark.parametrize("version", ["2.2.1", "2.3.0"])


@pytest.fixture
async def both(tmp_path: Path) -> AsyncIterator[Node]:
    """A platform of both roles."""
    made = await make_node(tmp_path, [CPO, EMSP], name="both")
    yield made
    await close(made)


async def get(node: Node, url: str) -> Answer:
    return await ask(node, (await invite(node.directory, "reader")).token, "GET", url)


def listed(answer: Answer) -> list[tuple[str, str | None]]:
    return [(endpoint["identifier"], endpoint.get("role")) for endpoint in answer.data["endpoints"]]


@pytest.mark.req("VER-001", "VER-016", "VER-006")
async def test_the_versions_list_names_every_version_with_an_absolute_url(both: Node) -> None:
    answer = await get(both, "/ocpi/versions")
    assert answer.ok and all(check(entry["version"], "Version", entry) == [] for entry in answer.data)
    assert {entry["version"]: entry["url"] for entry in answer.data} == {
        number: f"https://both.example/ocpi/{number}" for number in VERSIONS
    }


@ALL
@pytest.mark.req("VER-003", "VER-010", "VER-016")
async def test_the_details_of_each_listed_version_name_it_and_its_endpoints(both: Node, version: str) -> None:
    answer = await get(both, f"/ocpi/{version}")
    assert answer.ok and answer.data["version"] == version
    assert check(version, "VersionDetails", answer.data) == []
    assert "credentials" in dict(listed(answer))
    assert all(endpoint["url"].startswith(f"https://both.example/ocpi/{version}/") for endpoint in answer.data["endpoints"])


@pytest.mark.req("VER-002")
@pytest.mark.parametrize("token", [None, "unknown"])
@pytest.mark.parametrize("url", ["/ocpi/versions", "/ocpi/cpo/versions", "/ocpi/2.1.1", "/ocpi/2.1.1/cpo", "/ocpi/2.2.1", "/ocpi/2.3.0"])
async def test_nobody_reads_them_without_a_token(both: Node, token: str | None, url: str) -> None:
    assert (await ask(both, token, "GET", url)).http == 401


@ALL
@pytest.mark.req("VER-002")
async def test_they_are_read_with_each_token_of_a_registration(pair: Pair, version: str) -> None:
    invitation = await pair.invited()
    assert (await ask(pair.cpo, invitation.token, "GET", f"/ocpi/{version}")).ok
    connection = await pair.register(version, invitation)
    access = await pair.emsp.client.access(connection)
    back = await pair.cpo.client.access(pair.at_cpo())
    assert (await ask(pair.cpo, access.token, "GET", "/ocpi/versions")).ok  # type: ignore[union-attr]
    assert (await ask(pair.emsp, back.token, "GET", "/ocpi/versions")).ok  # type: ignore[union-attr]


@NEWER
@pytest.mark.req("VER-004", "VER-007", "VER-008")
async def test_a_platform_of_both_roles_lists_both_sides_and_credentials_once(both: Node, version: str) -> None:
    endpoints = listed(await get(both, f"/ocpi/{version}"))
    assert len(endpoints) == len(set(endpoints))
    assert [side for module, side in endpoints if module == "credentials"] == ["SENDER"]
    for module in ("locations", "tariffs", "sessions", "cdrs", "tokens"):
        assert {side for name, side in endpoints if name == module} == {"SENDER", "RECEIVER"}


@NEWER
async def test_a_platform_of_one_role_lists_the_sides_of_that_role(pair: Pair, version: str) -> None:
    cpo, emsp = listed(await get(pair.cpo, f"/ocpi/{version}")), listed(await get(pair.emsp, f"/ocpi/{version}"))
    assert ("locations", "SENDER") in cpo and ("locations", "RECEIVER") not in cpo
    assert ("tokens", "RECEIVER") in cpo and ("commands", "RECEIVER") in cpo
    assert ("locations", "RECEIVER") in emsp and ("tokens", "SENDER") in emsp and ("commands", "RECEIVER") not in emsp


@pytest.mark.req("VER-005", "VER-017")
@pytest.mark.parametrize("role", ["cpo", "emsp"])
async def test_each_role_has_a_211_list_of_its_own(both: Node, role: str) -> None:
    versions = await get(both, f"/ocpi/{role}/versions")
    (url,) = (entry["url"] for entry in versions.data if entry["version"] == "2.1.1")
    assert url == f"https://both.example/ocpi/2.1.1/{role}"
    answer = await get(both, url)
    assert check("2.1.1", "VersionDetails", answer.data) == []
    assert all(endpoint.keys() == {"identifier", "url"} for endpoint in answer.data["endpoints"])
    names = [endpoint["identifier"] for endpoint in answer.data["endpoints"]]
    assert len(names) == len(set(names)) and "locations" in names
    assert all(endpoint["url"].startswith(f"https://both.example/ocpi/2.1.1/{role}/") for endpoint in answer.data["endpoints"])


async def test_a_211_partner_that_begins_at_the_common_url_sees_all_roles_by_their_urls(both: Node) -> None:
    urls = [endpoint["url"] for endpoint in (await get(both, "/ocpi/2.1.1")).data["endpoints"]]
    assert len(urls) == len(set(urls))
    assert "https://both.example/ocpi/2.1.1/cpo/locations" in urls and "https://both.example/ocpi/2.1.1/emsp/locations" in urls


@ALL
@pytest.mark.req("VER-012")
async def test_what_is_listed_is_served_and_nothing_else_is_listed(both: Node, version: str) -> None:
    answer = await get(both, f"/ocpi/{version}")
    assert {module for module, _ in listed(answer)} <= set(VERSIONS[version].modules)
    for endpoint in answer.data["endpoints"]:
        if endpoint["identifier"] == "credentials":
            continue
        _, _, _, _, _, door, module, *_ = endpoint["url"].split("/")
        assert any(place[:3] == (version, door, module) for place in both.router._tables)


@ALL
async def test_a_version_that_is_not_offered_is_neither_listed_nor_served(tmp_path: Path, version: str) -> None:
    others = [number for number in VERSIONS if number != version]
    node = await make_node(tmp_path, [CPO], name="some", ocpi=Ocpi(versions=others))
    assert [entry["version"] for entry in (await get(node, "/ocpi/versions")).data] == others
    assert (await get(node, f"/ocpi/{version}")).http == 404
    await close(node)


async def test_a_platform_without_a_party_says_so(tmp_path: Path) -> None:
    node = await make_node(tmp_path, [], name="bare")
    for url in ("/ocpi/2.1.1", "/ocpi/2.2.1/credentials"):
        assert (await get(node, url)).code == 3000
    await close(node)


@pytest.mark.req("VER-014", "VER-013", "VER-015")
async def test_deprecated_and_unknown_versions_are_not_agreed_on(pair: Pair) -> None:
    stranger = Stranger(pair.wire, version="2.1.1")
    stranger.versions = [{"version": number, "url": f"{stranger.base}/{number}"} for number in ("2.0", "2.1", "2.1.1", "2.2", "3.0")]
    stranger.endpoints.append(stranger.endpoint("locations", "SENDER"))
    stranger.answers["/2.1.1/credentials"] = envelope(stranger.credentials())
    connection = await registration.register(pair.emsp.directory, pair.emsp.client, f"{stranger.base}/versions", "a-token")
    assert connection.version == "2.1.1"


@NEWER
@pytest.mark.req("VER-011")
async def test_we_pull_from_their_sender_and_push_to_their_receiver(pair: Pair, version: str) -> None:
    connection = await pair.register(version)
    seen: list[str] = []

    async def note(request: Request) -> None:
        seen.append(f"{request.method} {request.path}")

    pair.between("cpo", note)
    await pair.emsp.client.call(connection, "GET", "locations", "SENDER")
    await pair.emsp.client.call(connection, "PUT", "tokens", "RECEIVER", "DE", "ABC", "T1", document={})
    assert seen == [f"GET /ocpi/{version}/sender/locations", f"PUT /ocpi/{version}/receiver/tokens/DE/ABC/T1"]


@pytest.mark.req("VER-017", "CRD-034")
async def test_a_211_partner_meets_the_role_whose_url_it_took(pair: Pair, both: Node) -> None:
    """A CPO of 2.1.1 registers at the eMSP's URL of a platform that is both; each sees the other as what it is."""
    invitation = await invite(both.directory, "stranger")
    stranger = Stranger(pair.wire, version="2.1.1")
    stranger.endpoints.append(stranger.endpoint("locations", "SENDER"))
    both.client.transport = pair.wire
    answer = await ask(both, invitation.token, "POST", "/ocpi/2.1.1/emsp/credentials", stranger.credentials())
    assert (answer.data["country_code"], answer.data["party_id"], answer.data["url"]) == (
        "DE",
        "ABC",
        "https://both.example/ocpi/emsp/versions",
    )
    (connection,) = (one for one in both.directory.all() if one.partner == "stranger")
    assert connection.our_role == "EMSP" and [one.role for one in connection.parties] == ["CPO"]
    assert connection.endpoint("locations", "SENDER") is not None and connection.endpoint("locations", "RECEIVER") is None

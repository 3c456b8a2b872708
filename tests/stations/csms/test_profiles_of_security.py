"""Security profiles 1 to 3, with TLS and certificates in process, and no way back to a lower one."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
from pathlib import Path

import msgspec
import pytest
from websockets.exceptions import InvalidMessage, InvalidStatus

from interplug.config import BadSettings, Stations
from interplug.modules.node import Node
from interplug.stations.csms import provisioning
from interplug.stations.csms.service import Csms
from interplug.stations.ocpp.dialects import V16, V201
from tests.nodes import Clock
from tests.stations.csms.certificates import DAY, Authority
from tests.stations.csms.partner import Provider
from tests.stations.csms.saying16 import boot, start, stop
from tests.stations.csms.stations import PASSWORD, add_station, carried, serving, station


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path, "ours")


@pytest.fixture
def settings(authority: Authority) -> Stations:
    own = authority.issue("csms")
    files = {"tls_certificate": str(own.certificate), "tls_key": str(own.key), "client_ca": str(authority.certificate)}
    return Stations(enabled=True, port=0, status_settle=0, tls_port=0, **files)


async def refused(csms: Csms, id: str, tls: ssl.SSLContext | None, password: str | None) -> bool:
    try:
        async with station(csms, V201, id, tls=tls, password=password):
            return False
    except InvalidStatus as error:
        return error.response.status_code == 401


async def test_a_password_over_tls_and_never_again_without(csms: Csms, authority: Authority) -> None:
    async with station(csms, V16):
        pass
    async with station(csms, V16, tls=authority.trust()) as one:
        await one.say("Heartbeat")
    assert await refused(csms, "CS1", None, "0123456789abcdef0123456789abcdef01234567")


async def test_a_station_of_profile_2_is_not_let_in_in_the_clear(csms: Csms, node: Node, authority: Authority) -> None:
    await add_station(node, "CS2", profile=2)
    assert await refused(csms, "CS2", None, "0123456789abcdef0123456789abcdef01234567")
    assert not await refused(csms, "CS2", authority.trust(), "0123456789abcdef0123456789abcdef01234567")


async def test_a_certificate_of_its_own(csms: Csms, node: Node, authority: Authority, tmp_path: Path) -> None:
    await add_station(node, "CS3", profile=3, password="")
    assert not await refused(csms, "CS3", authority.trust(authority.issue("CS3")), None)
    assert await refused(csms, "CS3", authority.trust(authority.issue("CS4")), None), "that of another station"
    assert await refused(csms, "CS3", authority.trust(), "any"), "none"
    stranger = Authority(tmp_path, "theirs").issue("CS3")
    with pytest.raises((ssl.SSLError, OSError, EOFError, InvalidMessage)):
        await refused(csms, "CS3", authority.trust(stranger), None)


async def test_a_certificate_raises_the_profile(csms: Csms, node: Node, authority: Authority) -> None:
    async with station(csms, V16, tls=authority.trust(authority.issue("CS1")), password=None) as one:
        await one.say("Heartbeat")
    assert await refused(csms, "CS1", authority.trust(), "0123456789abcdef0123456789abcdef01234567")


async def test_another_password_in_the_midst_of_a_charge(csms: Csms, node: Node, provider: Provider, clock: Clock) -> None:
    async with station(csms, V16) as one:
        await boot(one, clock)
        number = await start(one, clock)
        row, made = await provisioning.change(node, "CS1", profile=None, password=None)
        assert made is not None and row.profile == 1
        await csms.hall.look()
        await one.running
    assert await refused(csms, "CS1", None, PASSWORD), "the one of before"
    async with station(csms, V16, password=made) as one:
        clock.move(3600)
        await stop(one, clock, number, 6000)
        await carried(csms)
    assert [bill["total_energy"] for bill in await provider.cdrs()] == [5]


async def test_a_profile_is_lowered_by_a_person_alone(csms: Csms, node: Node, authority: Authority) -> None:
    own = authority.trust(authority.issue("CS1"))

    async def comes(tls: ssl.SSLContext | None, password: str | None) -> None:
        async with station(csms, V16, tls=tls, password=password) as one:
            await one.say("Heartbeat")
        await asyncio.gather(*(post.ended.wait() for post in csms.hall.posts.values()))

    await comes(own, None)
    assert await refused(csms, "CS1", None, PASSWORD)
    assert (await provisioning.change(node, "CS1", profile=1, password=None))[1] is None
    await comes(None, PASSWORD)
    assert (await provisioning.change(node, "CS1", profile=3, password=None))[0].password == ""
    assert await refused(csms, "CS1", authority.trust(), PASSWORD)
    await comes(own, None)
    with pytest.raises(provisioning.NotPossible, match="needs no password"):
        await provisioning.change(node, "CS1", profile=None, password=None)
    _, made = await provisioning.change(node, "CS1", profile=2, password=None)
    await comes(authority.trust(), made)
    await provisioning.change(node, "CS1", profile=0, password=None)
    await comes(None, None)


class TestOffered:
    """A station that nobody has added keeps, once it is adopted, what it has proved itself by."""

    @pytest.fixture
    def settings(self, settings: Stations) -> Stations:
        return msgspec.structs.replace(settings, unknown="offer")

    @pytest.fixture(autouse=True)
    async def free(self, node: Node) -> None:
        await node.store.write(lambda tx: tx.charging_stations.remove("CS1"))

    async def adopted(self, csms: Csms, node: Node, tls: ssl.SSLContext | None, password: str | None) -> int:
        async with station(csms, V201, "NEW", tls=tls, password=password) as one:
            await one.say("Heartbeat")
        row, made = await provisioning.adopt(node, "NEW", "LOC1", outlets=(), profile=None, password=None)
        assert made is None
        return row.profile

    async def test_a_certificate(self, csms: Csms, node: Node, authority: Authority) -> None:
        own = authority.trust(authority.issue("NEW"))
        assert await self.adopted(csms, node, own, None) == 3
        assert await refused(csms, "NEW", None, None), "anybody may say that it is that station"
        assert not await refused(csms, "NEW", own, None)

    async def test_the_certificate_of_another_station_is_nothing(self, csms: Csms, node: Node, authority: Authority) -> None:
        with pytest.raises(provisioning.NotPossible, match="without a certificate"):
            await self.adopted(csms, node, authority.trust(authority.issue("CS4")), None)

    async def test_a_password_over_tls(self, csms: Csms, node: Node, authority: Authority) -> None:
        assert await self.adopted(csms, node, authority.trust(), "a chosen password") == 2
        assert await refused(csms, "NEW", None, "a chosen password"), "it is not shown in the clear any more"
        assert not await refused(csms, "NEW", authority.trust(), "a chosen password")

    async def test_nothing_at_all_is_for_a_person_to_allow(self, csms: Csms, node: Node) -> None:
        with pytest.raises(provisioning.NotPossible, match="without a password"):
            await self.adopted(csms, node, None, None)
        with pytest.raises(provisioning.NotPossible, match="waits to be adopted"):
            await provisioning.change(node, "NEW", profile=1, password=None)
        row, made = await provisioning.adopt(node, "NEW", "LOC1", outlets=(), profile=1, password=None)
        assert row.profile == 1
        assert made is not None and await refused(csms, "NEW", None, None) and not await refused(csms, "NEW", None, made)


def shakes_hands(port: int, tls: ssl.SSLContext) -> None:
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port)) as line:
        with tls.wrap_socket(line, server_hostname="127.0.0.1") as secure:
            assert not secure.recv(1)


async def test_whom_tls_does_not_let_in_is_told_of(csms: Csms, authority: Authority, caplog: pytest.LogCaptureFixture) -> None:
    """It has no name yet, and nobody else would tell the operator."""
    expired = authority.trust(authority.issue("CS1", until=-DAY))
    for known, why in ((expired, "certificate has expired"), (ssl.create_default_context(), "UNKNOWN_CA")):
        await asyncio.to_thread(shakes_hands, csms.door.ports["wss"], known)
        async with asyncio.timeout(10):
            while why not in caplog.text:
                await asyncio.sleep(0.01)


async def test_a_certificate_of_ours_that_is_renewed_is_shown_without_a_restart(
    csms: Csms, authority: Authority, settings: Stations, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """The one of before goes on while only one of its files has changed."""
    newer = Authority(tmp_path, "newer")
    made = newer.issue("csms")
    async with station(csms, V16, tls=authority.trust()) as before:
        Path(settings.tls_certificate).write_bytes(made.certificate.read_bytes())
        csms.door.look()
        assert "shown the certificate of before" in caplog.text
        assert await refused(csms, "CS1", authority.trust(), None), "TLS lets it as far as that"
        Path(settings.tls_key).write_bytes(made.key.read_bytes())
        csms.door.look()
        async with station(csms, V16, tls=newer.trust()) as after:
            await after.say("Heartbeat")
            await before.running
        with pytest.raises(ssl.SSLCertVerificationError):
            await refused(csms, "CS1", authority.trust(), PASSWORD)


async def test_what_belongs_to_another_station_is_told_of(csms: Csms, authority: Authority, caplog: pytest.LogCaptureFixture) -> None:
    assert await refused(csms, "CS1", authority.trust(authority.issue("CS4")), None)
    assert "its certificate is that of 'CS4'" in caplog.messages[-1]


async def test_tls_that_cannot_be_is_a_wrong_configuration(node: Node, tmp_path: Path) -> None:
    for change in ({"tls_certificate": ""}, {"tls_key": str(tmp_path / "none.key")}):
        stations = msgspec.structs.replace(node.settings.stations, **change)
        node.settings = msgspec.structs.replace(node.settings, stations=stations)
        with pytest.raises(BadSettings):
            async with serving(node):
                pass

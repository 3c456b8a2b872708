"""Security profiles 1 to 3, with TLS and certificates in process, and no way back to a lower one."""

from __future__ import annotations

import ssl
from pathlib import Path

import msgspec
import pytest
from websockets.exceptions import InvalidMessage, InvalidStatus

from interplug.config import BadSettings, Stations
from interplug.modules.node import Node
from interplug.stations.csms.service import Csms
from interplug.stations.ocpp.dialects import V16, V201
from tests.stations.csms.certificates import Authority
from tests.stations.csms.stations import add_station, serving, station


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


async def test_tls_that_cannot_be_is_a_wrong_configuration(node: Node, tmp_path: Path) -> None:
    for change in ({"tls_certificate": ""}, {"tls_key": str(tmp_path / "none.key")}):
        stations = msgspec.structs.replace(node.settings.stations, **change)
        node.settings = msgspec.structs.replace(node.settings, stations=stations)
        with pytest.raises(BadSettings):
            async with serving(node):
                pass

"""Security profiles 0 to 3 with a station that somebody else has written, against `interplug serve`; and 1 to 3 with one of OCPP 2.0.1."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.foreign.pair import Operator, operator
from tests.foreign.stations import STATIONS, Station, need
from tests.stations.csms.certificates import Authority


@dataclass
class Node:
    """A CPO that awaits stations with and without TLS, and who is believed."""

    operator: Operator
    ours: Authority
    makers: Authority
    """Signs the certificates of stations."""
    strangers: Authority

    @asynccontextmanager
    async def tried(self, version: str, scheme: str, id: str, password: str = "", **files: Path) -> AsyncIterator[Station]:
        trust = {"ca": self.ours.certificate} if scheme == "wss" else {}
        async with STATIONS[version](self.operator.addresses[scheme], id, password, **trust, **files) as station:
            yield station

    async def is_in(self, *how: Any, **files: Path) -> None:
        async with self.tried(*how, **files) as station:
            await station.hears("connected")
            assert (await station.does("boot"))["status"] == "Accepted"
            await station.does("leave")

    async def is_refused(self, *how: Any, by: str = "401", **files: Path) -> None:
        async with self.tried(*how, **files) as station:
            assert by in (await station.hears("refused"))["error"]


@pytest.fixture
async def node(tmp_path: Path) -> AsyncIterator[Node]:
    need()
    ours, makers, strangers = (Authority(tmp_path, name) for name in ("ours", "makers", "strangers"))
    served = ours.issue("127.0.0.1")
    files = {"tls_certificate": served.certificate, "tls_key": served.key, "client_ca": makers.certificate}
    settings = "tls_port = 0\n" + "".join(f'{name} = "{path}"\n' for name, path in files.items())
    async with operator(tmp_path, settings) as cpo:
        yield Node(cpo, ours, makers, strangers)


@pytest.mark.parametrize("version", STATIONS)
async def test_a_station_is_let_in_with_its_profile_and_not_with_less(node: Node, version: str) -> None:
    await node.operator.add("OPEN", "--outlet", "1=EVSE1", "--profile", "0")
    await node.is_in(version, "ws", "OPEN")

    password = await node.operator.add("CS2", "--outlet", "1=EVSE2", "--profile", "2")
    await node.is_refused(version, "ws", "CS2", password)
    await node.is_refused(version, "wss", "CS2")
    await node.is_refused(version, "wss", "CS2", password[:-1])
    await node.is_in(version, "wss", "CS2", password)


@pytest.mark.parametrize("version", STATIONS)
async def test_a_station_with_a_certificate_of_its_own(node: Node, version: str) -> None:
    await node.operator.add("CS3", "--outlet", "1=EVSE1", "--profile", "3")
    known, other, forged = node.makers.issue("CS3"), node.makers.issue("CS4"), node.strangers.issue("CS3")
    await node.is_refused(version, "ws", "CS3")
    await node.is_refused(version, "wss", "CS3")
    await node.is_refused(version, "wss", "CS3", cert=other.certificate, key=other.key)
    await node.is_refused(version, "wss", "CS3", by="", cert=forged.certificate, key=forged.key)
    await node.is_in(version, "wss", "CS3", cert=known.certificate, key=known.key)


@pytest.mark.parametrize("version", STATIONS)
async def test_who_has_come_with_tls_is_not_let_in_without_it_again(node: Node, version: str) -> None:
    password = await node.operator.add("CS1", "--outlet", "1=EVSE1", "--profile", "1")
    await node.is_refused(version, "ws", "CS1")
    await node.is_in(version, "ws", "CS1", password)
    await node.is_in(version, "wss", "CS1", password)
    await node.is_refused(version, "ws", "CS1", password)

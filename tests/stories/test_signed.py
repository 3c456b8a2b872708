"""What a meter signs, from the plug to the driver: a station that signs, its operator, the provider, and the receipt; byte for byte."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from interplug.charges import holding
from interplug.charges.checking import Checker
from interplug.charges.signed import transparency
from interplug.config import Stations
from interplug.drivers.billing import Biller
from interplug.drivers.drives import new_driver, start, stop
from interplug.drivers.follow import Follower
from interplug.drivers.plugs import find_plug
from interplug.drivers.receipt import Receipt, receipt
from interplug.model.types import decode_json
from interplug.stations.csms.service import Csms
from interplug.stations.simulator.cars import Car
from interplug.stations.simulator.crowd import Crowd
from interplug.stations.simulator.ocmf import Signer
from interplug.stations.simulator.physics import Vehicle
from interplug.stations.simulator.places import VERSIONS
from interplug.store.checks import Check, Wanted
from interplug.store.drivers import Drive
from interplug.store.keys import Stored
from tests.charges import meters
from tests.nodes import own
from tests.stations.crowded import crowded, stand, told
from tests.stations.csms.stations import serving
from tests.stories.level import CPO, Roaming

Document = dict[str, Any]
OURS = {"country_code": CPO[1], "party_id": CPO[2]}
PLACE = {**meters.location("T1"), **OURS}
STATION = f"CP-{CPO[2]}-LOC1"


class Street:
    """Two nodes and a street of stations that sign."""

    def __init__(self, roaming: Roaming, csms: Csms, crowd: Crowd) -> None:
        self.roaming, self.csms, self.crowd = roaming, csms, crowd
        self.follower, self.biller, self.checker = Follower(roaming.emsp), Biller(roaming.emsp), Checker(roaming.emsp)

    async def go_on(self, seconds: float = 0) -> None:
        for _ in range(3):
            self.roaming.clock.move(seconds / 3)
            await told(self.crowd)
            await self.csms.hall.posts[STATION].carried()
            await self.roaming.settle()
            await self.follower.tick()
            await self.checker.tick()
            await self.biller.tick()

    async def charge(self) -> Drive:
        """A driver of the provider charges for a while."""
        emsp = self.roaming.emsp
        plug = await find_plug(emsp, self.roaming.connection("emsp").id, *CPO[1:], "LOC1", "EVSE1", "1")
        driver = await new_driver(emsp)
        await self.roaming.settle()
        drive = await start(emsp, driver, plug)
        assert self.crowd.plug_in(STATION, 1, car=Car(Vehicle(20_000), 0.3))
        await self.go_on(1200)
        await self.go_on(3)  # a partner of 2.1.1 is told when the second is over
        await stop(emsp, await self.now(drive))
        await self.go_on(3)
        return await self.now(drive)

    async def now(self, drive: Drive) -> Drive:
        found = await self.roaming.emsp.store.read(lambda tx: tx.drivers.get(drive.id))
        assert found is not None
        return found

    async def billed(self, drive: Drive) -> Receipt:
        found = await receipt(self.roaming.emsp, await self.now(drive))
        assert found is not None
        return found

    async def cdr(self) -> Stored:
        """The operator's own."""
        [[stored], _] = await self.roaming.cpo.store.read(lambda tx: tx.objects.batch("cdrs", 0, 10))
        return stored

    async def check(self, drive: Drive) -> list[str]:
        """What the provider found."""
        found: Check | None = await self.roaming.emsp.store.read(lambda tx: tx.checks.get(drive.cdr))
        assert found is not None
        return [finding["code"] for finding in decode_json(found.findings)]


@asynccontextmanager
async def street(folder: Path, ocpi: str, ocpp: Any) -> AsyncIterator[Street]:
    roaming = await Roaming.join(
        folder, ocpi, stations=Stations(enabled=True, port=0, status_settle=0, call_timeout=20, authorise_timeout=20)
    )
    await own(roaming.cpo, "tariffs", {**meters.tariff(), **OURS})
    await own(roaming.cpo, "locations", PLACE)
    plans = await stand(roaming.cpo, [PLACE], ocpp, signed=True)
    await roaming.settle()
    async with serving(roaming.cpo) as csms, crowded(csms, plans, roaming.clock) as crowd:
        made = Street(roaming, csms, crowd)
        await made.checker.start()
        await made.go_on()
        yield made
    await roaming.close()


@pytest.fixture
def signing(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What the meters sign, as they hand it to their station."""
    handed: list[str] = []
    sign = Signer.sign

    def noted(*args: Any) -> Any:
        reading = sign(*args)
        handed.append(reading.signed)
        return reading

    monkeypatch.setattr(Signer, "sign", noted)
    return handed


@pytest.mark.parametrize("ocpp", VERSIONS)
@pytest.mark.parametrize("ocpi", ["2.2.1", "2.3.0"])
async def test_what_the_meter_signed_reaches_the_driver_byte_for_byte(tmp_path: Path, ocpi: str, ocpp: str, signing: list[str]) -> None:
    async with street(tmp_path, ocpi, ocpp) as made:
        drive = await made.charge()
        own_cdr, bill = (await made.cdr()).document, await made.billed(drive)
        assert bill.cdr["signed_data"] == own_cdr["signed_data"] and own_cdr["signed_data"]["encoding_method"] == "OCMF"
        values = own_cdr["signed_data"]["signed_values"]
        assert [value["nature"] for value in values] == ["Start", "End"] and len(signing) == 2
        assert [base64.b64decode(value["signed_data"]).decode() for value in values] == signing == [value.text for value in bill.signed]
        assert bill.proof is not None and (bill.proof.verdict, bill.proof.kwh) == ("signed_right", bill.kwh)
        assert bill.proof.key == made.crowd.line(STATION).station.signers[1].public_key
        assert await made.check(drive) == ["signed_right"]
        assert all(text.replace("&", "&amp;") in transparency(bill.cdr["signed_data"]) for text in signing)


@pytest.mark.parametrize("ocpp", ["1.6", "2.1"])
async def test_a_value_that_was_changed_on_the_way_is_held_and_found_by_the_provider(
    tmp_path: Path, ocpp: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    sign = Signer.sign

    def forged(self: Signer, reading: Any, token: Any, mark: str) -> Any:
        made = sign(self, reading, token, mark)
        return replace(made, signed=made.signed.replace('"ST":"G"', '"ST":"N"')) if mark == "E" else made

    monkeypatch.setattr(Signer, "sign", forged)
    async with street(tmp_path, "2.3.0", ocpp) as made:
        drive = await made.charge()
        assert drive.cdr == 0, "it does not leave"
        stored = await made.cdr()
        [note] = await made.roaming.cpo.store.read(lambda tx: tx.holds.notes(stored.pk))
        assert note.what == "held" and "the signature of End is wrong" in note.reason
        await holding.release(made.roaming.cpo.directory, stored, "the meter is to be replaced", "somebody")
        await made.go_on()
        bill = await made.billed(drive)
        assert bill.proof is not None and bill.proof.verdict == "signature_wrong"
        assert "signature_wrong" in await made.check(await made.now(drive))


async def test_a_meter_that_signed_less_than_is_billed_is_believed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sign = Signer.sign

    def slow(self: Signer, reading: Any, token: Any, mark: str) -> Any:
        """The station adds a kWh to what its meter says."""
        made = sign(self, reading, token, mark)
        return replace(made, register=made.register + 1000) if mark == "E" else made

    monkeypatch.setattr(Signer, "sign", slow)
    async with street(tmp_path, "2.2.1", "1.6") as made:
        drive = await made.charge()
        assert drive.cdr == 0
        found = await made.roaming.cpo.store.read(lambda tx: tx.checks.newest(Wanted(held=True)))
        assert len(found) == 1 and b"signed_energy" in found[0].findings


async def test_a_partner_of_an_older_version_gets_the_bill_without_it(tmp_path: Path, signing: list[str]) -> None:
    """OCPI 2.1.1 has no field for it (docs/losses.md)."""
    async with street(tmp_path, "2.1.1", "1.6") as made:
        drive = await made.charge()
        assert "signed_data" in (await made.cdr()).document
        bill = await made.billed(drive)
        assert bill.proof is None and bill.total is not None and await made.check(drive) == []

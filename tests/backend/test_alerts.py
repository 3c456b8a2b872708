"""What is wrong at a station becomes an alert that opens and closes, and is told once each."""

from __future__ import annotations

from interplug.model.types import decode_json
from interplug.stations.csms import provisioning
from tests.backend.conftest import STATION, Site


async def told(site: Site) -> list[tuple[str, str]]:
    [first] = await site.alerts(closed=True)
    messages = await site.node.store.read(lambda tx: tx.alerts.messages(first.no))
    return [(one.target, one.event) for one in messages]


async def test_a_fault_opens_an_alert_at_once_and_closes_it_when_it_stays_away(site: Site) -> None:
    site.crowd.fault(STATION, "GroundFailure", 1, vendor_code="E-104", text="leakage 38 mA")
    await site.look()
    [alert] = await site.alerts()
    assert (alert.station, alert.evse, alert.code, alert.severity) == (STATION, 1, "GroundFailure", "critical")
    assert (alert.vendor_code, alert.place, alert.evse_uid) == ("E-104", "loc1", "EVSE1")
    assert await told(site) == [("https://ops.example/hook", "alert.opened"), ("mail", "alert.opened")]

    site.clock.move(60)
    site.crowd.clear(STATION, 1)
    await site.look()
    gone = site.clock.now
    assert len(await site.alerts()) == 1, "it may come again"
    await site.wait(30, 10)
    assert await site.alerts() == []
    [alert] = await site.alerts(closed=True)
    assert alert.closed_at // 1_000_000 == gone // 1_000_000, "it was over when it went, not when that was believed"
    assert [event for _, event in await told(site)] == ["alert.opened"] * 2 + ["alert.closed"] * 2


async def test_fifty_times_in_a_minute_are_one_alert_and_two_messages(site: Site) -> None:
    for _ in range(50):
        site.crowd.fault(STATION, "ConnectorLockFailure", 1)
        await site.look()
        site.clock.move(0.6)
        site.crowd.clear(STATION, 1)
        await site.look()
        site.clock.move(0.6)
    [alert] = await site.alerts()
    assert alert.times == 50
    await site.wait(40, 10)
    assert await site.alerts() == []
    assert await told(site) == [(target, event) for event in ("alert.opened", "alert.closed") for target in site.following.targets]


async def test_what_opened_and_closed_while_nobody_followed_is_told_all_the_same(site: Site) -> None:
    site.crowd.fault(STATION, "OverVoltage", 1)
    await site.told()
    site.clock.move(5)
    site.crowd.clear(STATION, 1)
    await site.look()
    await site.wait(40, 10)
    [alert] = await site.alerts(closed=True)
    assert alert.closed_at - alert.opened_at == 5_000_000
    assert [event for _, event in await told(site)] == ["alert.opened"] * 2 + ["alert.closed"] * 2


async def test_who_wants_to_hear_of_serious_things_hears_of_no_other(site: Site) -> None:
    site.crowd.fault(STATION, "ReaderFailure", 1)
    await site.look()
    assert await told(site) == [("https://ops.example/hook", "alert.opened")]


async def test_a_message_says_where_what_and_since_when(site: Site) -> None:
    site.crowd.fault(STATION, "GroundFailure", 1, vendor_code="E-104", text="leakage 38 mA")
    await site.look()
    [alert] = await site.alerts()
    [message, _] = await site.node.store.read(lambda tx: tx.alerts.messages(alert.no))
    said = decode_json(message.doc)
    assert said["event"] == "alert.opened"
    assert said["alert"]["location"] == {"country_code": "NL", "party_id": "TNM", "id": "loc1", "name": "Harbour"}
    assert said["alert"]["text"] == "Current leaks to earth; the station has switched off."
    assert (said["alert"]["open"], said["alert"]["closed_at"], said["alert"]["vendor_code"]) == (True, None, "E-104")


async def test_a_station_that_is_ours_no_longer_has_no_alert(site: Site) -> None:
    site.crowd.fault(STATION, "GroundFailure", 1)
    await site.look()
    await provisioning.remove(site.node, STATION)
    await site.wait(40, 10)
    assert await site.alerts() == []


async def test_somebody_says_that_he_looks_after_it_once(site: Site) -> None:
    site.crowd.fault(STATION, "GroundFailure", 1)
    await site.look()
    [alert] = await site.alerts()
    assert await site.node.store.write(lambda tx: tx.alerts.acknowledge(alert.no, "ann", 7))
    assert not await site.node.store.write(lambda tx: tx.alerts.acknowledge(alert.no, "bob", 8))
    [alert] = await site.alerts()
    assert (alert.acked_by, alert.acked_at) == ("ann", 7)


async def test_an_alert_is_told_of_to_whom_it_becomes_worse(site: Site) -> None:
    site.following.targets = {"mail": "major"}
    site.crowd.fault(STATION, "WeakSignal", 1)
    await site.look()
    assert await told(site) == []
    await site.node.store.write(lambda tx: tx.db.execute("update fault set closed_at = 1, severity = 'info'"))
    await site.node.store.write(lambda tx: tx.db.execute(AGAIN))
    await site.look()
    assert await told(site) == [("mail", "alert.opened")]


AGAIN = """
insert into fault (station, evse, connector, code, severity, vendor_code, info, source, opened_at, closed_at)
select station, evse, connector, code, 'critical', '', '', source, opened_at, 0 from fault"""

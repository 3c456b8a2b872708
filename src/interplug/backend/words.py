"""Alerts in plain words: what a code means for whoever has to do something, and an alert as a document. Pure."""

from __future__ import annotations

from typing import Any

from interplug.model.said import said
from interplug.model.types import format_time
from interplug.store.alerts import Alert

Document = dict[str, Any]
SEVERITIES = ("info", "minor", "major", "critical")
WORDS = {
    "ConnectorLockFailure": said("The lock of the plug does not work."),
    "DriverReportCable": said("A driver reports that the cable or the plug is broken or stuck."),
    "DriverReportDanger": said("A driver reports a danger: bare wires, smoke, damage."),
    "DriverReportDirty": said("A driver reports that the place is not kept, dark or dirty."),
    "DriverReportMoney": said("A driver reports that a price or a bill is wrong."),
    "DriverReportOther": said("A driver reports a problem."),
    "DriverReportOccupied": said("A driver reports that the place is taken by a car that does not charge."),
    "DriverReportNotThere": said("A driver reports that the station is not there, or cannot be reached."),
    "DriverReportScreen": said("A driver reports that the screen or the card reader does not work."),
    "DriverReportStart": said("A driver reports that charging does not start."),
    "EVCommunicationError": said("Station and car do not understand each other."),
    "EmergencyStop": said("The emergency stop was pressed."),
    "GroundFailure": said("Current leaks to earth; the station has switched off."),
    "HighTemperature": said("The station is too hot."),
    "InternalError": said("Something inside the station has failed."),
    "LocalListConflict": said("The station's list of cards is not the one that it should have."),
    "MeterNotMoving": said("The station says that a car is charging, but its meter stands still."),
    "OtherError": said("Something is wrong that the station has no code for."),
    "OverCurrentFailure": said("Too much current has flowed; the station has switched off."),
    "OverVoltage": said("The voltage of the grid is too high."),
    "PowerMeterFailure": said("The meter cannot be read."),
    "PowerSwitchFailure": said("The power switch does not work."),
    "ReaderFailure": said("The card reader does not work; an app still does."),
    "ResetFailure": said("The station could not restart."),
    "StartsFailing": said("Nobody could charge here for several starts in a row."),
    "StationSilent": said("The station is not connected."),
    "UnderVoltage": said("The voltage of the grid is too low."),
    "WeakSignal": said("The mobile connection of the station is weak."),
}


def words(code: str) -> str:
    return WORDS.get(code, said("The station reports a fault."))


def at_least(severity: str, least: str) -> bool:
    """A severity that is none of ours is told of: better once too often."""
    return severity not in SEVERITIES or SEVERITIES.index(severity) >= SEVERITIES.index(least)


def described(alert: Alert, place: str) -> Document:
    """An alert as programs get it; `place` is the name of the Location."""
    return {
        "number": alert.no,
        "open": not alert.closed_at,
        "code": alert.code,
        "severity": alert.severity,
        "text": words(alert.code),
        "station": alert.station,
        "evse": alert.evse or None,
        "connector": alert.connector or None,
        "evse_uid": alert.evse_uid or None,
        "location": {"country_code": alert.country, "party_id": alert.party, "id": alert.place, "name": place} if alert.place else None,
        "vendor_code": alert.vendor_code or None,
        "info": alert.info or None,
        "source": alert.source,
        "times": alert.times,
        "opened_at": format_time(alert.opened_at),
        "closed_at": format_time(alert.closed_at) if alert.closed_at else None,
        "acknowledged_by": alert.acked_by or None,
        "acknowledged_at": format_time(alert.acked_at) if alert.acked_at else None,
    }

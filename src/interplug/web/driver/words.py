"""Codes of OCPI in the words of a driver. A table is marked for the translators with `N_` and said with `_` where it is shown.

Nothing here is nicer than the truth: a code that is not known is said as it is spelled.
"""

from __future__ import annotations

from typing import NamedTuple

from interplug.web.languages import N_, Words, _

FACILITIES = Words(
    {
        "HOTEL": N_("Hotel"),
        "RESTAURANT": N_("Restaurant"),
        "CAFE": N_("Café"),
        "MALL": N_("Shopping centre"),
        "SUPERMARKET": N_("Supermarket"),
        "SPORT": N_("Sports"),
        "RECREATION_AREA": N_("Recreation area"),
        "NATURE": N_("Nature"),
        "MUSEUM": N_("Museum"),
        "BIKE_SHARING": N_("Bicycles to share"),
        "BUS_STOP": N_("Bus stop"),
        "TAXI_STAND": N_("Taxis"),
        "TRAM_STOP": N_("Tram stop"),
        "METRO_STATION": N_("Metro station"),
        "TRAIN_STATION": N_("Railway station"),
        "AIRPORT": N_("Airport"),
        "PARKING_LOT": N_("Car park"),
        "CARPOOL_PARKING": N_("Car-pool parking"),
        "FUEL_STATION": N_("Filling station"),
        "WIFI": N_("Wi-Fi"),
    }
)
PARKING = Words(
    {
        "ALONG_MOTORWAY": N_("Along a motorway"),
        "PARKING_GARAGE": N_("In a multi-storey car park"),
        "PARKING_LOT": N_("In a car park"),
        "ON_DRIVEWAY": N_("On a driveway"),
        "ON_STREET": N_("On the street"),
        "UNDERGROUND_GARAGE": N_("In an underground car park"),
    }
)
RESTRICTIONS = Words(
    {
        "CUSTOMERS": N_("for customers only"),
        "DISABLED": N_("for disabled people only"),
        "EMPLOYEES": N_("for employees only"),
        "EV_ONLY": N_("for electric cars only"),
        "MOTORCYCLES": N_("for motorcycles only"),
        "PLUGGED": N_("only while you charge"),
        "TAXIS": N_("for taxis only"),
        "TENANTS": N_("for tenants only"),
    }
)
VEHICLES = Words(
    {
        "MOTORCYCLE": N_("motorcycles"),
        "PERSONAL_VEHICLE": N_("cars"),
        "PERSONAL_VEHICLE_WITH_TRAILER": N_("cars with a trailer"),
        "VAN": N_("vans"),
        "SEMI_TRACTOR": N_("tractor units"),
        "RIGID": N_("lorries"),
        "TRUCK_WITH_TRAILER": N_("lorries with a trailer"),
        "BUS": N_("buses"),
        "DISABLED": N_("disabled people"),
    }
)
PROBLEMS = Words(
    {
        "START": N_("Charging does not start"),
        "CABLE": N_("Cable or plug is broken or stuck"),
        "SCREEN": N_("Screen or card reader does not work"),
        "OCCUPIED": N_("Taken by a car that does not charge"),
        "NOT_THERE": N_("Station is not there, or cannot be reached"),
        "DIRTY": N_("Dark, dirty or not kept"),
        "MONEY": N_("Price or bill is wrong"),
        "DANGER": N_("Danger: bare wires, smoke, damage"),
        "OTHER": N_("Something else"),
    }
)


class Advice(NamedTuple):
    """One sentence of what happened, one of what to do."""

    what: str
    do: str


RESULTS = {
    "CANCELED_RESERVATION": Advice(
        N_("The operator has cancelled your reservation."), N_("Choose another charge point, or try again when it is free.")
    ),
    "EVSE_OCCUPIED": Advice(N_("Somebody was quicker: the charge point is in use."), N_("Choose another charge point of this station.")),
    "EVSE_INOPERATIVE": Advice(N_("The charge point does not work at the moment."), N_("Choose another charge point or station.")),
    "FAILED": Advice(
        N_("The station tried and could not do it."),
        N_("Check that the cable is pushed in fully at both ends, then try again. If it fails twice, use another charge point."),
    ),
    "NOT_SUPPORTED": Advice(
        N_("This charge point cannot do that from here."), N_("Use a card at the station, or ask the help line of the operator.")
    ),
    "REJECTED": Advice(
        N_("The operator did not allow it."),
        N_("Try again in a minute. If it is refused again, ask the help line and quote the reference."),
    ),
    "TIMEOUT": Advice(N_("The station did not answer in time."), N_("It may have no connection. Try again, or use another charge point.")),
    "UNKNOWN_RESERVATION": Advice(N_("The operator does not know this reservation any more."), N_("There is nothing left to cancel.")),
    "UNKNOWN_SESSION": Advice(
        N_("The operator does not know this session any more."), N_("It may have ended already. Unplug at the car, and wait for the bill.")
    ),
}
"""What a CommandResult, or the answer at once, means for who waits at the plug."""

OUTCOMES = {
    "not asked": Advice(
        N_("The operator could not be reached, so nothing was asked of it."),
        N_("Try again in a few minutes, or use another station. What may be held on your card is let go at once."),
    ),
    "unanswered": Advice(
        N_("The operator has not answered. Nobody knows yet whether charging begins."),
        N_("If it begins, you see it here. If you want it no longer, say so here, and leave the car unplugged."),
    ),
    "stop unanswered": Advice(
        N_("The operator has not answered. Nobody knows yet whether charging stops."),
        N_("Look at your car. Try again, or end the charge at the station with a card, or unplug at the car."),
    ),
    "not over": Advice(
        N_("The operator has accepted the stop, but has not said that charging is over."),
        N_("Look at your car. If it still charges, try again, or end the charge at the station with a card, or unplug at the car."),
    ),
    "not stopped": Advice(
        N_("The station could not be stopped from here."),
        N_("Try again. Else end the charge at the station with a card, or unplug at the car: open it, and pull the plug out."),
    ),
}
"""What became of a command where no result of OCPI says it, or where more is to be said."""

OUT_OF_ORDER = Advice(
    N_("The operator says that the station is out of order: {station}. Look whether your car is still charging."),
    N_("If it is not, end the charge here or at the station, unplug, and use another charge point."),
)
"""In mid-charge."""

FAULTS = {
    "CONNECTORLOCKFAILURE": Advice(
        N_("The lock of the plug does not work."), N_("Pull the plug out, push it in firmly and try again; else use another charge point.")
    ),
    "EVCOMMUNICATIONERROR": Advice(
        N_("Car and station do not understand each other."), N_("Unplug, lock the car, open it again and plug in.")
    ),
    "EMERGENCYSTOP": Advice(
        N_("The emergency stop was pressed."), N_("Do not use this station. Ask the operator’s help line before you try again.")
    ),
    "GROUNDFAILURE": Advice(
        N_("Current leaks to earth, so the station has switched off."), N_("Do not touch damaged cables. Use another charge point.")
    ),
    "HIGHTEMPERATURE": Advice(N_("The station is too hot."), N_("Wait until it has cooled down, or use another charge point.")),
    "INTERNALERROR": Advice(N_("Something inside the station has failed."), N_("Use another charge point.")),
    "OVERCURRENTFAILURE": Advice(
        N_("Too much current has flowed, so the station has switched off."), N_("Unplug and try another charge point.")
    ),
    "OVERVOLTAGE": Advice(N_("The voltage of the grid is too high at the moment."), N_("Try again later, or use another station.")),
    "POWERMETERFAILURE": Advice(N_("The meter of the station cannot be read."), N_("Use another charge point.")),
    "POWERSWITCHFAILURE": Advice(N_("The power switch of the station does not work."), N_("Use another charge point.")),
    "READERFAILURE": Advice(N_("The card reader does not work."), N_("Start from here: that needs no card.")),
    "UNDERVOLTAGE": Advice(N_("The voltage of the grid is too low at the moment."), N_("Try again later, or use another station.")),
    "WEAKSIGNAL": Advice(
        N_("The mobile connection of the station is weak."), N_("It may answer late. Wait a minute before you try again.")
    ),
}
"""Fault codes of OCPP, which stations give and operators put into what they say."""


def said(table: Words, code: str) -> str:
    return table[code] if code in table else code.replace("_", " ").capitalize()


def result(code: str) -> Advice | None:
    """`code`: of RESULTS or of OUTCOMES."""
    found = RESULTS.get(code) or OUTCOMES.get(code)
    return None if found is None else Advice(_(found.what), _(found.do))


def fault(text: str) -> Advice | None:
    """The fault that what an operator says names, if it names one."""
    plain = "".join(one for one in text.upper() if one.isalnum())
    found = next((advice for code, advice in FAULTS.items() if code in plain), None)
    return None if found is None else Advice(_(found.what), _(found.do))


def out_of_order(station: str) -> Advice:
    return Advice(_(OUT_OF_ORDER.what).format(station=station), _(OUT_OF_ORDER.do))

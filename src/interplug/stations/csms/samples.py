"""Meter values of any version as samples: units, multipliers, phases, and values that are no numbers.

A value of 1.6 is a string, one of 2.x a number with a multiplier; measurands have the same names. A sum over the phases is taken
where the meter gives none. What is measured in the vehicle or at the inlet says nothing of the energy that was delivered.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from decimal import Decimal, InvalidOperation
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from . import signed
from .events import Sample, Signed
from .register import MOST

Document = dict[str, Any]
REGISTER = "Energy.Active.Import.Register"
FIELDS = {
    REGISTER: "register",
    "Energy.Active.Import.Interval": "interval",
    "Power.Active.Import": "power",
    "Current.Import": "current",
    "SoC": "soc",
}
PHASES = ("L1", "L2", "L3", "L1-N", "L2-N", "L3-N")
ELSEWHERE = ("EV", "Inlet")
THOUSANDS = ("kWh", "kW")
ZERO = Decimal(0)
Shown = tuple[dict[str, Decimal], dict[str, dict[str, Decimal]]]
"""By field what the meter shows as a whole, and for each phase."""
NOTHING: Shown = ({}, {})
LEAST_DIGITS, MOST_DIGITS = -20, MOST.adjusted()
BEGIN = "Transaction.Begin"
FINAL = "Transaction.End"
PERIODIC = "Sample.Periodic"


class Unit(msgspec.Struct, frozen=True, forbid_unknown_fields=True, gc=False):
    unit: str = ""
    multiplier: Annotated[int, Meta(ge=-9, le=9)] = 0


WHOLE = Unit()


class Value(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename="camel", gc=False):
    """A sampled value of 2.x as it is on the wire; those of other versions are brought to it."""

    value: Decimal | None
    context: str = PERIODIC
    measurand: str = REGISTER
    phase: str = ""
    location: str = ""
    unit_of_measure: Unit = WHOLE


def read(values: object, time: Callable[[str], int]) -> tuple[tuple[Sample, ...], tuple[Signed, ...]]:
    """What `meterValue` (1.6 `transactionData`, too) holds, as far as it can be read; `time` reads a timestamp of this station."""
    samples: list[Sample] = []
    proofs: list[Signed] = []
    for value in _objects(values):
        at = time(str(value.get("timestamp", "")))
        listed = list(_objects(value.get("sampledValue")))
        for one in listed:
            if ("signedMeterValue" in one or "format" in one) and (said := _signed(one, at)) is not None:
                proofs.append(said)
        samples += summed(at, map(_value, listed))
    return tuple(samples), tuple(proofs)


def summed(at: int, values: Iterable[Value]) -> list[Sample]:
    """What the meter showed at a moment: the values without a phase, else the sums of the phases. One meterValue of a StopTransaction may
    hold the beginning and the end; each context is a sample of its own."""
    contexts: dict[str, Shown] = {}
    context, shown = None, NOTHING
    for one in values:
        if one.context != context:
            context = one.context
            shown = contexts.setdefault(context, ({}, {}))
        name = FIELDS.get(one.measurand)
        if name is None or (one.location and one.location in ELSEWHERE and name != "soc"):
            continue
        number = one.value
        if number is None or not number.is_finite():
            continue
        if not LEAST_DIGITS < number.adjusted() < MOST_DIGITS:
            if number and number.adjusted() > 0:
                continue
            number = ZERO
        number, unit = +number, one.unit_of_measure  # no longer than what we compute with
        if unit.multiplier:
            number = number.scaleb(unit.multiplier)
        if unit.unit in THOUSANDS:
            number *= 1000
        if not one.phase:
            shown[0][name] = number
        elif one.phase in PHASES:
            shown[1].setdefault(name, {})[one.phase[:2]] = number
    return [
        Sample(at=at, context=context, **({name: sum(each.values(), ZERO) for name, each in phases.items()} | whole))
        for context, (whole, phases) in contexts.items()
    ]


def _objects(listed: object) -> Iterable[Document]:
    return (one for one in listed if isinstance(one, dict)) if isinstance(listed, list) else ()


def _value(one: Document) -> Value:
    measurand, context = str(one.get("measurand") or REGISTER), str(one.get("context") or PERIODIC)
    if measurand not in FIELDS or one.get("format") == "SignedData":
        return Value(None, context)
    number, place = _number(one.get("value")), str(one.get("location") or "")
    return Value(number, context, measurand, str(one.get("phase") or ""), place, _unit(one))


def _unit(one: Document) -> Unit:
    measure, unit = one.get("unitOfMeasure"), one.get("unit")
    if not isinstance(measure, dict):
        return Unit(str(unit)) if unit else WHOLE
    multiplier = measure.get("multiplier")
    return Unit(str(unit or measure.get("unit") or ""), multiplier if isinstance(multiplier, int) and -9 <= multiplier <= 9 else 0)


def _number(said: object) -> Decimal | None:
    try:
        value = Decimal(said if isinstance(said, (int, Decimal)) else str(said).strip().replace(",", "."))
    except InvalidOperation:
        return None
    return value if value.is_finite() else None


def _signed(one: Document, at: int) -> Signed | None:
    context = str(one.get("context") or PERIODIC)
    if one.get("format") == "SignedData":
        return signed.of_text(context, at, str(one.get("value", "")))
    told = one.get("signedMeterValue")
    if not isinstance(told, dict):
        return None
    names = ("signedMeterData", "encodingMethod", "signingMethod", "publicKey")
    return Signed(context, at, *(str(told.get(name) or "") for name in names))

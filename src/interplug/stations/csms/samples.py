"""Meter values of any version as samples: units, multipliers, phases, and values that are no numbers.

A value of 1.6 is a string, one of 2.x a number with a multiplier; measurands have the same names. A sum over the phases is taken
where the meter gives none. What is measured in the vehicle or at the inlet says nothing of the energy that was delivered.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from decimal import Decimal, InvalidOperation
from typing import Any

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
FINAL = "Transaction.End"
PERIODIC = "Sample.Periodic"


def read(values: object, time: Callable[[str], int]) -> tuple[tuple[Sample, ...], tuple[Signed, ...]]:
    """What `meterValue` (1.6 `transactionData`, too) holds, as far as it can be read; `time` reads a timestamp of this station."""
    samples: list[Sample] = []
    proofs: list[Signed] = []
    for value in _objects(values):
        at = time(str(value.get("timestamp", "")))
        # One meterValue of a StopTransaction may hold the beginning and the end; each context is a sample of its own.
        contexts: dict[str, Found] = {}
        for one in _objects(value.get("sampledValue")):
            context = str(one.get("context") or PERIODIC)
            found = contexts.get(context)
            if found is None:
                found = contexts[context] = Found()
            if ("signedMeterValue" in one or "format" in one) and (said := _signed(one, at)) is not None:
                proofs.append(said)
            name = FIELDS.get(str(one.get("measurand") or REGISTER))
            if name is not None and (name == "soc" or one.get("location") not in ELSEWHERE):
                found.take(name, one)
        samples += [Sample(at=at, context=context, **found.totals()) for context, found in contexts.items()]
    return tuple(samples), tuple(proofs)


def _objects(listed: object) -> Iterable[Document]:
    return (one for one in listed if isinstance(one, dict)) if isinstance(listed, list) else ()


class Found:
    """The values of one context: those without a phase, and those of each phase."""

    __slots__ = ("phases", "whole")

    def __init__(self) -> None:
        self.whole: dict[str, Decimal] = {}
        self.phases: dict[str, dict[str, Decimal]] = {}

    def take(self, name: str, one: Document) -> None:
        phase = one.get("phase")
        if (phase and phase not in PHASES) or (number := _number(one)) is None:
            return
        if phase:
            self.phases.setdefault(name, {})[phase[:2]] = number
        else:
            self.whole[name] = number

    def totals(self) -> dict[str, Decimal]:
        """The value without a phase, else the sum of the phases."""
        return {name: sum(values.values(), ZERO) for name, values in self.phases.items()} | self.whole


def _number(one: Document) -> Decimal | None:
    if one.get("format") == "SignedData":
        return None
    said = one.get("value")
    try:
        value = Decimal(said if isinstance(said, (int, Decimal)) else str(said).strip().replace(",", "."))
        if not -MOST < value < MOST:
            return None
    except InvalidOperation:  # NaN cannot be compared, either
        return None
    measure = one.get("unitOfMeasure")
    unit = one.get("unit")
    if isinstance(measure, dict):
        multiplier = measure.get("multiplier")
        if isinstance(multiplier, int) and -9 <= multiplier <= 9:
            value = value.scaleb(multiplier)
        unit = unit or measure.get("unit")
    return value * 1000 if unit in THOUSANDS else value


def _signed(one: Document, at: int) -> Signed | None:
    context = str(one.get("context") or PERIODIC)
    if one.get("format") == "SignedData":
        return signed.of_text(context, at, str(one.get("value", "")))
    told = one.get("signedMeterValue")
    if not isinstance(told, dict):
        return None
    names = ("signedMeterData", "encodingMethod", "signingMethod", "publicKey")
    return Signed(context, at, *(str(told.get(name) or "") for name in names))

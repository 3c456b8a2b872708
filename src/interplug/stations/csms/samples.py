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
THOUSANDS = {"kWh": 1000, "kW": 1000}
FINAL = "Transaction.End"
SIGNED = {"format", "signedMeterValue"}
PERIODIC = "Sample.Periodic"


def read(values: Iterable[Document], time: Callable[[str], int]) -> tuple[tuple[Sample, ...], tuple[Signed, ...]]:
    """What `meterValue` (1.6 `transactionData`, too) holds; `time` reads a timestamp of this station."""
    samples, proofs = [], []
    for value in values:
        at = time(str(value.get("timestamp", "")))
        sampled = [one for one in value.get("sampledValue") or () if isinstance(one, dict)]
        proofs += [found for one in sampled if SIGNED & one.keys() and (found := _signed(one, at)) is not None]
        # One meterValue of a StopTransaction may hold the beginning and the end; each context is a sample of its own.
        by_context: dict[str, list[Document]] = {}
        for one in sampled:
            by_context.setdefault(str(one.get("context") or PERIODIC), []).append(one)
        samples += [_sample(values, at, context) for context, values in by_context.items()]
    return tuple(samples), tuple(proofs)


def _sample(sampled: list[Document], at: int, context: str) -> Sample:
    found: dict[str, list[Document]] = {}
    for one in sampled:
        name = FIELDS.get(one.get("measurand") or REGISTER)
        if name is not None and (name == "soc" or one.get("location") not in ELSEWHERE):
            found.setdefault(name, []).append(one)
    return Sample(at=at, context=context, **{name: _total(values) for name, values in found.items()})


def _total(here: list[Document]) -> Decimal | None:
    """The value without a phase, else the sum of the phases."""
    whole = [number for one in here if not one.get("phase") and (number := _number(one)) is not None]
    if whole:
        return whole[-1]
    phases = {str(one["phase"])[:2]: number for one in here if one.get("phase") in PHASES and (number := _number(one)) is not None}
    return sum(phases.values(), Decimal(0)) if phases else None


def _number(one: Document) -> Decimal | None:
    if one.get("format") == "SignedData":
        return None
    try:
        said = one.get("value")
        value = Decimal(said if isinstance(said, int | Decimal) else str(said).strip().replace(",", "."))
    except InvalidOperation:
        return None
    if not value.is_finite() or abs(value) >= 10**12:
        return None
    measure = one.get("unitOfMeasure")
    measure = measure if isinstance(measure, dict) else {}
    multiplier = measure.get("multiplier")
    if isinstance(multiplier, int) and -9 <= multiplier <= 9:
        value = value.scaleb(multiplier)
    return value * THOUSANDS.get(str(one.get("unit") or measure.get("unit")), 1)


def _signed(one: Document, at: int) -> Signed | None:
    context = str(one.get("context") or PERIODIC)
    if one.get("format") == "SignedData":
        return signed.of_text(context, at, str(one.get("value", "")))
    told = one.get("signedMeterValue")
    if not isinstance(told, dict):
        return None
    names = ("signedMeterData", "encodingMethod", "signingMethod", "publicKey")
    return Signed(context, at, *(str(told.get(name) or "") for name in names))

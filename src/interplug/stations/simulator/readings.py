"""What a meter shows at a moment: the measurands that a CSMS has asked for, and nothing else."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal

from . import physics
from .plan import Connector


@dataclass(frozen=True, slots=True)
class Sample:
    measurand: str
    value: Decimal
    unit: str
    phase: str | None = None
    location: str | None = None


@dataclass(frozen=True, slots=True)
class Reading:
    """`register` is what the meter has counted in its life, in whole watt-hours."""

    at: int
    register: int
    samples: tuple[Sample, ...]
    context: str
    signed: str = ""
    """The same, signed by the meter (OCMF), where it does so."""


def samples(
    measurands: Iterable[str], register: int, charge: physics.Charge | None, plug: Connector, cap: float, *, flows: bool
) -> Iterator[Sample]:
    watts = physics.power(charge, cap) if charge is not None and flows else 0.0
    offered = min(cap, float(plug.watts)) if charge is not None else 0.0
    for measurand in measurands:
        if measurand == "Energy.Active.Import.Register":
            yield Sample(measurand, Decimal(register), "Wh")
        elif measurand == "Power.Active.Import":
            yield Sample(measurand, Decimal(round(watts)), "W")
        elif measurand == "Power.Offered":
            yield Sample(measurand, Decimal(round(offered)), "W")
        elif measurand == "Current.Offered":
            yield Sample(measurand, Decimal(f"{offered / plug.volts / plug.phases:.1f}"), "A")
        elif measurand == "SoC" and plug.dc and charge is not None:
            yield Sample(measurand, Decimal(int(charge.soc * 100)), "Percent", location="EV")
        elif measurand in ("Current.Import", "Voltage"):
            yield from _of_each_phase(measurand, watts, plug)


def _of_each_phase(measurand: str, watts: float, plug: Connector) -> Iterator[Sample]:
    value, unit = (
        (Decimal(f"{watts / plug.volts / plug.phases:.1f}"), "A") if measurand == "Current.Import" else (Decimal(int(plug.volts)), "V")
    )
    if plug.dc:
        yield Sample(measurand, value, unit)
        return
    for number in range(1, plug.phases + 1):
        yield Sample(measurand, value, unit, f"L{number}" if measurand == "Current.Import" else f"L{number}-N")

"""Two tariffs side by side: what the same sessions cost by each.

Not a verdict, but figures: on every session of a grid both totals and their difference, in how many of them each is the cheaper one, and
where they are furthest apart. Amounts are compared with taxes where both are known so, else before taxes.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Literal, NamedTuple

from interplug.tariffs.compiled import compile_tariff
from interplug.tariffs.money import Money, plain, spell
from interplug.tariffs.options import SPEC, Options
from interplug.tariffs.problems import TariffError
from interplug.tariffs.read import ZERO, record
from interplug.tariffs.restrictions import WEEKDAYS
from interplug.tariffs.typical import Bench, Typical, grid

Side = Literal["excl", "incl"]


class Row(NamedTuple):
    session: Typical
    first: Money
    second: Money
    # The second less the first; None where one of them is not known.
    difference: Decimal | None

    def to_document(self) -> dict[str, Any]:
        session = self.session
        return {
            "session": {
                "kwh": plain(session.kwh),
                "charging_s": session.charging,
                "parked_s": session.parked,
                "day_of_week": WEEKDAYS[session.weekday],
                "start_time": f"{session.second // 3600:02}:{session.second // 60 % 60:02}",
            },
            "first": self.first.to_document(),
            "second": self.second.to_document(),
            "difference": spell(self.difference),
        }


@dataclass(frozen=True, slots=True)
class Comparison:
    """`side`: which of the amounts are compared."""

    currency: str
    side: Side
    rows: tuple[Row, ...]

    @property
    def differences(self) -> list[Decimal]:
        return [row.difference for row in self.rows if row.difference is not None]

    @property
    def first_cheaper(self) -> int:
        return sum(difference > 0 for difference in self.differences)

    @property
    def second_cheaper(self) -> int:
        return sum(difference < 0 for difference in self.differences)

    @property
    def mean_difference(self) -> Decimal | None:
        found = self.differences
        return sum(found, ZERO) / len(found) if found else None

    def furthest(self) -> list[Row]:
        """Where the first, and where the second is ahead by most."""
        known = [row for row in self.rows if row.difference]
        most = max(known, key=lambda row: row.difference or ZERO, default=None)
        least = min(known, key=lambda row: row.difference or ZERO, default=None)
        ahead = [most if most and most.difference and most.difference > 0 else None]
        ahead.append(least if least and least.difference and least.difference < 0 else None)
        return [row for row in ahead if row is not None]

    def to_document(self) -> dict[str, Any]:
        mean = self.mean_difference
        return {
            "currency": self.currency,
            "side": self.side,
            "sessions": len(self.rows),
            "first_cheaper": self.first_cheaper,
            "second_cheaper": self.second_cheaper,
            "equal": len(self.differences) - self.first_cheaper - self.second_cheaper,
            "mean_difference": None if mean is None else spell(mean.quantize(Decimal("0.0001"))),
            "furthest": [row.to_document() for row in self.furthest()],
            "rows": [row.to_document() for row in self.rows],
        }


def compare(
    first: Mapping[str, Any],
    second: Mapping[str, Any],
    *,
    version: str = "2.3.0",
    second_version: str | None = None,
    timezone: str | None = None,
    day: str | None = None,
    sessions: Iterable[Typical] | None = None,
    options: Options = SPEC,
) -> Comparison:
    """`second_version` where the two are not of one version; the sessions are in the week after `day`, a local date."""
    tariffs = (record(first, "/first"), record(second, "/second"))
    versions = (version, second_version or version)
    compiled = [compile_tariff(tariff, spoken) for tariff, spoken in zip(tariffs, versions, strict=True)]
    currency = compiled[0].currency
    if currency != compiled[1].currency:
        raise TariffError("currency_mismatch", f"the tariffs are in {currency} and {compiled[1].currency}", "/second/currency")
    one, other = (
        Bench(tariff, spoken, timezone=timezone, day=day, options=options) for tariff, spoken in zip(tariffs, versions, strict=True)
    )
    other.same_week(one)
    costs = [(session, one.price(session).total_cost, other.price(session).total_cost) for session in sessions or grid()]
    known = any(left.incl is not None and right.incl is not None for _, left, right in costs)
    side: Side = "incl" if known else "excl"
    return Comparison(currency, side, tuple(Row(session, left, right, _less(left, right, side)) for session, left, right in costs))


def _less(first: Money, second: Money, side: Side) -> Decimal | None:
    left: Decimal | None = getattr(first, side)
    right: Decimal | None = getattr(second, side)
    return None if left is None or right is None else right - left

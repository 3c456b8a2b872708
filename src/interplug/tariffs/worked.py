"""A price worked by hand, in words: each line as one would write it on paper, the sum, and what a CDR claims instead."""

from collections.abc import Iterator, Mapping
from decimal import Decimal, localcontext

from interplug.tariffs.money import WIDE, Money, plain
from interplug.tariffs.result import Line, Priced
from interplug.tariffs.verify import Verified

CAUSES: Mapping[str, str] = {
    "step_size_ignored": "The volumes were not rounded up to the tariff's step_size.",
    "step_size_per_period": "The step_size was applied to every charging period, and not once to the session.",
    "price_limit_ignored": "The tariff's min_price or max_price was not applied.",
    "utc_used_for_local_time": "The hours of the tariff were read as UTC, and not as local time of the Location.",
    "flat_per_period": "The fee was charged for every charging period, and not once.",
    "flat_forgotten": "The fee was not charged.",
    "vat_on_gross": "Tax was charged on an amount that already held tax.",
    "net_and_gross_swapped": "What is before taxes was taken as with taxes, or the other way round.",
    "vat_ignored": "No tax was charged.",
    "period_divided": "A charging period was divided where the price changes; as it is written, its start decides.",
    "hours_taken_literally": "A block of step_size more was begun by what is only the rounding of the written hours.",
    "reservation_taken_as_expired": "A reservation that was used was priced as one that nobody came for.",
    "reservation_taken_as_used": "A reservation that nobody came for was priced as one that was used.",
    "other_tariff": "Another tariff than the one valid at the start was used.",
    "not_explained": "None of the known mistakes gives the figures of the CDR.",
    "volumes_differ": "The money is right, but the energy or time in total is not that of the charging periods.",
}
DOUBTS: Mapping[str, str] = {
    "no_valid_tariff": "There is no tariff that was valid at the start.",
    "unknown_tariff": "A charging period names a tariff that is not there.",
    "timezone_required": "The tariff speaks of local time, and the zone of the Location is not known.",
    "currency_mismatch": "CDR and tariff are in different currencies.",
    "period_spans_price_change": "A charging period lies over a price change, and some division of it gives the figures claimed.",
    "power_unknown": "The price depends on a power that nobody stated.",
    "power_inferred": "The price depends on a power that was not stated and could only be deduced.",
    "current_unknown": "The price depends on a current that nobody stated.",
    "volume_missing": "The charging periods do not state the energy.",
    "hours_imprecise": "The hours are written with too few decimals to show whether one more block of step_size was begun.",
    "taxes_unknown": "The taxes are not known, and nothing else is claimed.",
    "invalid_field": "A field of CDR or tariff cannot be read.",
    "out_of_range": "A number of CDR or tariff is beyond all reason.",
    "invalid_json": "It is no JSON object, or no row as its head promises.",
    "no_total": "The CDR claims no total.",
}
_FINE = Decimal("0.0001")
_UNITS = {"ENERGY": "kWh", "TIME": "h", "PARKING_TIME": "h parked", "RESERVATION_TIME": "h reserved"}


def worked(priced: Priced) -> list[str]:
    with localcontext(WIDE):
        said = [text for line in priced.lines for text in _line(line)] or ["nothing in the session has a price"]
        said += [f"tax of {plain(tax['percentage'])} % on {_short(tax['taxable'])}: {_short(tax['amount'])}" for tax in priced.taxes]
        return [*said, f"sum: {sides(priced.total_cost)} {priced.currency}"]


def claimed(verified: Verified, cause: str) -> list[str]:
    """How the CDR differs, and what explains it."""
    said = []
    for difference in verified.differences:
        excess = difference.claimed - difference.computed
        side = {"excl": " before taxes", "incl": " with taxes", None: ""}[difference.side]
        more = "too much" if excess > 0 else "too little"
        figures = f"{_short(difference.claimed)} is claimed, {_short(difference.computed)} is right"
        said.append(f"{difference.field}{side}: {figures}, {_short(abs(excess))} {more}")
    if cause in verified.causes:
        said.append("with that mistake the same sum gives what is claimed")
    return said


def sides(money: Money) -> str:
    excl, incl = ("not known" if side is None else _short(side) for side in money)
    return excl if excl == incl else f"{excl} before taxes, {incl} with taxes"


def _line(line: Line) -> Iterator[str]:
    amount = sides(Money(line.excl, line.incl))
    if line.price is None:
        yield f"{line.component.removeprefix('/')} adds {amount}"
    elif line.quantity is None:
        yield f"fee {_short(line.price)}: {amount} (tariff {line.tariff} {line.component})"
    else:
        yield f"{plain(line.quantity)} {_UNITS[line.dimension]} at {_short(line.price)}: {amount} (tariff {line.tariff} {line.component})"
    if line.surplus and line.step_size and line.measured is not None:
        unit, by = ("Wh", Decimal(1000)) if line.dimension == "ENERGY" else ("s", Decimal(1))
        used = f"{_short(line.measured * by)} {unit} were used"
        yield f"  {used}, billed in steps of {plain(line.step_size)} {unit}: {_short((line.measured + line.surplus) * by)} {unit}"
    if line.failed:
        yield "  earlier elements do not apply: " + ", ".join(f"{element} ({restriction})" for element, restriction in line.failed)


def _short(value: Decimal) -> str:
    rounded = value.quantize(_FINE)
    spelled = plain(rounded)
    return f"{rounded:.2f}" if -int(Decimal(spelled).as_tuple().exponent) < 2 else spelled

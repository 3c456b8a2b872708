"""From entries to money: steps, sums, limits, taxes.

step_size rounds at most twice (CDRs, step_size): the energy of the session, and its time, where parking takes the rounding if it is
priced at all. What is rounded is the priced volume of the whole session, by the step of the last component with a volume, at whose
price the surplus is billed. Reserved time is a bucket of its own. Then each tariff's minimum and maximum act on the part that it
priced, maximum last, before and after taxes independently.

Hours are written with few decimals: 0.1667 h is ten minutes, though it says 600.12 s. One unit of the last written digit, at most 0.36
s a period, never starts a new block.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Literal, NamedTuple

from interplug.tariffs.choose import Entry
from interplug.tariffs.compiled import ENERGY, FLAT, PARKING, TIME, Limit, Tariff
from interplug.tariffs.money import HOUR, HUNDRED, Money, Tax, add, decimals_of
from interplug.tariffs.options import Options
from interplug.tariffs.read import ZERO
from interplug.tariffs.restrictions import SESSION
from interplug.tariffs.session import RESERVED

Category = Literal["energy", "time", "parking", "fixed", "reservation"]
CATEGORIES: tuple[Category, ...] = ("energy", "time", "parking", "fixed", "reservation")
_OF_KIND: dict[int, Category] = {ENERGY: "energy", TIME: "time", PARKING: "parking", FLAT: "fixed", RESERVED: "reservation"}
_THOUSAND = Decimal(1000)
_SLACK = Decimal("0.36")
_SLACK_HOURS = Decimal("0.0001")
_NOTHING = Money(ZERO, ZERO)
Groups = dict[tuple[Tariff, Category, Tax], Decimal]
Taxes = dict[Decimal, tuple[Decimal, Decimal]]


class LimitLine(NamedTuple):
    """What a minimum or maximum added to (or took from) the part of one tariff."""

    tariff: Tariff
    name: str
    excl: Decimal | None
    incl: Decimal | None


@dataclass(slots=True)
class Settlement:
    total: Money = _NOTHING
    parts: dict[Category, Money] = field(default_factory=dict)
    # By rate: taxable amount and tax, where a limit changed them.
    limited_taxes: "Taxes | None" = None
    groups: "Groups" = field(default_factory=dict)
    limits: list[LimitLine] = field(default_factory=list)
    # Seconds, or kWh for energy, billed beyond what was written; by entry. May be below zero by the slack of written hours.
    surplus: dict[Entry, Decimal] = field(default_factory=dict)
    billed: dict[int, Decimal] = field(default_factory=dict)

    @property
    def taxes(self) -> "Taxes":
        return taxes_of(self.groups) if self.limited_taxes is None else self.limited_taxes


def category(entry: Entry) -> Category:
    return _OF_KIND[entry.kind] if entry.phase == SESSION else "reservation"


def settle(entries: Sequence[Entry], tariffs: Sequence[Tariff], options: Options) -> Settlement:
    """`tariffs`: those that the session used, each once; their limits hold even where they priced nothing."""
    settled = Settlement()
    _round_up(entries, options, settled)
    groups = settled.groups = _group(entries, options, settled)
    _sum_parts(groups, settled)
    if options.limits and any(tariff.min_price or tariff.max_price for tariff in tariffs):
        _limit_all(groups, tariffs, settled)
    return settled


# --- step_size ----------------------------------------------------------------------------------------------------------------------------


def _round_up(entries: Sequence[Entry], options: Options, settled: Settlement) -> None:
    kinds: dict[int, list[Entry]] = {}
    for entry in entries:
        if entry.kind != FLAT:
            kinds.setdefault(entry.kind, []).append(entry)
    parked = any(entry.volume for entry in kinds.get(PARKING, ()))
    for kind, listed in kinds.items():
        volume = sum([entry.volume for entry in listed], ZERO)
        settled.billed[kind] = volume if kind == ENERGY else volume * HOUR
        if options.preset == "exact" or options.step == "none" or (kind == TIME and parked):
            continue
        buckets = [[entry] for entry in listed] if options.step == "period" else [listed]
        for bucket in buckets:
            _round_bucket(kind, bucket, options, settled)


def _round_bucket(kind: int, bucket: list[Entry], options: Options, settled: Settlement) -> None:
    last = next((entry for entry in reversed(bucket) if entry.volume), None)
    if last is None or not last.component.step:
        return
    volume = sum([entry.volume for entry in bucket], ZERO)
    if volume <= 0:
        return
    step = last.component.step
    if kind == ENERGY:
        blocks, rest = divmod(volume * _THOUSAND, step)
        surplus = (step - rest) / _THOUSAND if rest else ZERO
    else:
        blocks, rest = divmod(volume * HOUR, step)
        inside = options.hours == "spec" and rest <= sum([_slack(entry) for entry in bucket], ZERO) and blocks
        surplus = -rest if inside or not rest else step - rest
    if surplus:
        settled.surplus[last] = surplus
        settled.billed[kind] += surplus


def _slack(entry: Entry) -> Decimal:
    """Seconds that the spelling of the hours leaves open."""
    written = entry.period.written[entry.kind]
    if not written:
        return ZERO
    coarse = written == written.quantize(_SLACK_HOURS)
    return _SLACK if coarse else Decimal(1).scaleb(-decimals_of(written)) * HOUR


def open_amounts(entries: Sequence[Entry]) -> dict[Category, Money]:
    """How much money the spelling of the hours leaves open: who counted seconds and wrote hours may bill so much more or less."""
    amounts: dict[Category, Money] = {}
    for entry in entries:
        if entry.kind not in (ENERGY, FLAT) and (seconds := _slack(entry)):
            name, component = category(entry), entry.component
            excl, incl = component.tax.sides(abs(component.price) * seconds / HOUR)
            before = amounts.get(name, _NOTHING)
            amounts[name] = Money(add(before.excl, excl), add(before.incl, incl))
    return amounts


# --- sums ---------------------------------------------------------------------------------------------------------------------------------


def amount(entry: Entry, settled: Settlement) -> Decimal:
    """Price times billed volume, in the sense of the tariff: net or gross."""
    price = entry.component.price
    value = price * entry.volume
    surplus = settled.surplus.get(entry)
    if surplus is None:
        return value
    return value + (price * surplus if entry.kind == ENERGY else price * surplus / HOUR)


def _group(entries: Sequence[Entry], options: Options, settled: Settlement) -> Groups:
    groups: Groups = {}
    for entry in entries:
        component = entry.component
        tax = component.tax if options.tax == "spec" else component.tax.deviated(options.tax)
        key = (component.tariff, category(entry), tax)
        value = amount(entry, settled)
        if options.tax == "gross_as_net" and tax.kind == "net" and tax.rate is not None:
            value = value * (HUNDRED + tax.rate) / HUNDRED
        groups[key] = groups.get(key, ZERO) + value
    return groups


def _sum_parts(groups: Groups, settled: Settlement) -> None:
    parts = settled.parts
    before: Decimal | None = ZERO
    after: Decimal | None = ZERO
    for (_, name, tax), value in groups.items():
        excl, incl = tax.sides(value)
        known = parts.get(name)
        parts[name] = Money(excl, incl) if known is None else Money(add(known.excl, excl), add(known.incl, incl))
        before, after = add(before, excl), add(after, incl)
    settled.total = Money(before, after)


def taxes_of(groups: Groups) -> Taxes:
    """By rate (per cent): the amount before taxes, and the tax on it. What has no known rate is left out."""
    taxes: Taxes = {}
    for (_, _, tax), value in groups.items():
        if tax.rate is not None:
            excl, incl = tax.sides(value)
            assert excl is not None and incl is not None
            taxable, charged = taxes.get(tax.rate, (ZERO, ZERO))
            taxes[tax.rate] = (taxable + excl, charged + incl - excl)
    return taxes


# --- price limits -------------------------------------------------------------------------------------------------------------------------


def _limit_all(groups: Groups, tariffs: Sequence[Tariff], settled: Settlement) -> None:
    total = _NOTHING
    taxes: Taxes = {}
    for tariff in tariffs:
        own = {key: value for key, value in groups.items() if key[0] is tariff}
        before = _NOTHING
        for (_, _, tax), value in own.items():
            excl, incl = tax.sides(value)
            before = Money(add(before.excl, excl), add(before.incl, incl))
        after = before
        for name, limit, is_minimum in (("min_price", tariff.min_price, True), ("max_price", tariff.max_price, False)):
            if limit is not None:
                limited = apply_limit(after, limit, is_minimum, tariff)
                if limited != after:
                    settled.limits.append(LimitLine(tariff, name, _less(limited.excl, after.excl), _less(limited.incl, after.incl)))
                after = limited
        total = Money(add(total.excl, after.excl), add(total.incl, after.incl))
        _add_taxes(taxes, taxes_of(own), before, after, tariff)
    settled.total, settled.limited_taxes = total, taxes


def apply_limit(part: Money, limit: Limit, is_minimum: bool, tariff: Tariff) -> Money:
    """Both bounds act for themselves; a bound that stands alone carries the other side along in proportion."""
    excl = _bounded(part.excl, limit.excl, is_minimum)
    incl = _bounded(part.incl, limit.incl, is_minimum)
    if limit.incl is None and excl != part.excl:
        incl = _carried(part.incl, part.excl, excl, _with_rate(excl, tariff.single_rate))
    if limit.excl is None and incl != part.incl:
        excl = _carried(part.excl, part.incl, incl, _without_rate(incl, tariff.single_rate))
    return Money(excl, incl)


def _bounded(value: Decimal | None, bound: Decimal | None, is_minimum: bool) -> Decimal | None:
    if value is None or bound is None:
        return value
    return max(value, bound) if is_minimum else min(value, bound)


def _carried(other: Decimal | None, old: Decimal | None, new: Decimal | None, unmetered: Decimal | None) -> Decimal | None:
    if other is None or old is None or new is None:
        return None
    return other * new / old if old else unmetered


def _with_rate(value: Decimal | None, tax: Tax | None) -> Decimal | None:
    if value is None or tax is None or tax.unknown:
        return None
    return value if tax.rate is None else value * (HUNDRED + tax.rate) / HUNDRED


def _without_rate(value: Decimal | None, tax: Tax | None) -> Decimal | None:
    if value is None or tax is None or tax.unknown:
        return None
    return value if tax.rate is None else value * HUNDRED / (HUNDRED + tax.rate)


def _less(after: Decimal | None, before: Decimal | None) -> Decimal | None:
    return None if after is None or before is None else after - before


def _add_taxes(
    taxes: Taxes,
    own: Taxes,
    before: Money,
    after: Money,
    tariff: Tariff,
) -> None:
    """A limit changes the tax of every rate in proportion."""
    if after.excl is None or after.incl is None or before.excl is None or before.incl is None:
        return
    rate = tariff.single_rate.rate if tariff.single_rate else None
    if not before.excl and after.excl and rate is not None:
        own = {rate: (after.excl, after.incl - after.excl)}
    elif before.excl and after != before:
        taxed = before.incl - before.excl
        own = {
            rate: (taxable * after.excl / before.excl, charged * (after.incl - after.excl) / taxed if taxed else charged)
            for rate, (taxable, charged) in own.items()
        }
    for percentage, (taxable, charged) in own.items():
        known = taxes.get(percentage, (ZERO, ZERO))
        taxes[percentage] = (known[0] + taxable, known[1] + charged)

"""Is a partner's CDR right? Match, mismatch, or unverifiable; and where it is wrong, the likely reason.

Unverifiable is an honest answer, not a failure: a period over a price change can explain any total within the bounds, an unknown power
any choice between two prices, and without tariff, zone or common currency nothing can be said. The reason is found by pricing the
session anew with one deviation at a time, each a mistake that billing systems make; a deviation that reproduces the figures of the CDR
is named.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal, localcontext
from typing import Any, Literal

from interplug.tariffs.claims import FIELDS, Difference, compare, read_claims
from interplug.tariffs.compiled import FLAT, Tariff, compile_tariff
from interplug.tariffs.money import WIDE, Money, add
from interplug.tariffs.options import SPEC, Options
from interplug.tariffs.price import price_session
from interplug.tariffs.problems import Problem, TariffError
from interplug.tariffs.read import ZERO, record, records
from interplug.tariffs.result import Priced
from interplug.tariffs.session import ChargingSession, read_session
from interplug.tariffs.settle import CATEGORIES, open_amounts, settle
from interplug.tariffs.volumes import check_volumes

Verdict = Literal["match", "mismatch", "unverifiable"]
_DOUBTS = frozenset(("currency_mismatch", "power_unknown", "current_unknown", "power_inferred", "volume_missing", "hours_imprecise"))


@dataclass(frozen=True, slots=True)
class Verified:
    verdict: Verdict
    differences: tuple[Difference, ...]
    causes: tuple[str, ...]
    warnings: tuple[Problem, ...]
    priced: Priced | None = None
    # What the CDR says that it costs; a credit CDR with its sign turned.
    claimed_total: Money | None = None

    def to_document(self) -> dict[str, Any]:
        return {
            "verdict": self.verdict,
            "differences": [difference.to_document() for difference in self.differences],
            "causes": list(self.causes),
            "warnings": [problem.to_document() for problem in self.warnings],
        }


def verify(
    cdr: Mapping[str, Any],
    tariffs: Sequence[Mapping[str, Any]] | None = None,
    *,
    version: str = "2.3.0",
    timezone: str | None = None,
    options: Options = SPEC,
    compiler: Callable[[dict[str, Any], str], Tariff] = compile_tariff,
) -> Verified:
    """Who checks much hands in a `Compiler`."""
    problems: list[Problem] = []
    claims: dict[str, Money] = {}
    with localcontext(WIDE):
        try:
            document = record(cdr, "/cdr")
            embedded = records(document.get("tariffs"), "/cdr/tariffs")
            given = [record(entry, f"/tariffs/{index}") for index, entry in enumerate(tariffs or ())] or embedded
            claims = read_claims(document, problems.append)
            compiled = [compiler(entry, version) for entry in given]
            session = read_session(document)
            at = "/tariffs" if tariffs else "/cdr/tariffs"
            priced = price_session(session, compiled, timezone=timezone, options=options, at=at)
        except TariffError as error:
            return Verified("unverifiable", (), (), (*problems, Problem(error.code, error.path, "error")), None, claims.get("total_cost"))
        volumes, doubts = check_volumes(document, priced)
        problems += [*priced.warnings, *doubts]
        slack = _slack(priced)
        money = compare(claims, figures(priced), slack, options, session.currency)
        if money and slack and options.hours == "spec":
            literal = price_session(session, compiled, timezone=timezone, options=replace(options, hours="literal"), at=at)
            if not compare(claims, figures(literal), slack, options, session.currency):
                # A block more, for seconds that the hours do not show: nobody can tell from the CDR whether there were any.
                problems.append(Problem("hours_imprecise", "/cdr/charging_periods"))
        differences = [*money, *volumes]
        verdict = _verdict(claims, differences, priced, {problem.code for problem in problems})
        causes: tuple[str, ...] = ()
        if money:
            search = _Search(claims, session, given, compiled, version, timezone, options, priced, slack)
            causes = search.causes()
        return Verified(verdict, tuple(differences), causes, tuple(dict.fromkeys(problems)), priced, claims.get("total_cost"))


def figures(priced: Priced) -> dict[str, Money]:
    """The exact amounts behind the totals, by field of the CDR."""
    settled = priced.unrounded
    parts = [settled.parts.get(name, Money(ZERO, ZERO)) for name in CATEGORIES]
    return dict(zip(FIELDS, (settled.total, *parts), strict=True))


def _slack(priced: Priced) -> dict[str, Money]:
    """What hours written with few decimals leave open of each figure."""
    parts = open_amounts(priced.choice.entries)
    if not parts:
        return {}
    total = Money(ZERO, ZERO)
    for part in parts.values():
        total = Money(add(total.excl, part.excl), add(total.incl, part.incl))
    return {"total_cost": total, **{f"total_{name}_cost": part for name, part in parts.items()}}


def _verdict(claims: Mapping[str, Money], differences: Sequence[Difference], priced: Priced, codes: set[str]) -> Verdict:
    total, ours = claims.get("total_cost"), priced.unrounded.total
    if "currency_mismatch" in codes or total is None:
        return "unverifiable"
    if not any(theirs is not None and own is not None for theirs, own in zip(total, ours, strict=True)):
        return "unverifiable"
    if not differences:
        return "match"
    if codes & _DOUBTS or _within(total, priced):
        return "unverifiable"
    return "mismatch"


def _within(total: Money, priced: Priced) -> bool:
    """Whether some division of the undivided periods gives the claimed total."""
    if priced.bounds is None:
        return False
    lowest, highest = priced.bounds
    unit = Decimal(1).scaleb(-2)
    return all(
        claimed is None or low is None or high is None or min(low, high) - unit / 2 <= claimed <= max(low, high) + unit / 2
        for claimed, low, high in zip(total, lowest, highest, strict=True)
    )


# --- causes -------------------------------------------------------------------------------------------------------------------------------

# One mistake each, in the order of how often one meets them; the first that reproduces the figures is named first.
_DEVIATIONS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("step_size_ignored", {"step": "none"}),
    ("step_size_per_period", {"step": "period"}),
    ("price_limit_ignored", {"limits": False}),
    ("utc_used_for_local_time", {"clock": "utc"}),
    ("flat_per_period", {"flat": "period"}),
    ("vat_on_gross", {"tax": "of_gross"}),
    ("vat_on_gross", {"tax": "compound"}),
    ("vat_on_gross", {"tax": "twice"}),
    ("vat_on_gross", {"tax": "gross_as_net"}),
    ("net_and_gross_swapped", {"tax": "swapped"}),
    ("vat_ignored", {"tax": "none"}),
    ("period_divided", {"split": "linear"}),
    ("hours_taken_literally", {"hours": "literal"}),
    ("reservation_taken_as_expired", {"expired": True}),
    ("reservation_taken_as_used", {"expired": False}),
)


@dataclass(frozen=True, slots=True)
class _Search:
    claims: dict[str, Money]
    session: ChargingSession
    tariffs: list[dict[str, Any]]
    compiled: list[Tariff]
    version: str
    timezone: str | None
    options: Options
    priced: Priced
    slack: dict[str, Money]

    def causes(self) -> tuple[str, ...]:
        base = figures(self.priced)
        whole, partly = [], []
        for name, computed in self._candidates():
            if computed == base:
                continue
            differences = compare(self.claims, computed, self.slack, self.options, self.session.currency)
            if not differences:
                whole.append(name)
            elif self._explains_total(computed):
                partly.append(name)
        return tuple(dict.fromkeys(whole or partly))

    def _explains_total(self, computed: dict[str, Money]) -> bool:
        claimed = {"total_cost": self.claims["total_cost"]}
        known = [a for a, b in zip(claimed["total_cost"], computed["total_cost"], strict=True) if a is not None and b is not None]
        return bool(known) and not compare(claimed, computed, self.slack, self.options, self.session.currency)

    def _candidates(self) -> Iterator[tuple[str, dict[str, Money]]]:
        for name, deviation in _DEVIATIONS:
            options = replace(self.options, **deviation)
            if options != self.options:
                yield from self._priced(name, self.session, self.compiled, options)
        base = figures(self.priced)
        if None not in (*self.claims["total_cost"], *base["total_cost"]):
            yield "net_and_gross_swapped", {name: Money(money.incl, money.excl) for name, money in base.items()}
        yield "flat_forgotten", self._without_flats()
        yield from self._other_tariffs()

    def _priced(
        self, name: str, session: ChargingSession, tariffs: list[Tariff], options: Options
    ) -> Iterator[tuple[str, dict[str, Money]]]:
        try:
            yield name, figures(price_session(session, tariffs, timezone=self.timezone, options=options))
        except TariffError:
            return

    def _without_flats(self) -> dict[str, Money]:
        entries = [entry for entry in self.priced.choice.entries if entry.kind != FLAT]
        settled = settle(entries, self.priced.tariffs, self.options)
        parts = [settled.parts.get(name, Money(ZERO, ZERO)) for name in CATEGORIES]
        return dict(zip(FIELDS, (settled.total, *parts), strict=True))

    def _other_tariffs(self) -> Iterator[tuple[str, dict[str, Money]]]:
        """As if the whole session had been priced by another of the tariffs given, valid then or not."""
        if len(self.tariffs) < 2:
            return
        bare = self.session.without_tariff_ids()
        for entry in self.tariffs:
            always = {name: value for name, value in entry.items() if name not in ("start_date_time", "end_date_time")}
            yield from self._priced("other_tariff", bare, [compile_tariff(always, self.version)], self.options)

"""Whether the money of a CDR is right: by the Tariffs in it, and by those that were published when the session began. Pure.

What a charge costs is the business of `interplug.tariffs`; here its answer becomes findings, and a Tariff in the CDR is put beside the
one of that id that was published.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from interplug.model.types import fold
from interplug.tariffs import TariffError, Verified, compile_tariff, verify
from interplug.tariffs.same import same_prices
from interplug.tariffs.worked import CAUSES, DOUBTS, claimed

from .findings import Finding, said
from .judgement import Judgement, Known

Document = dict[str, Any]
MOST_WORK = 200_000
"""Charging periods times price components that are priced; a real CDR has some thousands."""


def price(cdr: Document, known: Known) -> Judgement:
    """What is to be said of the money alone. Nothing, and a match, where nothing is asked for."""
    tariffs = tariffs_of(cdr, known)
    components = sum(len(element.get("price_components") or ()) for tariff in tariffs for element in tariff.get("elements") or ())
    if len(cdr["charging_periods"]) * components > MOST_WORK:
        return Judgement((said("too_large", "/cdr/charging_periods"),), None, cdr["currency"])
    if not tariffs and not named(cdr) and not any(total(cdr)):
        return Judgement((), None, cdr["currency"], None, matches=True)
    verified = verify(cdr, tariffs, timezone=known.zone)
    findings = list(_priced(verified))
    excess = _excess(verified) if verified.verdict == "mismatch" else None
    if verified.verdict != "mismatch" and (other := _as_published(cdr, tariffs, known)) is not None:
        findings.append(other[0])
        excess = other[1]
    return Judgement(tuple(findings), excess, cdr["currency"], verified, verified.verdict == "match")


def tariffs_of(cdr: Document, known: Known) -> list[Document]:
    """Those in the CDR, and of those published the ones that its periods name and that are not in it; without any, all published."""
    embedded, published = list(cdr.get("tariffs") or ()), known.published or {}
    if not embedded:
        return [versions[0] for versions in published.values()]
    there = {fold(tariff["id"]) for tariff in embedded}
    return embedded + [published[name][0] for name in named(cdr) if name not in there and name in published]


def named(cdr: Document) -> list[str]:
    """The Tariffs that its periods name, folded."""
    return list(dict.fromkeys(fold(period["tariff_id"]) for period in cdr["charging_periods"] if period.get("tariff_id")))


_DOUBTED = tuple(DOUBTS)
"""What weighs more comes first."""


def _priced(verified: Verified) -> Iterator[Finding]:
    codes = [problem.code for problem in verified.warnings]
    if verified.verdict == "mismatch":
        causes = verified.causes or (("not_explained",) if any(one.side for one in verified.differences) else ("volumes_differ",))
        figures = "; ".join(claimed(verified, ""))
        yield Finding(causes[0], "mismatch", "error", f"/cdr/{verified.differences[0].field}", f"{CAUSES[causes[0]]} {figures}")
        yield from (Finding(cause, "mismatch", "note", "", f"Or: {CAUSES[cause]}") for cause in causes[1:])
    elif verified.verdict == "unverifiable":
        errors = [problem for problem in verified.warnings if problem.severity == "error"]
        doubts = sorted((problem for problem in verified.warnings if problem.code in DOUBTS), key=lambda one: _DOUBTED.index(one.code))
        code, path = next(((problem.code, problem.path) for problem in (*errors, *doubts)), ("no_total", "/cdr/total_cost"))
        yield Finding(code, "unverifiable", "warning", path, DOUBTS.get(code, code))
    if "volume_mismatch" in codes:
        path = next(problem.path for problem in verified.warnings if problem.code == "volume_mismatch")
        yield Finding("volume_mismatch", "", "note", path, "It is not the sum of the charging periods.")


def _excess(verified: Verified) -> Decimal:
    found = {one.side: one.claimed - one.computed for one in verified.differences if one.field == "total_cost"}
    return found.get("excl", found.get("incl", Decimal(0)))


def _as_published(cdr: Document, tariffs: list[Document], known: Known) -> tuple[Finding, Decimal | None] | None:
    """Where a tariff in the CDR is another than the one of that id that was published: what it would cost by that one."""
    places, instead = [], list(tariffs)
    for place, tariff in enumerate(cdr.get("tariffs") or ()):
        versions = (known.published or {}).get(fold(tariff["id"]), ())
        if versions and not any(_same(tariff, version) for version in versions):
            places.append(place)
            instead[place] = {**versions[0], "id": tariff["id"]}
    if not places:
        return None
    path = f"/cdr/tariffs/{places[0]}"
    again = verify(cdr, instead, timezone=known.zone)
    if again.verdict != "mismatch":
        return said("other_tariff_text", path), None
    return said("other_tariff_version", path, "; ".join(claimed(again, ""))), _excess(again)


_ASIDE = frozenset("country_code party_id id tariff_alt_text tariff_alt_url energy_mix start_date_time end_date_time last_updated".split())
"""Fields of a Tariff that no price depends on once it is known that it applies."""


def _same(one: Document, other: Document) -> bool:
    mine, theirs = ({name: value for name, value in tariff.items() if name not in _ASIDE} for tariff in (one, other))
    if mine == theirs:
        return True
    try:
        return same_prices(*(compile_tariff({**tariff, "id": "X"}, "2.3.0") for tariff in (mine, theirs)))
    except TariffError:
        return False


def total(cdr: Document) -> list[Decimal]:
    """Before taxes, and the taxes."""
    total = cdr["total_cost"]
    taxes = sum((Decimal(tax["amount"]) for tax in total.get("taxes") or ()), Decimal(0))
    return [Decimal(total["before_taxes"]), taxes]

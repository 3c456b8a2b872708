"""A tariff tidied up: fixes of lint are applied where it is proven that no session changes its price, and nowhere else.

A fix that would, or might, change a price (a VAT that looks like a fraction, a gap of a minute, a step of 0) is a question for the owner,
and is handed back as refused. What is not known is not touched.
"""

from collections.abc import Iterable, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from decimal import localcontext
from itertools import groupby
from typing import Any

from interplug.tariffs.compiled import Tariff, compile_tariff
from interplug.tariffs.fields import Finding
from interplug.tariffs.lint import lint
from interplug.tariffs.money import WIDE
from interplug.tariffs.problems import TariffError
from interplug.tariffs.read import record
from interplug.tariffs.regions import TooMany
from interplug.tariffs.same import proof_work, same_prices

Place = tuple[str | int, ...]
# Each fix costs a proof. A tariff made to be slow is not tidied to the end.
_MOST_FIXES = 1000
_MOST_WORK = 3_000_000


@dataclass(frozen=True, slots=True)
class Normalized:
    """Paths are those of the tariff as it was given."""

    document: dict[str, Any]
    applied: tuple[Finding, ...]
    refused: tuple[Finding, ...]

    def to_document(self) -> dict[str, Any]:
        return {
            "tariff": self.document,
            "applied": [finding.to_document() for finding in self.applied],
            "refused": [finding.to_document() for finding in self.refused],
        }


def normalize(tariff: Mapping[str, Any], *, version: str = "2.3.0") -> Normalized:
    """Applies every fix of `lint` after which each session still has the same price; a tariff that cannot be compiled stays as it is.
    Raises TariffError where it is no object, or the version is not known."""
    document = deepcopy(record(tariff, "/tariff"))
    # From the end to the start and from the inside out, so that no fix moves the place of another.
    fixes = sorted((finding for finding in lint(document, version=version) if finding.fix), key=_place, reverse=True)
    with localcontext(WIDE):
        try:
            tidy = _Tidy(document, compile_tariff(document, version))
        except TariffError:
            return Normalized(document, (), tuple(fixes))
        most = _affordable(tidy.compiled)
        refused = [finding for finding in fixes[:most] if not tidy.apply([finding])]
        # Two fixes of one object may hold together what each alone does not: start and end of a window that is the whole day.
        for _, group in groupby(list(refused), key=lambda finding: (finding.code, _place(finding)[:-1])):
            several = list(group)
            if len(several) > 1 and tidy.apply(several):
                refused = [finding for finding in refused if finding not in several]
        refused += fixes[most:]
        return Normalized(tidy.document, tuple(finding for finding in fixes if finding not in refused), tuple(refused))


def _affordable(tariff: Tariff) -> int:
    """How many fixes are tried."""
    try:
        return min(_MOST_FIXES, _MOST_WORK // (1 + proof_work(tariff) * 2 + len(tariff.elements) * 10))
    except TooMany:
        return 0


class _Tidy:
    def __init__(self, document: dict[str, Any], compiled: Tariff) -> None:
        self.document = document
        self.compiled = compiled

    def apply(self, findings: Sequence[Finding]) -> bool:
        changed = deepcopy(self.document)
        try:
            for finding in findings:
                _patch(changed, _place(finding), finding.fix or {})
            compiled = compile_tariff(changed, self.compiled.version)
        except (TariffError, LookupError):
            return False
        if not same_prices(self.compiled, compiled):
            return False
        self.document, self.compiled = changed, compiled
        return True


def _place(finding: Finding) -> Place:
    return tuple(int(part) if part.isdigit() else part.replace("~1", "/").replace("~0", "~") for part in finding.path.split("/")[1:])


def _patch(document: Any, place: Place, fix: Mapping[str, Any]) -> None:
    trail = [document]
    for part in place[:-1]:
        trail.append(trail[-1][part])
    if fix.get("op") == "replace":
        trail[-1][place[-1]] = fix["value"]
        return
    del trail[-1][place[-1]]
    _prune(document, place[:-1])


def _prune(document: Any, place: Place) -> None:
    """An object that has lost its last field goes as well, and an element its last price."""
    while place and place[0] == "elements" and not _at(document, place):
        if place[-1] == "price_components":
            place = place[:-1]
        if len(place) < 2:
            return
        del _at(document, place[:-1])[place[-1]]
        place = place[:-1]


def _at(document: Any, place: Iterable[str | int]) -> Any:
    for part in place:
        document = document[part]
    return document

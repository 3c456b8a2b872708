"""Many checks added up: what is wrong with the CDRs of each partner, why, and how much money it is.

One group for each partner, currency and cause, with the first CDR as its example. What is held is the sums and one example a group,
however many CDRs there are.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Literal

from interplug.tariffs.money import Money, plain
from interplug.tariffs.read import ZERO
from interplug.tariffs.verify import Verdict, Verified
from interplug.tariffs.worked import CAUSES, DOUBTS, claimed, worked

_EXAMPLE_IDS = 20


@dataclass(slots=True)
class Group:
    """`excess` is what is claimed beyond what is right, before taxes where that is known."""

    partner: str
    currency: str
    verdict: Literal["mismatch", "unverifiable"]
    cause: str
    count: int = 0
    excess: Decimal = ZERO
    ids: list[str] = field(default_factory=list)
    example: tuple[str, ...] = ()

    @property
    def words(self) -> str:
        return (CAUSES if self.verdict == "mismatch" else DOUBTS).get(self.cause, self.cause)

    def to_document(self) -> dict[str, Any]:
        return {
            "partner": self.partner,
            "verdict": self.verdict,
            "cause": self.cause,
            "words": self.words,
            "count": self.count,
            "currency": self.currency,
            "excess": plain(self.excess),
            "ids": self.ids,
            "example": list(self.example),
        }


@dataclass(slots=True)
class Account:
    """All CDRs of a partner in one currency."""

    partner: str
    currency: str
    count: int = 0
    claimed: Decimal = ZERO
    verdicts: dict[Verdict, int] = field(default_factory=lambda: {"match": 0, "mismatch": 0, "unverifiable": 0})

    def to_document(self) -> dict[str, Any]:
        return {
            "partner": self.partner,
            "currency": self.currency,
            "count": self.count,
            "claimed": plain(self.claimed),
            "match": self.verdicts["match"],
            "mismatch": self.verdicts["mismatch"],
            "unverifiable": self.verdicts["unverifiable"],
        }


class Audit:
    def __init__(self) -> None:
        self._accounts: dict[tuple[str, str], Account] = {}
        self._groups: dict[tuple[str, str, str, str], Group] = {}

    @property
    def count(self) -> int:
        return sum(account.count for account in self._accounts.values())

    @property
    def mismatches(self) -> int:
        return sum(account.verdicts["mismatch"] for account in self._accounts.values())

    def add(self, cdr: Mapping[str, Any], verified: Verified) -> None:
        partner, currency = partner_of(cdr), str(cdr.get("currency") or "").upper()
        sign = -1 if cdr.get("credit") is True else 1
        account = self._accounts.setdefault((partner, currency), Account(partner, currency))
        account.count += 1
        account.verdicts[verified.verdict] += 1
        total = verified.claimed_total
        if total is not None:
            account.claimed += sign * _known(total)
        if verified.verdict == "match":
            return
        cause = _cause(verified)
        key = (partner, currency, verified.verdict, cause)
        group = self._groups.setdefault(key, Group(partner, currency, verified.verdict, cause))
        group.count += 1
        group.excess += sign * _excess(verified)
        if len(group.ids) < _EXAMPLE_IDS:
            group.ids.append(str(cdr.get("id") or "?"))
        if not group.example:
            group.example = tuple(_example(cdr, verified, cause))

    def merge(self, later: "Audit") -> None:
        """Adds what was added up elsewhere of CDRs that come after these: the sums, and examples where there are none yet."""
        for place, more in later._accounts.items():
            account = self._accounts.setdefault(place, Account(more.partner, more.currency))
            account.count += more.count
            account.claimed += more.claimed
            for verdict, count in more.verdicts.items():
                account.verdicts[verdict] += count
        for key, found in later._groups.items():
            group = self._groups.setdefault(key, Group(found.partner, found.currency, found.verdict, found.cause))
            group.count += found.count
            group.excess += found.excess
            group.ids = (group.ids + found.ids)[:_EXAMPLE_IDS]
            group.example = group.example or found.example

    def accounts(self) -> list[Account]:
        return sorted(self._accounts.values(), key=lambda account: (account.partner, account.currency))

    def groups(self, account: Account) -> list[Group]:
        """Of one partner: mismatches before doubts, the dearest first."""
        found = [group for group in self._groups.values() if (group.partner, group.currency) == (account.partner, account.currency)]
        return sorted(found, key=lambda group: (group.verdict, -abs(group.excess), -group.count, group.cause))

    def to_document(self) -> dict[str, Any]:
        return {
            "cdrs": self.count,
            "partners": [
                {**account.to_document(), "causes": [group.to_document() for group in self.groups(account)]} for account in self.accounts()
            ],
        }


def partner_of(cdr: Mapping[str, Any]) -> str:
    """Who sent it: 2.1.1 does not say, but the id of the EVSE or the name of the operator does."""
    country, party = cdr.get("country_code"), cdr.get("party_id")
    if isinstance(country, str) and isinstance(party, str):
        return f"{country}-{party}".upper()
    location: Mapping[str, Any] = next((cdr[name] for name in ("cdr_location", "location") if isinstance(cdr.get(name), Mapping)), {})
    listed = location.get("evses")
    evse = listed[0] if isinstance(listed, list) and listed and isinstance(listed[0], Mapping) else location
    spelled = evse.get("evse_id")
    if isinstance(spelled, str) and len(bare := spelled.replace("*", "").replace("-", "").upper()) > 5:
        return f"{bare[:2]}-{bare[2:5]}"
    operator = location.get("operator")
    name = operator.get("name") if isinstance(operator, Mapping) else None
    return name if isinstance(name, str) and name else "unknown"


def _cause(verified: Verified) -> str:
    if verified.verdict == "mismatch":
        if not any(difference.side for difference in verified.differences):
            return "volumes_differ"
        return verified.causes[0] if verified.causes else "not_explained"
    errors = [problem.code for problem in verified.warnings if problem.severity == "error"]
    codes = [problem.code for problem in verified.warnings if problem.code in DOUBTS]
    return next(iter([*errors, *codes]), "no_total")


def _excess(verified: Verified) -> Decimal:
    found = {
        difference.side: difference.claimed - difference.computed for difference in verified.differences if difference.field == "total_cost"
    }
    return found.get("excl", found.get("incl", ZERO))


def _known(total: Money) -> Decimal:
    return total.excl if total.excl is not None else total.incl or ZERO


def _example(cdr: Mapping[str, Any], verified: Verified, cause: str) -> Iterator[str]:
    ending = next((cdr[name] for name in ("end_date_time", "stop_date_time") if cdr.get(name)), "?")
    start = cdr.get("start_date_time") or cdr.get("start_datetime") or "?"
    zone = f", local time of {verified.priced.timezone}" if verified.priced and verified.priced.timezone else ""
    yield f"CDR {cdr.get('id') or '?'}, {start} to {ending}{zone}"
    if verified.priced is not None:
        yield from (f"  {text}" for text in worked(verified.priced))
        yield from (f"  {text}" for text in claimed(verified, cause))
    else:
        yield from (f"  {problem.code} {problem.path}".rstrip() for problem in verified.warnings if problem.severity == "error")

"""What is known when a CDR is judged, and what is said of it then: values, which `judging` and `money` only fill."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any, NamedTuple

from interplug.tariffs import Verified

from .findings import VERDICTS, Finding

Document = dict[str, Any]
STOPPING = ("mismatch", "unverifiable")
BELIED = ("signature_wrong", "signed_energy")


class Other(NamedTuple):
    """Another CDR that shares the Session, or the Token and the time. `standing`: it is no credit and was not taken back."""

    id: str
    earlier: bool
    standing: bool
    same_session: bool
    same_evse: bool
    same_time: bool


@dataclass(slots=True, frozen=True)
class Known:
    """What is known besides the CDR. `published` holds by folded id the versions of a Tariff that were current when the session began,
    the most likely first; `watts` is what the Connector gives; `since` is when we began to work with the partner."""

    own: bool
    received_at: int
    since: int = 0
    zone: str | None = None
    published: dict[str, list[Document]] | None = None
    session: Document | None = None
    session_expected: bool = False
    authorised: bool = False
    token_known: bool = False
    watts: int | None = None
    others: Sequence[Other] = ()
    original: Document | None = None
    credited_by: tuple[str, ...] = ()
    """Other CDRs that take the same CDR back, and came before this one."""


@dataclass(slots=True, frozen=True)
class Judgement:
    findings: tuple[Finding, ...]
    excess: Decimal | None = None
    """What is claimed beyond what is right, before taxes where that is known; None where nothing is wrong with the money."""
    currency: str = ""
    verified: Verified | None = None
    matches: bool = False

    @property
    def verdicts(self) -> tuple[str, ...]:
        found = {finding.verdict for finding in self.findings} | ({"match"} if self.matches else set())
        return tuple(verdict for verdict in VERDICTS if verdict in found and not (verdict == "match" and "mismatch" in found))

    @property
    def against(self) -> Finding | None:
        """Why one of our own does not leave: the money is wrong, the meter says otherwise, or nobody could look. All else is for people to
        see."""
        stops = (one for one in self.findings if one.severity == "error" and (one.verdict in STOPPING or one.code in BELIED))
        return next(stops, None)

    def with_these(self, found: Sequence[Finding]) -> Judgement:
        """With what is known from elsewhere, which comes first."""
        return replace(self, findings=(*found, *self.findings)) if found else self

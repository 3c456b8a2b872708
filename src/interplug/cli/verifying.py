"""`interplug cdr verify`: a month of CDRs in, what is wrong out, for people with files and no node.

A CDR is checked by the tariffs that it holds, or by those of `--tariffs` that its charging periods name (or, where it names none and holds
none, by those of its party). One that cannot be checked is said to be so; it is not counted as wrong.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter

from interplug.model.types import fold
from interplug.tariffs import Audit, Compiler, Problem, TariffError, Verified, lines
from interplug.tariffs import verify as check
from interplug.tariffs.audit import Group

from .bar import Bar
from .crew import Crew
from .ending import USAGE, Ending, columns, end, show
from .options import Files, Jobs, Timezone, Version
from .reading import Piece, document, documents, pieces, size_of
from .signatures import Signatures
from .tables import Spelling

# A CDR that names no tariff is priced by one of its party's; where a party has more, nobody can say by which.
_MOST = 50
_COMPILER = Compiler()


def verify(
    files: Files = None,
    /,
    *,
    tariffs: Annotated[
        list[Path] | None, Parameter(name="--tariffs", negative="", help="Files with the tariffs, where the CDRs do not hold them.")
    ] = None,
    version: Version = None,
    timezone: Timezone = None,
    column: Annotated[
        list[str] | None, Parameter(negative="", help="FIELD=NAME: the column NAME of a CSV is this field of OCPI; may be repeated.")
    ] = None,
    currency: Annotated[str | None, Parameter(help="Currency of the rows of a CSV that has no column for it.")] = None,
    jobs: Jobs = None,
    json: Annotated[bool, Parameter(name="--json", negative="", help="One JSON document on standard output.")] = False,
) -> int:
    """Whether the CDRs in files agree with their tariffs; what is wrong, by partner and cause.

    Each cause comes with the sum that it makes and one example worked by hand. What the meter signed (OCMF) is checked, too. Exit code 1
    where a CDR is wrong.
    """
    given = Given(documents(tariffs) if tariffs else ())
    spelling = Spelling(_columns(column or ()), currency)
    audit, signatures = Audit(), Signatures()
    early: Ending | None = None
    with Bar(size_of(files), "CDRs") as bar:

        def take(more: tuple[Audit, Signatures]) -> None:
            audit.merge(more[0])
            signatures.merge(more[1])
            bar.count(more[0].count)

        with Crew(partial(_audited, given, version, timezone), take, jobs) as crew:
            try:
                for piece in pieces(files, spelling):
                    crew.give(piece, piece.size)
                    bar.advance(piece.passed)
            except Ending as ending:
                early = ending
            crew.finish()
    if audit.count or early is None:
        show({**audit.to_document(), **signatures.to_document()}, [*report(audit), *signatures.report()], json=json)
    if early is not None:
        raise early
    return 1 if audit.mismatches or signatures.wrong else 0


def _columns(given: Iterable[str]) -> dict[str, str]:
    parts = [text.partition("=") for text in given]
    if wrong := next((f"{field}{sign}{name}" for field, sign, name in parts if not (field and name)), None):
        end(f"--column {wrong}: say FIELD=NAME, as total_energy=Consumption", USAGE)
    return {name: field for field, _, name in parts}


def _audited(given: Given, version: str | None, timezone: str | None, piece: Piece) -> tuple[Audit, Signatures]:
    audit, signatures = Audit(), Signatures()
    for number, raw in enumerate(piece.objects, start=piece.first):
        entry = document(raw)
        cdr = entry.get("cdr", entry)
        if "unreadable" in entry or not isinstance(cdr, Mapping):
            reason = Problem("invalid_json", str(entry.get("unreadable", "not an object")), "error")
            audit.add({"id": f"number {number:,} of {piece.name}"}, Verified("unverifiable", (), (), (reason,)))
        else:
            audit.add(cdr, _verified(cdr, entry, given, version, timezone))
            signatures.add(cdr)
    return audit, signatures


class Given:
    """The tariffs of `--tariffs`, by id and by party."""

    def __init__(self, tariffs: Iterable[dict[str, Any]]) -> None:
        self._by_id: dict[str, list[dict[str, Any]]] = {}
        self._by_party: dict[tuple[str, str], list[dict[str, Any]]] = {}
        for tariff in tariffs:
            self._by_id.setdefault(fold(str(tariff.get("id"))), []).append(tariff)
            self._by_party.setdefault(_party(tariff), []).append(tariff)

    def of(self, cdr: Mapping[str, Any]) -> list[dict[str, Any]]:
        periods = cdr.get("charging_periods")
        listed = [period for period in periods if isinstance(period, Mapping)] if isinstance(periods, list) else []
        named = dict.fromkeys(fold(str(period["tariff_id"])) for period in listed if period.get("tariff_id") is not None)
        found = [tariff for name in named for tariff in self._by_id.get(name, ())]
        own = [tariff for tariff in found if _party(tariff) == _party(cdr)] or found
        if own or cdr.get("tariffs"):
            return own
        # In 2.1.1 a Tariff does not say whose it is, and neither does a CDR.
        candidates = self._by_party.get(_party(cdr)) or self._by_party.get(("", "")) or []
        if _party(cdr) == ("", "") and len(self._by_party) == 1:
            (candidates,) = self._by_party.values()
        return candidates if len(candidates) <= _MOST else []


def _party(document: Mapping[str, Any]) -> tuple[str, str]:
    return str(document.get("country_code") or "").upper(), str(document.get("party_id") or "").upper()


def _verified(cdr: Mapping[str, Any], entry: Mapping[str, Any], given: Given, version: str | None, timezone: str | None) -> Verified:
    listed = entry.get("tariffs") if "cdr" in entry else None
    tariffs = listed if isinstance(listed, list) and listed else given.of(cdr)
    zone, spoken = entry.get("timezone") if "cdr" in entry else None, entry.get("version") if "cdr" in entry else None
    try:
        recognised = str(spoken or version or lines.recognise(cdr, tariffs))
        return check(cdr, tariffs, version=recognised, timezone=zone if isinstance(zone, str) else timezone, compiler=_COMPILER)
    except TariffError as error:
        return Verified("unverifiable", (), (), (Problem(error.code, error.path, "error"),))


def report(audit: Audit) -> Iterator[str]:
    accounts = audit.accounts()
    right, wrong, open_ = (
        sum(account.verdicts[verdict] for account in accounts) for verdict in ("match", "mismatch", "unverifiable")
    )  # fmt: skip
    yield f"{audit.count} CDRs: {right} right, {wrong} wrong, {open_} cannot be checked"
    if not accounts:
        return
    yield ""
    cells = [
        (account.partner, account.count, f"{account.claimed:,.2f} {account.currency}", *account.verdicts.values()) for account in accounts
    ]
    yield from columns(("partner", "CDRs", "claimed", "right", "wrong", "not checkable"), cells)
    for account in accounts:
        for group in audit.groups(account):
            yield from _group(group)


def _group(group: Group) -> Iterator[str]:
    yield ""
    money = ""
    if group.excess:
        money = f", {abs(group.excess):,.2f} {group.currency} {'too much' if group.excess > 0 else 'too little'}"
    yield f"{group.partner}: {group.count} {'wrong' if group.verdict == 'mismatch' else 'not checkable'}{money}: {group.cause}"
    yield f"  {group.words}"
    yield f"  {', '.join(group.ids)}{', …' if group.count > len(group.ids) else ''}"
    yield f"  Example: {group.example[0]}"
    yield from (f"  {text}" for text in group.example[1:])

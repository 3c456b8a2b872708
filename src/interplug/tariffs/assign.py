"""Which tariff prices which period.

A period names its tariff. If none does, the first tariff valid at the start of the session prices everything, and keeps doing so when it
expires on the way. If some do, the others have no tariff: no cost, and a warning. A name that stands nowhere is an error.
"""

from collections.abc import Sequence

from interplug.tariffs.compiled import Tariff
from interplug.tariffs.problems import Note, Problem, TariffError
from interplug.tariffs.session import ChargingSession


def assign(session: ChargingSession, tariffs: Sequence[Tariff], note: Note) -> list[Tariff | None]:
    """One tariff for each period of the session, in order; None where none applies."""
    if not tariffs:
        raise TariffError("no_valid_tariff", "there is no tariff at all")
    named = [period.tariff_id for period in session.periods]
    if not any(named):
        return [_first_valid(session, tariffs)] * len(named)
    chosen: list[Tariff | None] = []
    for period in session.periods:
        if period.tariff_id is None:
            note(Problem("period_without_tariff", period.path))
            chosen.append(None)
        else:
            chosen.append(_named(period.tariff_id, session, tariffs, note))
    return chosen


def _first_valid(session: ChargingSession, tariffs: Sequence[Tariff]) -> Tariff:
    if session.start is None:
        return tariffs[0]
    for tariff in tariffs:
        if tariff.valid_at(session.start):
            return tariff
    raise TariffError("no_valid_tariff", "no tariff is valid when the session starts")


def _named(wanted: str, session: ChargingSession, tariffs: Sequence[Tariff], note: Note) -> Tariff:
    candidates = [tariff for tariff in tariffs if tariff.id == wanted]
    if not candidates:
        raise TariffError("unknown_tariff", f"a period names the tariff {wanted!r:.60}, which is not among those given")
    valid = [tariff for tariff in candidates if session.start is None or tariff.valid_at(session.start)]
    if not valid:
        note(Problem("tariff_not_valid", "/cdr/start_date_time"))
    return (valid or candidates)[0]

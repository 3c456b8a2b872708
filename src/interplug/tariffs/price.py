"""The price of a CDR or Session: read, assign tariffs, choose components, settle.

One engine for the quote, the running cost, the CDR and the check of a partner's CDR, in all three versions. Pure: the same documents
give the same price. `price` takes documents; `price_session` takes what was read before, for those who price much.
"""

from collections.abc import Callable, Mapping, Sequence
from decimal import localcontext
from typing import Any

from interplug.tariffs.assign import assign
from interplug.tariffs.bounds import find_bounds
from interplug.tariffs.choose import Choice, choose
from interplug.tariffs.compiled import Tariff, compile_tariff
from interplug.tariffs.divide import divide
from interplug.tariffs.money import WIDE
from interplug.tariffs.options import SPEC, Options
from interplug.tariffs.problems import Note, Problem, TariffError
from interplug.tariffs.read import record, records
from interplug.tariffs.result import Priced
from interplug.tariffs.session import ChargingSession, read_session
from interplug.tariffs.settle import Settlement, settle
from interplug.tariffs.zones import UTC_CLOCK, Clock, clock, clock_of_country, fixed


def price(
    cdr: Mapping[str, Any],
    tariffs: Sequence[Mapping[str, Any] | Tariff] | None = None,
    *,
    version: str = "2.3.0",
    timezone: str | None = None,
    options: Options = SPEC,
    compiler: Callable[[dict[str, Any], str], Tariff] = compile_tariff,
) -> Priced:
    """Price a CDR or Session document with the tariffs given, or else with those that it holds.

    Who prices much hands in a `Compiler`, or tariffs compiled before.
    """
    document = record(cdr, "/cdr")
    embedded = not tariffs
    given = records(document.get("tariffs"), "/cdr/tariffs") if embedded else list(tariffs or ())
    with localcontext(WIDE):
        compiled = [
            entry if isinstance(entry, Tariff) else compiler(record(entry, f"/tariffs/{i}"), version) for i, entry in enumerate(given)
        ]
        return price_session(
            read_session(document), compiled, timezone=timezone, options=options, at="/cdr/tariffs" if embedded else "/tariffs"
        )


def price_session(
    session: ChargingSession,
    tariffs: Sequence[Tariff],
    *,
    timezone: str | None = None,
    options: Options = SPEC,
    at: str = "/tariffs",
) -> Priced:
    """What a session comes to at these Tariffs, each period by the one that it names. `timezone` is that of the Location; `at`: where the
    Tariffs stand, for the paths of problems. Raises TariffError where nothing can be priced: no valid Tariff, one that is named and not
    there, a clock that decides and is not known."""
    with localcontext(WIDE):
        problems = list(session.problems)
        assigned = assign(session, tariffs, problems.append)
        used = list(dict.fromkeys(tariff for tariff in assigned if tariff is not None))
        _look_at_tariffs(session, used, tariffs, at, problems.append)
        wall = any_wall = _clock(session, used, timezone, options, problems.append)
        if wall is None and any(tariff.uses_clock for tariff in used):
            choice, settled, any_wall = _any_clock(session, assigned, used, options)
        else:
            choice, settled = _settled(session, assigned, used, wall, options)
        return Priced(
            session,
            choice,
            settled,
            options,
            tariffs=used,
            currency=used[0].currency if used else session.currency,
            problems=problems + choice.problems,
            timezone=wall.name if wall else None,
            bounds=find_bounds(choice, used, any_wall, options) if choice.spans else None,
        )


def _settled(
    session: ChargingSession, assigned: list[Tariff | None], used: list[Tariff], wall: Clock | None, options: Options
) -> tuple[Choice, Settlement]:
    if options.split == "linear":
        pieces = divide(session, assigned, wall)
        choice = choose(session, [period for period, _ in pieces], [tariff for _, tariff in pieces], wall, options)
    else:
        choice = choose(session, session.periods, assigned, wall, options)
    return choice, settle(choice.entries, used, options)


def _look_at_tariffs(session: ChargingSession, used: list[Tariff], tariffs: Sequence[Tariff], at: str, note: Note) -> None:
    if not session.periods:
        note(Problem("missing_required_field", "/cdr/charging_periods"))
    for tariff in used:
        where = f"{at}/{next(index for index, entry in enumerate(tariffs) if entry is tariff)}"
        for problem in tariff.problems:
            note(problem._replace(path=where + problem.path))
        if session.currency and tariff.currency and tariff.currency != session.currency:
            note(Problem("currency_mismatch", f"{where}/currency"))
        if tariff.end is not None and session.end is not None and tariff.end < session.end:
            note(Problem("tariff_changed_during_session", f"{where}/end_date_time"))


def _clock(session: ChargingSession, used: list[Tariff], timezone: str | None, options: Options, note: Note) -> Clock | None:
    """Argument, then the Location, then a country with one clock. UTC is never assumed."""
    if options.clock == "utc":
        return UTC_CLOCK
    if not any(tariff.uses_clock for tariff in used):
        return None
    for name, path in ((timezone, "/timezone"), (session.zone, "/cdr/cdr_location/time_zone")):
        if name:
            found = clock(name)
            if found is not None:
                return found
            note(Problem("timezone_unknown", path))
    found = clock_of_country(session.country) if session.country else None
    if found is not None:
        note(Problem("timezone_inferred", "/cdr/cdr_location/country", "note"))
    return found


_QUARTERS = range(-12 * 3600, 14 * 3600 + 1, 900)


def _any_clock(
    session: ChargingSession, assigned: list[Tariff | None], used: list[Tariff], options: Options
) -> tuple[Choice, Settlement, Clock]:
    """Without a zone a price can be given only if it is the same on every clock on earth, and so are the prices that it could have been."""
    clocks = [fixed(offset) for offset in _QUARTERS]
    choice, settled = _settled(session, assigned, used, clocks[0], options)
    for wall in clocks[1:]:
        other, figures = _settled(session, assigned, used, wall, options)
        if (figures.total, figures.parts, _in_doubt(other)) != (settled.total, settled.parts, _in_doubt(choice)):
            raise TariffError("timezone_required", "local time decides the price, and the zone of the Location is not known")
    return choice, settled, clocks[0]


def _in_doubt(choice: Choice) -> list[tuple[object, ...]]:
    return [(span.period.number, span.kind, span.phase, span.alternatives) for span in choice.spans]

"""`interplug tariff`: documents priced, checked and explained, without a node and without a network.

With `--jsonl` every line is answered by one line, in order, and nothing is held in memory. Without it, files are read whole, each one a
line object, a CDR, a Tariff or a list of them, and the answer is text for people, or with `--json` one document for each. The work is
done by pure functions in `interplug.tariffs`; here is only reading, writing and the exit code: 0 done, 1 when something could not be
read or priced (or, for verify, does not match; for lint, has an error), 2 usage.
"""

import sys
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any

from cyclopts import App, Parameter

from interplug.model.types import decode_json, encode_json
from interplug.tariffs import lines

from . import spelling
from .ending import USAGE, end
from .options import Amount, Files, Jobs, Json, Timezone, Version
from .reading import documents
from .streaming import stream

tariff = App(name="tariff", help="Price, verify, lint and explain tariffs and CDRs from files or standard input.")

_Jsonl = Annotated[bool, Parameter(name="--jsonl", negative="", help="One JSON object a line in, one a line out.")]
_Date = Annotated[str | None, Parameter(help="The sessions are in the week after this day, as 2026-01-15.")]
_Tariffs = Annotated[
    list[Path] | None, Parameter(name="--tariffs", negative="", help="Files with the tariffs, in place of those in the CDR.")
]


@tariff.command
def price(
    files: Files = None,
    /,
    *,
    jsonl: _Jsonl = False,
    jobs: Jobs = None,
    json: Json = False,
    version: Version = None,
    timezone: Timezone = None,
    tariffs: _Tariffs = None,
) -> int:
    """What a CDR or Session costs, line by line."""
    if jsonl:
        return stream(lines.price_line, files, jobs)
    return _each(lines.price_line, _sessions(files, version, timezone, tariffs), json, spelling.price, _answered)


@tariff.command
def verify(
    files: Files = None,
    /,
    *,
    jsonl: _Jsonl = False,
    jobs: Jobs = None,
    json: Json = False,
    version: Version = None,
    timezone: Timezone = None,
    tariffs: _Tariffs = None,
) -> int:
    """Whether a CDR agrees with its tariffs, and why not."""
    if jsonl:
        return stream(lines.verify_line, files, jobs)
    sessions = _sessions(files, version, timezone, tariffs)
    return _each(lines.verify_line, sessions, json, spelling.verify, lambda answer: answer.get("verdict") == "match")


@tariff.command
def lint(files: Files = None, /, *, jsonl: _Jsonl = False, jobs: Jobs = None, json: Json = False, version: Version = None) -> int:
    """What is wrong or odd in a Tariff."""
    if jsonl:
        return stream(lines.lint_line, files, jobs)
    return _each(lines.lint_line, _tariffs(files, version=version), json, spelling.lint, spelling.without_errors)


@tariff.command
def normalize(files: Files = None, /, *, jsonl: _Jsonl = False, jobs: Jobs = None, json: Json = False, version: Version = None) -> int:
    """A Tariff tidied up where no session changes its price; the rest is said, not done."""
    if jsonl:
        return stream(lines.normalize_line, files, jobs)
    return _each(lines.normalize_line, _tariffs(files, version=version), json, spelling.normalize, _answered)


@tariff.command
def explain(
    files: Files = None,
    /,
    *,
    jsonl: _Jsonl = False,
    jobs: Jobs = None,
    json: Json = False,
    version: Version = None,
    timezone: Timezone = None,
    date: _Date = None,
    language: Annotated[str, Parameter(help="en or de.")] = "en",
    markdown: Annotated[bool, Parameter(negative="", help="Markdown in place of plain text.")] = False,
) -> int:
    """A Tariff in plain words, with what typical sessions cost."""
    if jsonl:
        return stream(lines.explain_line, files, jobs)
    asked = _tariffs(files, version=version, timezone=timezone, date=date, language=language)
    return _each(lines.explain_line, asked, json, lambda answer: [answer["markdown" if markdown else "text"]], _answered)


@tariff.command
def compare(
    files: Files = None,
    /,
    *,
    jsonl: _Jsonl = False,
    jobs: Jobs = None,
    json: Json = False,
    version: Version = None,
    timezone: Timezone = None,
    date: _Date = None,
) -> int:
    """Two Tariffs over a grid of sessions: which is cheaper when, and by how much."""
    if jsonl:
        return stream(lines.compare_line, files, jobs)
    given = [entry.get("tariff", entry) for entry in documents(files)]
    if len(given) != 2:
        end(f"two tariffs are compared, and the files have {len(given)}", USAGE)
    line = _with({"tariffs": given}, version=version, timezone=timezone, date=date)
    return _each(lines.compare_line, [line], json, spelling.compare, _answered)


@tariff.command
def simulate(
    files: Files = None,
    /,
    *,
    jsonl: _Jsonl = False,
    jobs: Jobs = None,
    json: Json = False,
    version: Version = None,
    timezone: Timezone = None,
    start: Annotated[str | None, Parameter(help="When it begins, as 2026-01-15T10:00:00Z; without it, now.")] = None,
    kwh: Annotated[Amount, Parameter(help="Energy.")] = Decimal(0),
    kw: Annotated[Amount | None, Parameter(help="At this power; or say --minutes.")] = None,
    minutes: Annotated[Amount, Parameter(help="Charging for so long.")] = Decimal(0),
    power: Annotated[str | None, Parameter(help="A curve instead, as second:kW, 0:150,600:120,1800:40.")] = None,
    parked: Annotated[Amount, Parameter(help="Minutes connected after charging.")] = Decimal(0),
    reserved: Annotated[Amount, Parameter(help="Minutes reserved before it.")] = Decimal(0),
) -> int:
    """A session that has not taken place: its charging periods, cut where the price changes, and its cost."""
    if jsonl:
        return stream(lines.simulate_line, files, jobs)
    session: dict[str, Any] = {
        "start_date_time": start or datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "kwh": kwh,
        "kw": kw,
        "charging_s": minutes * 60,
        "parked_s": parked * 60,
        "reserved_s": reserved * 60,
        "power": [dict(zip(("second", "kw"), point.split(":", 1), strict=False)) for point in power.split(",")] if power else None,
    }
    asked = ({"session": session, **line} for line in _tariffs(files, version=version, timezone=timezone))
    return _each(lines.simulate_line, asked, json, spelling.simulate, _answered)


# --- reading ------------------------------------------------------------------------------------------------------------------------------


def _sessions(files: list[Path] | None, version: str | None, timezone: str | None, tariffs: list[Path] | None) -> Iterator[dict[str, Any]]:
    given = list(documents(tariffs)) if tariffs else None
    for entry in documents(files):
        line = entry if "cdr" in entry or "unreadable" in entry else {"cdr": entry}
        yield _with(line, version=version, timezone=timezone, tariffs=given)


def _tariffs(files: list[Path] | None, **defaults: Any) -> Iterator[dict[str, Any]]:
    for entry in documents(files):
        yield _with(entry if "tariff" in entry or "unreadable" in entry else {"tariff": entry}, **defaults)


def _with(line: dict[str, Any], **defaults: Any) -> dict[str, Any]:
    """What the line says itself wins over what the command says for all."""
    return {**{name: value for name, value in defaults.items() if value is not None}, **line}


# --- answering ----------------------------------------------------------------------------------------------------------------------------


def _each(work: lines.Work, asked: Iterable[dict[str, Any]], json: bool, spell: spelling.Spell, good: spelling.Judge) -> int:
    ending = 0
    for line in asked:
        raw = encode_json(spelling.unreadable(line)) if "unreadable" in line else lines.answer(work, encode_json(line))
        answer = decode_json(raw)
        if json:
            sys.stdout.buffer.write(raw + b"\n")
        else:
            print("\n".join(spelling.error(answer) if "error" in answer else spell(answer)))
        ending = ending if good(answer) else 1
    sys.stdout.buffer.flush()
    return ending


def _answered(answer: Any) -> bool:
    return "error" not in answer

"""`interplug tariff`: price, verify and lint documents, without a node and without a network.

With `--jsonl` every line is answered by one line, in order, and nothing is held in memory. Without it, files are read whole, each one a
line object, a CDR, a Tariff or a list of them, and the answer is text for people, or with `--json` one document for each. The work is
done by pure functions in `interplug.tariffs`; here is only reading, writing and the exit code: 0 done, 1 when something could not be
read or priced (or, for verify, does not match; for lint, has an error), 2 usage.
"""

import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated, Any, BinaryIO

from cyclopts import App, Parameter

from interplug.cli.ending import end
from interplug.model.types import BadJson, decode_json, encode_json
from interplug.tariffs import lines

tariff = App(name="tariff", help="Price, verify and lint tariffs and CDRs from files or standard input.")

_Files = Annotated[list[Path] | None, Parameter(help="Files to read; standard input if there are none.")]
_Jsonl = Annotated[bool, Parameter(name="--jsonl", negative="", help="One JSON object a line in, one a line out.")]
_Json = Annotated[bool, Parameter(name="--json", negative="", help="The answers as JSON.")]
_Version = Annotated[str | None, Parameter(help="Version of the documents, where they do not say it.")]
_Timezone = Annotated[str | None, Parameter(help="Time zone of the Location, where the documents do not say it.")]
_Tariffs = Annotated[
    list[Path] | None, Parameter(name="--tariffs", negative="", help="Files with the tariffs, in place of those in the CDR.")
]


@tariff.command
def price(
    files: _Files = None,
    /,
    *,
    jsonl: _Jsonl = False,
    json: _Json = False,
    version: _Version = None,
    timezone: _Timezone = None,
    tariffs: _Tariffs = None,
) -> int:
    """What a CDR or Session costs, line by line."""
    if jsonl:
        return _stream(lines.price_line, files)
    return _each(lines.price_line, _sessions(files, version, timezone, tariffs), json, _price_text, lambda answer: "error" not in answer)


@tariff.command
def verify(
    files: _Files = None,
    /,
    *,
    jsonl: _Jsonl = False,
    json: _Json = False,
    version: _Version = None,
    timezone: _Timezone = None,
    tariffs: _Tariffs = None,
) -> int:
    """Whether a CDR agrees with its tariffs, and why not."""
    if jsonl:
        return _stream(lines.verify_line, files)
    sessions = _sessions(files, version, timezone, tariffs)
    return _each(lines.verify_line, sessions, json, _verify_text, lambda answer: answer.get("verdict") == "match")


@tariff.command
def lint(files: _Files = None, /, *, jsonl: _Jsonl = False, json: _Json = False, version: _Version = None) -> int:
    """What is wrong or odd in a Tariff."""
    if jsonl:
        return _stream(lines.lint_line, files)
    asked = (entry if "tariff" in entry else _with({"tariff": entry}, version=version) for entry in _documents(files))
    return _each(lines.lint_line, asked, json, _lint_text, _without_errors)


# --- reading ------------------------------------------------------------------------------------------------------------------------------


def _stream(work: lines.Work, files: list[Path] | None) -> int:
    out = sys.stdout.buffer
    with ExitStack() as opened:
        sources: Iterable[BinaryIO] = [opened.enter_context(path.open("rb")) for path in files] if files else [sys.stdin.buffer]
        for source in sources:
            for line in source:
                if line.strip():
                    out.write(lines.answer(work, line) + b"\n")
    out.flush()
    return 0


def _documents(files: list[Path] | None) -> Iterator[dict[str, Any]]:
    """Every object in the files: alone, in a list, or in the `data` of an OCPI response."""
    for raw in [path.read_bytes() for path in files] if files else [sys.stdin.buffer.read()]:
        try:
            found = decode_json(raw)
        except BadJson as error:
            end(f"cannot be read: {error.reason}")
        if isinstance(found, dict) and "status_code" in found and "data" in found:
            found = found["data"]
        yield from (
            entry if isinstance(entry, dict) else {"unreadable": "not an object"}
            for entry in (found if isinstance(found, list) else [found])
        )


def _sessions(files: list[Path] | None, version: str | None, timezone: str | None, tariffs: list[Path] | None) -> Iterator[dict[str, Any]]:
    given = list(_documents(tariffs)) if tariffs else None
    for entry in _documents(files):
        line = entry if "cdr" in entry else {"cdr": entry}
        yield _with(line, version=version, timezone=timezone, tariffs=given)


def _with(line: dict[str, Any], **defaults: Any) -> dict[str, Any]:
    """What the line says itself wins over what the command says for all."""
    return {**{name: value for name, value in defaults.items() if value is not None}, **line}


# --- writing ------------------------------------------------------------------------------------------------------------------------------


def _each(work: lines.Work, asked: Iterable[dict[str, Any]], json: bool, spell: Any, good: Any) -> int:
    ending = 0
    for line in asked:
        raw = lines.answer(work, encode_json(line))
        answer = decode_json(raw)
        if json:
            sys.stdout.buffer.write(raw + b"\n")
        else:
            print("\n".join(_error_text(answer) if "error" in answer else spell(answer)))
        ending = ending if good(answer) else 1
    sys.stdout.buffer.flush()
    return ending


def _error_text(answer: Mapping[str, Any]) -> list[str]:
    return [f"cannot be answered: {answer['error']['code']}: {answer['error']['message']}"]


def _price_text(answer: Mapping[str, Any]) -> list[str]:
    total = answer["total_cost"]
    said = [f"total {_amounts(total)} {answer['currency']}"]
    for line in answer["lines"]:
        volume = f" {line['billed']} at {line['price']}" if "billed" in line else ""
        said.append(f"  {line['dimension']}{volume}: {_amounts(line)} ({line['tariff']}{line['component']})")
    said += [f"  {warning['severity']}: {warning['code']} {warning['path']}" for warning in answer["warnings"]]
    return said


def _amounts(money: Mapping[str, Any]) -> str:
    excl, incl = (money[side] if money[side] is not None else "not known" for side in ("excl", "incl"))
    return f"{excl} before taxes, {incl} after"


def _verify_text(answer: Mapping[str, Any]) -> list[str]:
    said = [answer["verdict"]]
    for difference in answer["differences"]:
        side = f" ({difference['side']})" if difference["side"] else ""
        said.append(f"  {difference['field']}{side}: claimed {difference['claimed']}, computed {difference['computed']}")
    said += [f"  likely cause: {cause}" for cause in answer["causes"]]
    said += [f"  {warning['severity']}: {warning['code']} {warning['path']}" for warning in answer["warnings"]]
    return said


def _lint_text(answer: Mapping[str, Any]) -> list[str]:
    found = answer["findings"]
    return [f"{entry['severity']}: {entry['code']} {entry['path']}: {entry['message']}" for entry in found] or ["nothing found"]


def _without_errors(answer: Mapping[str, Any]) -> bool:
    return "error" not in answer and not any(entry["severity"] == "error" for entry in answer["findings"])

"""One line in, one line out: the interface of `interplug tariff … --jsonl`, as pure functions on bytes.

A line is `{"cdr": …, "tariffs": […], "version": "2.2.1", "timezone": "Europe/Amsterdam", "options": {…}}`, or `{"tariff": …, "version":
…}` for what looks at tariffs alone; compare takes two `tariffs`, and simulate a `session`, whose answer is a line for price and verify.
Whatever stands on it, the answer is a document: a line that cannot be answered answers `{"error": {"code": …, "message": …}}`.
"""

from collections.abc import Callable, Mapping
from typing import Any

from interplug.model.types import BadJson, BadNumber, decode_json, encode_json
from interplug.tariffs.compare import compare
from interplug.tariffs.compiled import VERSIONS, Compiler
from interplug.tariffs.explain import explain
from interplug.tariffs.lint import lint
from interplug.tariffs.normalize import normalize
from interplug.tariffs.options import read_options
from interplug.tariffs.plan import read_plan, simulate
from interplug.tariffs.price import price
from interplug.tariffs.problems import TariffError
from interplug.tariffs.read import record, records, text
from interplug.tariffs.verify import verify

Work = Callable[[Mapping[str, Any]], dict[str, Any]]
_COMPILER = Compiler()


def answer(work: Work, line: bytes) -> bytes:
    """The answer to one line, whatever is on it."""
    try:
        document = decode_json(line)
    except BadNumber as error:
        return encode_json(TariffError("out_of_range", error.reason).to_document())
    except BadJson as error:
        return encode_json(TariffError("invalid_json", error.reason).to_document())
    try:
        return encode_json(work(record(document, "")))
    except TariffError as error:
        return encode_json(error.to_document())


def price_line(line: Mapping[str, Any]) -> dict[str, Any]:
    cdr, tariffs = _documents(line)
    options = read_options(line.get("options"))
    version = _version(line, cdr, tariffs)
    return price(cdr, tariffs, version=version, timezone=_timezone(line), options=options, compiler=_COMPILER).to_document()


def verify_line(line: Mapping[str, Any]) -> dict[str, Any]:
    cdr, tariffs = _documents(line)
    options = read_options(line.get("options"))
    version = _version(line, cdr, tariffs)
    return verify(cdr, tariffs, version=version, timezone=_timezone(line), options=options, compiler=_COMPILER).to_document()


def lint_line(line: Mapping[str, Any]) -> dict[str, Any]:
    tariff = record(line.get("tariff"), "/tariff")
    return {"findings": [finding.to_document() for finding in lint(tariff, version=_version(line, {}, [tariff]))]}


def normalize_line(line: Mapping[str, Any]) -> dict[str, Any]:
    tariff = record(line.get("tariff"), "/tariff")
    return normalize(tariff, version=_version(line, {}, [tariff])).to_document()


def explain_line(line: Mapping[str, Any]) -> dict[str, Any]:
    tariff = record(line.get("tariff"), "/tariff")
    language, day = text(line.get("language"), "/language") or "en", text(line.get("date"), "/date")
    found = explain(tariff, version=_version(line, {}, [tariff]), timezone=_timezone(line), day=day, language=language)
    return {**found.to_document(), "text": found.text(), "markdown": found.markdown()}


def compare_line(line: Mapping[str, Any]) -> dict[str, Any]:
    tariffs = records(line.get("tariffs"), "/tariffs")
    if len(tariffs) != 2:
        raise TariffError("invalid_field", "/tariffs must be two", "/tariffs")
    versions = [text(line.get("version"), "/version") or recognise({}, [tariff]) for tariff in tariffs]
    day, options = text(line.get("date"), "/date"), read_options(line.get("options"))
    return compare(
        *tariffs, version=versions[0], second_version=versions[1], timezone=_timezone(line), day=day, options=options
    ).to_document()


def simulate_line(line: Mapping[str, Any]) -> dict[str, Any]:
    tariff, plan = record(line.get("tariff"), "/tariff"), read_plan(record(line.get("session"), "/session"))
    version, timezone = _version(line, {}, [tariff]), _timezone(line)
    cdr = simulate(tariff, plan, version=version, timezone=timezone, options=read_options(line.get("options")))
    said = {"cdr": cdr, "tariffs": [tariff], "version": version, "timezone": timezone, "options": line.get("options")}
    return {name: value for name, value in said.items() if value is not None}


def _documents(line: Mapping[str, Any]) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    return record(line.get("cdr"), "/cdr"), records(line.get("tariffs"), "/tariffs")


def _timezone(line: Mapping[str, Any]) -> str | None:
    return text(line.get("timezone"), "/timezone")


def _version(line: Mapping[str, Any], cdr: Mapping[str, Any], tariffs: list[dict[str, Any]]) -> str:
    return text(line.get("version"), "/version") or recognise(cdr, tariffs)


def recognise(cdr: Mapping[str, Any], tariffs: list[dict[str, Any]]) -> str:
    """The version that documents are written in, by what only one of them has."""
    embedded = cdr.get("tariffs")
    known = [entry for entry in (*tariffs, *(embedded if isinstance(embedded, list) else ())) if isinstance(entry, Mapping)]
    total = cdr.get("total_cost")
    if any("tax_included" in entry for entry in known) or (isinstance(total, Mapping) and "before_taxes" in total):
        return VERSIONS[2]
    if any(name in cdr for name in ("stop_date_time", "start_datetime", "auth_id")) or any("party_id" not in entry for entry in known):
        return VERSIONS[0]
    return VERSIONS[1]

"""The worked cases, asked as lines of `--jsonl`: figures by hand, each with its reason. The copy here is the project's own; a newer table
is read too where there is one.
"""

import os
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from interplug.model.types import decode_json, encode_json
from interplug.tariffs import lines

_HERE = Path(__file__).parent / "cases.json"
_SHARED = Path(os.environ.get("INTERPLUG_SHARED", Path(__file__).parents[3] / "shared")) / "tariffs" / "cases.json"


def _cases(kind: str) -> list[Any]:
    found = {}
    for path in (_HERE, _SHARED):
        if path.exists():
            found.update({case["name"]: case for case in decode_json(path.read_bytes())["cases"]})
    return [pytest.param(case, id=name) for name, case in found.items() if case.get("kind", "price") == kind]


def _answer(work: lines.Work, case: dict[str, Any], options: dict[str, Any] | None = None) -> dict[str, Any]:
    asked = {name: case[name] for name in ("cdr", "tariffs", "tariff", "version", "timezone") if name in case}
    found: dict[str, Any] = decode_json(lines.answer(work, encode_json({**asked, **({"options": options} if options else {})})))
    return found


def _price(case: dict[str, Any], options: dict[str, Any] | None) -> dict[str, Any]:
    found = _answer(lines.price_line, case, options)
    return {"error": found["error"]["code"]} if "error" in found else found


@pytest.mark.parametrize("case", _cases("price"))
def test_price(case: dict[str, Any]) -> None:
    expected = dict(case["expected"])
    with_option = expected.pop("with_option", None)
    document = _price(case, None)
    if "error" in document and document in [{"error": other.get("error")} for other in case.get("alternatives", ())]:
        return  # m03: a documented magnitude limit is an accepted answer
    warnings = set(expected.pop("warnings", ()))
    assert warnings <= {warning["code"] for warning in document.get("warnings", ())}
    billed = expected.pop("billed", {})
    assert {name: document["billed"][name] for name in billed} == billed
    assert {name: document[name] for name in expected} == expected
    if "lines" in document and document["total_cost"]["excl"] is not None:
        assert sum(Decimal(line["excl"]) for line in document["lines"]).quantize(Decimal("1e-4")) == Decimal(document["total_cost"]["excl"])
    if with_option:
        options = {name: with_option.pop(name) for name in ("preset", "split", "decimals", "rounding") if name in with_option}
        document = _price(case, options)
        assert {name: document[name] for name in with_option} == with_option


@pytest.mark.parametrize("case", _cases("verify"))
def test_verify(case: dict[str, Any]) -> None:
    expected = dict(case["expected"])
    document = _answer(lines.verify_line, case)
    assert set(expected.pop("warnings", ())) <= {warning["code"] for warning in document["warnings"]}
    assert {name: document[name] for name in expected} == expected


@pytest.mark.parametrize("case", _cases("lint"))
def test_lint(case: dict[str, Any]) -> None:
    found = {(finding["code"], finding["path"]) for finding in _answer(lines.lint_line, case)["findings"]}
    expected = {(entry["code"], entry["path"]) for entry in case["expected"]["codes"]}
    assert found == expected if case["expected"]["exact"] else expected <= found

"""Rows of the tables of figures worked by hand: a question as a line of `--jsonl`, and what must stand in its answer."""

from decimal import Decimal
from typing import Any, NamedTuple

import pytest

from interplug.model.types import decode_json, encode_json
from interplug.tariffs import lines
from tests.tariffs.build import cdr, component

ZONE = "Europe/Amsterdam"


class Row(NamedTuple):
    line: dict[str, Any]
    # "12.00 14.40": before and after taxes; "-" is unknown; one figure: both alike. A word is the code of an error.
    cost: str
    parts: dict[str, str]
    billed: dict[str, str]
    said: tuple[str, ...]
    silent: tuple[str, ...]


def row(
    what: str,
    tariffs: Any,
    session: dict[str, Any],
    cost: str,
    *,
    version: str = "2.2.1",
    zone: str | None = ZONE,
    options: dict[str, Any] | None = None,
    said: str = "",
    silent: str = "",
    billed: dict[str, str] | None = None,
    **parts: str,
) -> Any:
    given = tariffs if isinstance(tariffs, list) else [tariffs]
    line = {"cdr": session, "tariffs": given, "version": version, "timezone": zone, "options": options}
    return pytest.param(Row(line, cost, parts, billed or {}, tuple(said.split()), tuple(silent.split())), id=what)


def check(asked: Row) -> None:
    found = decode_json(lines.answer(lines.price_line, encode_json(asked.line)))
    if "error" in found or asked.cost[:1].isalpha():
        assert found.get("error", {}).get("code") == asked.cost
        return
    assert found["total_cost"] == _money(asked.cost, found["total_cost"])
    for name, cost in asked.parts.items():
        assert found[f"total_{name}_cost"] == _money(cost, found["total_cost"])
    assert {name: found["billed"][name] for name in asked.billed} == asked.billed
    codes = {warning["code"] for warning in found["warnings"]}
    assert set(asked.said) <= codes and not set(asked.silent) & codes
    lines_before = [line["excl"] for line in found["lines"]]
    if found["total_cost"]["excl"] is not None and not asked.line["options"]:
        assert abs(sum(map(Decimal, lines_before)) - Decimal(found["total_cost"]["excl"])) <= Decimal("0.00005")


def _money(spelled: str, like: dict[str, Any]) -> dict[str, str | None]:
    """In as many decimals as the answer has, so that rows stay short."""
    decimals = len((like["excl"] or like["incl"]).partition(".")[2])
    sides = (spelled.split() * 2)[:2]
    excl, incl = (None if side == "-" else f"{Decimal(side):.{decimals}f}" for side in sides)
    return {"excl": excl, "incl": incl}


def hour(*periods: dict[str, Any], **fields: Any) -> dict[str, Any]:
    return cdr(60, *periods, **fields)


def energy(price: Any, step: int = 1, vat: Any = None) -> dict[str, Any]:
    return component("ENERGY", price, step, vat)


def time(price: Any, step: int = 1, vat: Any = None) -> dict[str, Any]:
    return component("TIME", price, step, vat)


def parking(price: Any, step: int = 1, vat: Any = None) -> dict[str, Any]:
    return component("PARKING_TIME", price, step, vat)


def flat(price: Any, step: int = 1, vat: Any = None) -> dict[str, Any]:
    return component("FLAT", price, step, vat)

"""Answers of the tariff commands as lines for people."""

from collections.abc import Callable, Mapping
from typing import Any

Answer = Mapping[str, Any]
Spell = Callable[[Answer], list[str]]
Judge = Callable[[Answer], bool]


def unreadable(line: Answer) -> dict[str, Any]:
    return {"error": {"code": "invalid_json", "message": line["unreadable"]}}


def error(answer: Answer) -> list[str]:
    return [f"cannot be answered: {answer['error']['code']}: {answer['error']['message']}"]


def price(answer: Answer) -> list[str]:
    total = answer["total_cost"]
    said = [f"total {amounts(total)} {answer['currency']}"]
    for line in answer["lines"]:
        volume = f" {line['billed']} at {line['price']}" if "billed" in line else ""
        said.append(f"  {line['dimension']}{volume}: {amounts(line)} ({line['tariff']}{line['component']})")
    return said + _warnings(answer)


def amounts(money: Answer) -> str:
    excl, incl = (money[side] if money[side] is not None else "not known" for side in ("excl", "incl"))
    return f"{excl} before taxes, {incl} after"


def verify(answer: Answer) -> list[str]:
    said = [answer["verdict"]]
    for difference in answer["differences"]:
        side = f" ({difference['side']})" if difference["side"] else ""
        said.append(f"  {difference['field']}{side}: claimed {difference['claimed']}, computed {difference['computed']}")
    said += [f"  likely cause: {cause}" for cause in answer["causes"]]
    return said + _warnings(answer)


def _warnings(answer: Answer) -> list[str]:
    return [f"  {warning['severity']}: {warning['code']} {warning['path']}" for warning in answer["warnings"]]


def lint(answer: Answer) -> list[str]:
    return _findings(answer["findings"]) or ["nothing found"]


def without_errors(answer: Answer) -> bool:
    return "error" not in answer and not any(entry["severity"] == "error" for entry in answer["findings"])


def _findings(found: list[Answer]) -> list[str]:
    return [f"{entry['severity']}: {entry['code']} {entry['path']}: {entry['message']}" for entry in found]


def normalize(answer: Answer) -> list[str]:
    said = [f"done: {line}" for line in _findings(answer["applied"])]
    said += [f"not done, a price would or might change: {line}" for line in _findings(answer["refused"])]
    return said or ["nothing to be done"]


def compare(answer: Answer) -> list[str]:
    side, currency = ("with" if answer["side"] == "incl" else "before"), answer["currency"]
    said = [f"{answer['sessions']} sessions, amounts in {currency} {side} taxes; a difference is the second less the first"]
    for name in ("first_cheaper", "second_cheaper", "equal"):
        said.append(f"  {name.replace('_', ' ')}: {answer[name]}")
    said.append(f"  mean difference: {answer['mean_difference'] if answer['mean_difference'] is not None else 'not known'}")
    said += [f"  furthest apart: {_row(row, answer['side'])}" for row in answer["furthest"]]
    return said + [f"    {_row(row, answer['side'])}" for row in answer["rows"]]


def _row(row: Answer, side: str) -> str:
    session = row["session"]
    parked = f" + {session['parked_s'] // 60} min parked" if session["parked_s"] else ""
    told = (
        f"{session['kwh']} kWh in {session['charging_s'] // 60} min{parked}, {session['day_of_week'].capitalize()} {session['start_time']}"
    )
    return f"{told}: {row['first'][side]} and {row['second'][side]}, {row['difference']}"


def simulate(answer: Answer) -> list[str]:
    cdr = answer["cdr"]
    said = [f"{cdr['start_date_time']} to {cdr.get('end_date_time') or cdr.get('stop_date_time')}"]
    for period in cdr["charging_periods"]:
        volumes = ", ".join(f"{dimension['type']} {dimension['volume']}" for dimension in period["dimensions"])
        said.append(f"  {period['start_date_time']}  {volumes}")
    return said + [f"{name}: {_cost(cdr[name])} {cdr['currency']}" for name in cdr if name.endswith("_cost")]


def _cost(price: Any) -> str:
    if not isinstance(price, dict):
        return f"{price} before taxes"
    if "excl_vat" in price:
        return f"{price['excl_vat']} before taxes" + (f", {price['incl_vat']} after" if "incl_vat" in price else "")
    taxes = "".join(f" + {tax['percentage']} % {tax['name']} {tax['amount']}" for tax in price["taxes"])
    return f"{price['before_taxes']} before taxes{taxes}"

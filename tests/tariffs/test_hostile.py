"""Nothing in a document of a partner raises anything but a TariffError."""

import copy
import random
from contextlib import suppress
from typing import Any

import pytest

from interplug.model.types import decode_json, encode_json
from interplug.tariffs import Audit, TariffError, compare, explain, lint, normalize, price, read_plan, simulate, verify, words
from interplug.tariffs import lines as known_lines
from interplug.tariffs.lines import answer, lint_line, price_line, verify_line
from interplug.tariffs.typical import KNOWN
from tests.tariffs.build import cdr, codes, component, element, period, tariff

WINDOW = {"start_time": "07:00", "end_time": "19:00", "day_of_week": ["MONDAY"], "min_kwh": 1, "max_power": 50, "start_date": "2024-01-01"}
TARIFF = tariff(
    element(component("ENERGY", "0.25", 100, 10), component("FLAT", 1), **WINDOW),
    element(component("TIME", 2, 900), reservation="RESERVATION"),
    element(component("ENERGY", "0.30", 1), component("PARKING_TIME", 5, 300)),
    min_price={"excl_vat": 1, "incl_vat": 2},
    max_price={"before_taxes": 50},
    tax_included="YES",
    start_date_time="2020-01-01T00:00:00Z",
)
CDR = cdr(
    90,
    period(0, RESERVATION_TIME="0.25"),
    period(15, ENERGY=5, TIME=1, MIN_POWER=3, MAX_POWER=60),
    period(75, PARKING_TIME="0.25"),
    cdr_location={"country": "NLD", "time_zone": "Europe/Amsterdam"},
    total_cost={"before_taxes": 4, "taxes": [{"name": "VAT", "amount": 1}]},
    total_energy=5,
    tariffs=[TARIFF],
)
TOLD = (known_lines.explain_line, known_lines.normalize_line, known_lines.compare_line, known_lines.simulate_line)
JUNK: list[Any] = [
    None,
    True,
    0,
    -1,
    10**13,
    -(10**11),
    1e-9,
    0.1,
    float("nan"),
    "",
    "x",
    "-3",
    "1e400",
    "NaN",
    "0001-01-01T00:00:00Z",
    "9999-12-31T23:59:59Z",
    "2024-01-15T09:00:00+14:00",
    "24:00",
    "00:00",
    "2024-13-01",
    [],
    [None],
    [[]],
    {},
    {"type": "ENERGY"},
    "Europe/Berlin",
    "../etc/passwd",
    "RESERVATION_EXPIRES",
    "Ünïcode",
    "\x00",
    [{"type": "ENERGY", "volume": -5}],
    "SUNDAY",
    ["SUNDAY"],
    99999999999,
]


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    found = [path] if path else []
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return found + [inner for key, entry in items for inner in places(entry, (*path, key))]


def broken(draw: random.Random) -> dict[str, Any]:
    line = copy.deepcopy({"cdr": CDR, "version": draw.choice(["2.1.1", "2.2.1", "2.3.0"])})
    for _ in range(draw.randint(1, 3)):
        *way, last = draw.choice(places(line["cdr"]))
        holder: Any = line["cdr"]
        try:
            for key in way:
                holder = holder[key]
            holder[last] = draw.choice(JUNK)
        except (TypeError, KeyError, IndexError):
            continue  # an earlier break has taken the place away
    return line


@pytest.mark.parametrize("seed", range(6))
def test_whatever_stands_in_a_document(seed: int) -> None:
    draw = random.Random(seed)
    priced = 0
    for _ in range(250):
        line = broken(draw)
        version = line["version"]
        with suppress(TariffError):
            price(line["cdr"], version=version).to_document()
            priced += 1
        audit = Audit()
        audit.add(line["cdr"], verify(line["cdr"], version=version))
        assert audit.to_document()["cdrs"] == 1
        tariffs = line["cdr"].get("tariffs")
        for entry in tariffs if isinstance(tariffs, list) else ():
            if isinstance(entry, dict):
                lint(entry, version=version)
                with suppress(TariffError):
                    words(entry, version=version)
    assert priced > 20


@pytest.mark.parametrize("seed", range(3))
def test_whatever_stands_in_a_tariff_that_is_told(seed: int) -> None:
    draw = random.Random(seed)
    for _ in range(30):
        line = broken(draw)
        tariffs, version = line["cdr"].get("tariffs"), line["version"]
        for entry in tariffs if isinstance(tariffs, list) else ():
            if isinstance(entry, dict):
                normalize(entry, version=version)
                with suppress(TariffError):
                    explain(entry, version=version).markdown()
                with suppress(TariffError):
                    compare(entry, entry, version=version, sessions=KNOWN[:2]).to_document()


@pytest.mark.parametrize("seed", range(3))
def test_whatever_stands_in_a_plan(seed: int) -> None:
    draw = random.Random(seed)
    whole = {
        "start_date_time": "2024-01-15T09:00:00Z",
        "kwh": 5,
        "kw": 11,
        "parked_s": 60,
        "power": [{"second": 0, "kw": 5}, {"second": 9, "kw": 0}],
    }
    for _ in range(200):
        plan = {**copy.deepcopy(whole), draw.choice([*whole, "charging_s", "reserved_s"]): draw.choice(JUNK)}
        with suppress(TariffError):
            simulate(TARIFF, read_plan(plan), timezone="Europe/Amsterdam")


@pytest.mark.parametrize(
    "raw", [b"", b"[]", b"null", b"{", b"\xff", b'{"cdr": 1}', b'{"tariff": []}', b"[" * 5000, b'{"cdr": {"id": 1e999}}', b"1" * 5000]
)
@pytest.mark.parametrize("work", [price_line, verify_line, lint_line, *TOLD])
def test_whatever_stands_on_a_line(raw: bytes, work: Any) -> None:
    found = decode_json(answer(work, raw))
    assert found["error"]["code"] if "error" in found else found["verdict"] == "unverifiable"


def test_a_session_of_all_times_is_bounded_work() -> None:
    forever = {**CDR, "start_date_time": "0001-01-01T00:00:00Z", "end_date_time": "9999-12-31T23:59:59Z"}
    forever["charging_periods"] = [{**period(0, ENERGY=5), "start_date_time": "0001-01-01T00:00:00Z"}]
    assert price(forever, [{**TARIFF, "start_date_time": None}]).total_energy_cost.incl is not None
    found = decode_json(
        answer(price_line, encode_json({"cdr": forever, "tariffs": [{**TARIFF, "start_date_time": None}], "options": {"split": "linear"}}))
    )
    assert found["error"]["code"] == "out_of_range"


def test_a_tariff_made_to_be_slow_is_bounded_work() -> None:
    elements = []
    for index in range(1, 300):
        clock = f"{index * 4 // 60 % 24:02}:{index * 4 % 60:02}"
        bounds = {"start_time": clock, "min_kwh": index, "min_power": index, "min_duration": index * 60, "min_current": 300 - index}
        elements.append(element(component("ENERGY", index), **bounds))
    slow = tariff(*elements)
    session = cdr(1440, period(0, ENERGY=500, TIME=24, MIN_POWER=0, MAX_POWER=500, MIN_CURRENT=0, MAX_CURRENT=500))
    assert "period_spans_price_change" in codes(price(session, [slow], version="2.2.1", timezone="Europe/Amsterdam"))
    draw = random.Random(0)
    scattered = []
    for _ in range(300):
        bounds = {}
        for name in ("kwh", "power", "current", "duration"):
            low, high = sorted(draw.sample(range(1, 500), 2))
            bounds |= {f"min_{name}": low, f"max_{name}": high}
        scattered.append(element(component("ENERGY", 1), **bounds))
    assert "not_analysed" in {finding.code for finding in lint(tariff(*scattered), version="2.2.1")}
    assert explain(tariff(*scattered), version="2.2.1").sections[0].prices[1].when.endswith("unless a line above applies")
    untidy = tariff(
        *(element(*listed["price_components"], **listed["restrictions"], start_time="00:00", end_time="00:00") for listed in scattered)
    )
    assert normalize(untidy, version="2.2.1").applied == ()

"""CSV exports of CDRs as back-ends write them: what is read, what is not guessed, and what is told when a column is missing."""

from pathlib import Path
from typing import Any

import pytest

from interplug.cli import headings
from interplug.model.types import encode_json
from tests.cli.conftest import Command
from tests.cli.test_verifying import MONTH
from tests.tariffs.build import component, element, tariff

SIMPLE = tariff(element(component("ENERGY", "0.25", 1, 20), component("PARKING_TIME", 6)), party_id="TNM")
HEAD = "id;country_code;party_id;start_date_time;end_date_time;currency;tariff_id;total_energy;total_parking_time;total_cost.excl_vat"


@pytest.fixture
def checked(interplug: Command, tmp_path: Path) -> Any:
    """What is said of a CSV that is checked by SIMPLE."""
    (tmp_path / "tariffs.json").write_bytes(encode_json(SIMPLE))

    def check(text: str, *words: str, encoding: str = "utf-8") -> Any:
        (tmp_path / "cdrs.csv").write_bytes(text.encode(encoding))
        return interplug("cdr", "verify", "cdrs.csv", "--tariffs", "tariffs.json", "--json", *words).json

    return check


def verdicts(found: Any) -> list[int]:
    return [sum(partner[name] for partner in found["partners"]) for name in ("match", "mismatch", "unverifiable")]


def test_an_export_without_periods(checked: Any) -> None:
    rows = [
        HEAD,
        "C1;NL;TNM;2024-01-15T09:00:00Z;2024-01-15T11:00:00Z;EUR;T1;20,5;0,5;8,13",
        "C2;NL;TNM;2024-01-15T09:00:00Z;2024-01-15T11:00:00Z;EUR;T1;20;;7",
        "C3;NL;TNM;soon;later;EUR;T1;20;;7",
    ]
    found = checked("\n".join(rows), encoding="utf-8-sig")
    assert verdicts(found) == [1, 1, 1]
    assert found["partners"][0]["causes"][0]["excess"] == "2"


def test_json_in_cells(interplug: Command, tmp_path: Path) -> None:
    one = MONTH[1]
    names = [name for name in one if name != "id"]
    cells = [f'"{encode_json(one[name]).decode().strip(chr(34)).replace(chr(34), chr(34) * 2)}"' for name in names]
    (tmp_path / "cdrs.csv").write_text(",".join(["id", *names]) + "\n" + ",".join(["0042", *cells]) + "\n")
    found = interplug("cdr", "verify", "cdrs.csv", "--json").json["partners"][0]["causes"][0]
    assert (found["cause"], found["ids"]) == ("utc_used_for_local_time", ["0042"])


def test_a_row_for_each_period(checked: Any) -> None:
    """What one has more than one CDR for is told apart by id; totals are repeated."""
    rows = ["CDR ID,country code,party id,start,end,currency,period start,period energy,period parking time,net amount,total energy"]
    for name, cost in (("C1", "5.00"), ("C2", "6.00")):
        for hour, energy, parked in ((9, "6.5", ""), (10, "7.5", ""), (11, "", "0:15:00")):
            rows.append(f"{name},NL,TNM,2024-01-15 09:00,2024-01-15 11:15,EUR,2024-01-15 {hour}:00:00Z,{energy},{parked},{cost},14")
    assert verdicts(checked("\r\n".join(rows))) == [1, 1, 0]


def test_a_row_for_each_dimension(checked: Any) -> None:
    head = "id,start,end,currency,period_start,dimension_type,dimension_volume,net"
    rows = [
        f"C1,2024-01-15T09:00:00Z,2024-01-15T10:00:00Z,EUR,2024-01-15T09:00:00Z,{name},{volume},5"
        for name, volume in (("ENERGY", 20), ("TIME", 1))
    ]
    assert verdicts(checked("\n".join([head, *rows]))) == [1, 0, 0]


def test_columns_that_lead_into_lists(checked: Any) -> None:
    path = "charging_periods[0].dimensions"
    head = f"id,start,end,currency,charging_periods[0].start_date_time,{path}[0].type,{path}[0].volume,{path}[1].type,{path}[1].volume,net"
    row = "C1,2024-01-15T09:00:00Z,2024-01-15T10:00:00Z,EUR,2024-01-15T09:00:00Z,ENERGY,20,TIME,1,5"
    assert verdicts(checked(f"{head}\n{row}")) == [1, 0, 0]


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("id\tstart\tend\tcurrency\tkwh\tnet\nC1\t15.01.2024 9:00\t15-01-2024 10:00:00\tEUR\t1.020,00\t255\n", "utf-16"),
        ("sep=;\nid;Start;End;Currency;kWh;Net\nC1;2024-01-15 09:00;2024-01-15 10:00;EUR;20;5\n", "utf-8-sig"),
        ('id,Start,sessionEnd,currency,Energy (kWh),netAmount\nC1,2024-01-15T09:00Z,2024-01-15T10:00+00:00,EUR,"20,4","5,10"\n', "utf-8"),
    ],
)  # fmt: skip
def test_as_others_spell_it(checked: Any, text: str, encoding: str) -> None:
    assert verdicts(checked(text, encoding=encoding)) == [1, 0, 0]


def test_columns_of_other_names_and_a_currency_that_no_column_says(checked: Any) -> None:
    text = "Beleg;Beginn;Ende;Menge;Betrag\nC1;2024-01-15T09:00:00Z;2024-01-15T10:00:00Z;20;6,00\n"
    translated = {
        "id": "Beleg",
        "start_date_time": "Beginn",
        "end_date_time": "Ende",
        "total_energy": "Menge",
        "total_cost.incl_vat": "Betrag",
    }
    words = [word for field, name in translated.items() for word in ("--column", f"{field}={name}")]
    assert verdicts(checked(text, *words, "--currency", "EUR")) == [1, 0, 0]


def test_what_is_missing_is_told_in_words(interplug: Command) -> None:
    said = interplug("cdr", "verify", typed=b"id,start,end,Betrag\nC1,a,b,5\n")
    assert said.code == 1 and said.out == ""
    assert (
        "standard input cannot be read: it has no column for the currency (currency), the energy in kWh (total_energy), what it" in said.err
    )
    assert "its columns are 'id', 'start', 'end', 'Betrag'" in said.err


def row(id: str, energy: str = "20", cost: str = "5") -> str:
    return f"{id},2024-01-15T09:00:00Z,2024-01-15T10:00:00Z,EUR,{energy},{cost}\n"


@pytest.mark.parametrize(
    ("broken", "reason"),
    [
        ('"C2,' + row("x"), "a quote is not closed"),
        ('C2,"2024-01-15T09:00:00Z,\n', "a quote is not closed"),
        (row("C2", "20,5"), "the row has 7 fields, the head 6"),
        (row("C2", '"1,020"'), "/cdr/charging_periods/0/dimensions/0/volume"),
        (row("C2", ""), "/cdr/charging_periods/0/dimensions/0/volume"),
        (row("C2").replace("2024-01-15T10", "01/02/2024 10"), "/cdr/"),
        (row("C2", cost="five"), "/cdr/total_cost/excl_vat"),
    ],
)
def test_a_broken_row_costs_that_row_and_nothing_is_guessed(checked: Any, broken: str, reason: str) -> None:
    found = checked("id,start,end,currency,kwh,net\n" + row("C1") + broken + row("C3"))
    assert verdicts(found) == [2, 0, 1]
    (cause,) = [cause for partner in found["partners"] for cause in partner["causes"]]
    assert reason in "".join(cause["example"])


def test_a_cell_may_go_on_for_lines(checked: Any) -> None:
    text = 'id,remark,start,end,currency,kwh,net\nC1,"one\ntwo ""three""\n",' + row("")[1:]
    assert verdicts(checked(text)) == [1, 0, 0]


@pytest.mark.parametrize("column", ["Total Energy", "total-energy", "TotalEnergy", " total_energy ", "TOTAL_ENERGY", "kWh", "Energy (kWh)"])
def test_one_name_in_many_spellings(column: str) -> None:
    assert headings.fields([column], {"energy (kwh)": "total_energy"}) == ["total_energy"]


def test_a_total_beside_one_with_taxes_is_the_one_without() -> None:
    assert headings.fields(["total_cost", "total_cost_incl_vat"], {}) == ["total_cost.excl_vat", "total_cost.incl_vat"]
    assert headings.fields(["total_cost"], {}) == ["total_cost"]


def test_no_name_stands_for_two_fields() -> None:
    every = [name for others in headings.OTHERS.values() for name in others]
    assert len(set(every)) == len(every) and not set(every) & set(headings.OTHERS)

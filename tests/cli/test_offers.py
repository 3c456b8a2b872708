"""`interplug offer`, `apply` and `margin`: what our eMSP charges, set up and looked at from the terminal."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import msgspec
import pytest

from interplug.drivers.billing import Biller
from interplug.drivers.offers import read_offer
from tests.cli.conftest import Command
from tests.modules import said
from tests.nodes import EMSP, T0, befriend, close, make_node, own

TARIFF: dict[str, Any] = {
    "currency": "EUR",
    "tax_included": "YES",
    "elements": [{"price_components": [{"type": "ENERGY", "price": 0.59, "vat": 21, "step_size": 1}]}],
}


@pytest.fixture
def tariff(tmp_path: Path) -> str:
    (tmp_path / "tariff.json").write_bytes(msgspec.json.encode(TARIFF))
    return "tariff.json"


def test_offers_are_added_listed_shown_and_ended(interplug: Command, tariff: str) -> None:
    interplug("db", "upgrade")
    added = interplug("offer", "add", "FAST", "--min-kw", "50", "--country", "nl", "DE", "--priority", "3", "--tariff", tariff, "--json")
    assert added.code == 0 and added.json["countries"] == ["NLD", "DEU"] and added.json["changed"] is True
    again = interplug("offer", "add", "FAST", "--min-kw", "50", "--country", "nl", "DE", "--priority", "3", "--tariff", tariff, "--json")
    assert again.json["changed"] is False
    fee = ("--per-session", "0.35", "--percentage", "-2.5", "--currency", "EUR", "--vat", "21")
    assert "-2.5 %, service fee €0.4235 per session" in interplug("offer", "add", "ALL", *fee).out
    assert [one["id"] for one in interplug("offer", "list", "--json").json] == ["FAST", "ALL"]
    assert "everywhere, for everybody" in interplug("offer", "list").out
    assert "€0.59 per kWh" in interplug("offer", "show", "fast").out
    assert interplug("offer", "remove", "fast").code == 0
    assert interplug("offer", "remove", "FAST").code == 1 and interplug("offer", "show", "FAST").code == 1
    assert [one["id"] for one in interplug("offer", "list", "--json").json] == ["ALL"]


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (("X", "--per-session", "1"), "currency"),
        (("X", "--percentage", "much"), "percentage"),
        (("X", "--operator", "NOBODY"), "NL-TNM"),
        (("X", "--tariff", "tariff.json", "--percentage", "1"), "fee"),
        (("X", "--power-type", "STEAM"), "power_types"),
    ],
)
def test_what_is_no_offer_is_a_usage_error(interplug: Command, tariff: str, arguments: tuple[str, ...], named: str) -> None:
    interplug("db", "upgrade")
    told = interplug("offer", "add", *arguments)
    assert (told.code, told.out) == (2, "") and named in told.err
    assert interplug("offer", "list", "--json").json == []


def test_a_tariff_comes_from_standard_input_too(interplug: Command) -> None:
    interplug("db", "upgrade")
    assert interplug("offer", "add", "X", "--tariff", "-", typed=msgspec.json.encode([TARIFF])).code == 0
    assert interplug("offer", "add", "X", "--tariff", "-", typed=b"{").code == 2


# --- what a node knows of a partner


async def _furnished(folder: Path) -> None:
    node = await make_node(folder, parties=(EMSP,))
    partner = await befriend(node, "2.2.1", parties=(("CPO", "BE", "XYZ"),))
    await own(node, "tokens", said.token("C", country_code="DE", party_id="ABC", contract_id="DE-ABC-C1"))
    tariff = said.theirs(said.tariff("T", elements=[{"price_components": [{"type": "ENERGY", "price": 0.3, "vat": 0, "step_size": 1}]}]))
    assert (await partner.send("PUT", "tariffs/BE/XYZ/T", said.said("tariff", tariff, "2.2.1"))).ok
    location = said.theirs(said.location(evses=[said.evse(connectors=[said.connector(tariff_ids=["T"])])]))
    assert (await partner.send("PUT", "locations/BE/XYZ/L1", said.said("location", location, "2.2.1"))).ok
    cdr = said.theirs(
        said.cdr(
            cdr_token={"country_code": "DE", "party_id": "ABC", "uid": "C", "type": "RFID", "contract_id": "DE-ABC-C1"},
            start_date_time=said.T,
            tariffs=[tariff],
            charging_periods=[{"start_date_time": said.T, "dimensions": [{"type": "ENERGY", "volume": 10}], "tariff_id": "T"}],
            total_energy=10,
            total_cost={"before_taxes": 3},
        )
    )
    for name in ("total_energy_cost", "total_fixed_cost", "total_time_cost"):
        cdr.pop(name, None)
    assert (await partner.send("POST", "cdrs", said.said("cdr", cdr, "2.2.1"))).ok
    early = read_offer({"id": "EARLY", "fee": {"percentage": 10}}).document()
    await node.store.write(lambda tx: tx.offers.put("EARLY", early, T0 - 1))
    await Biller(node).tick()
    await node.store.write(lambda tx: tx.offers.end("EARLY", T0 + 1))
    await close(node)


def test_offer_explain_says_which_offer_holds_and_why_the_others_do_not(interplug: Command, tmp_path: Path) -> None:
    interplug("db", "upgrade")
    asyncio.run(_furnished(tmp_path))
    interplug("offer", "add", "ALL", "--percentage", "10")
    interplug("offer", "add", "FLEET", "--contract", "DE-ABC-C1", "--per-kwh", "0.05", "--currency", "EUR")
    interplug("offer", "add", "STRONG", "--min-kw", "400", "--percentage", "1")
    found = interplug("offer", "explain", "L1", "E1", "1", "--contract", "DEABCC1", "--json").json
    assert (found["offer"], found["price"], found["operators_price"]) == (
        "FLEET", "€0.30 per kWh; service fee €0.05 per kWh", "€0.30 per kWh",
    )  # fmt: skip
    why = {one["id"]: one["why"] for one in found["offers"]}
    assert "it names the contract" in why["ALL"] and "is below 400 kW" in why["STRONG"]
    told = interplug("offer", "explain", "L1").out
    assert "-> ALL: holds" in told and "FLEET: does not hold: for certain contracts only" in told and "€0.33 per kWh" in told
    assert interplug("offer", "explain", "L9").code == 1 and interplug("offer", "explain", "L1", "E9").code == 1


def test_the_margin_is_told_by_partner_and_offer_and_beside_each_cdr(interplug: Command, tmp_path: Path) -> None:
    interplug("db", "upgrade")
    assert "nothing was billed" in interplug("margin").out
    asyncio.run(_furnished(tmp_path))
    (row,) = interplug("margin", "--json").json
    assert (row["partner"], row["offer"], row["cdrs"], row["kwh"]) == ("partner", "EARLY", 1, 10)
    assert (row["bought"], row["sold"], row["margin"], row["unknown"]) == (3, 3.3, 0.3, 0)
    (listed,) = interplug("cdr", "list", "--json").json
    shown = interplug("cdr", "show", listed["id"], "--json").json["interplug"]["bill"]
    assert listed["margin"] == shown["margin"] == 0.3 and listed["offer"] == "EARLY"
    assert "margin" in interplug("cdr", "show", listed["id"]).out and "sold" in interplug("cdr", "list").out
    assert interplug("margin", "--until", "2000-01-01", "--json").json == []
    assert interplug("margin", "--since", "yesterday").code == 2


# --- a file


def test_a_file_is_applied_once_and_shows_what_it_changes(interplug: Command, tmp_path: Path) -> None:
    (tmp_path / "business.toml").write_text(
        """
[[parties]]
role = "EMSP"
id = "DE-ABC"
name = "Abc"

[[offers]]
id = "ALL"
fee = { percentage = 2.5 }

[[offers]]
id = "FAST"
min_kw = 50
tariff = { currency = "EUR", tax_included = "YES", end_date_time = 2030-01-01T00:00:00Z, elements = [
  { price_components = [{ type = "ENERGY", price = 0.59, vat = 21, step_size = 1 }] } ] }
"""
    )
    interplug("db", "upgrade")
    dry = interplug("apply", "business.toml", "--dry-run")
    assert dry.code == 0 and dry.out.splitlines() == [
        "+ party EMSP DE-ABC", "+ offer ALL", "+ offer FAST", "nothing was changed: this was a dry run",
    ]  # fmt: skip
    assert interplug("party", "list", "--json").json == []
    assert len(interplug("apply", "business.toml", "--json").json["changes"]) == 3
    assert interplug("apply", "business.toml").out == "nothing to change\n"
    assert [one["id"] for one in interplug("offer", "list", "--json").json] == ["FAST", "ALL"]
    changed = {"offers": [{"id": "ALL", "fee": {"percentage": 3}}]}
    out = interplug("apply", "-", typed=msgspec.json.encode(changed)).out
    assert out.splitlines() == ["~ offer ALL", '    fee: {"percentage":2.5} -> {"percentage":3}', "- offer FAST"]
    assert interplug("apply", "-", typed=b"{}").out == "nothing to change\n"
    assert [one["id"] for one in interplug("offer", "list", "--json").json] == ["ALL"]


@pytest.mark.parametrize(
    "document",
    [
        {"offer": []},
        {"offers": [{"id": "A"}, {"id": "a"}]},
        {"offers": [{"id": "A"}, {"id": "B", "fee": {"per_kwh": 1}}]},
        {"parties": [{"role": "BANK", "id": "DE-ABC"}]},
        {"parties": [{"role": "CPO", "id": "nobody"}]},
        [],
    ],
)
def test_a_file_with_something_wrong_changes_nothing(interplug: Command, document: Any) -> None:
    interplug("db", "upgrade")
    assert interplug("apply", "-", typed=msgspec.json.encode(document)).code == 2
    assert interplug("offer", "list", "--json").json == [] and interplug("party", "list", "--json").json == []

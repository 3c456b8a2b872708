"""The driver's pages: what they show, what they refuse, and that nothing they say is nicer than the truth."""

from __future__ import annotations

import asyncio
import html
import re
from base64 import b64encode
from decimal import Decimal
from typing import Any

import pytest

from interplug.drivers.places import PlaceList
from interplug.drivers.tokens import token_key
from interplug.model.types import decode_json, encode_json, parse_time
from interplug.stations.simulator.ocmf import Signer
from interplug.stations.simulator.readings import Reading
from interplug.store.accounts import Account
from interplug.store.drivers import Drive, Driver
from interplug.store.keys import Key
from interplug.web.driver.driving import NEW_DRIVERS, STARTS
from interplug.web.driver.pages import Pages
from tests.drivers.played import World, session
from tests.modules import said
from tests.nodes import befriend, own
from tests.web.starting import begin, begun, number, offered, words
from tests.web.visiting import Visit, ask, body, scope

# --- the list


async def test_a_station_is_listed_with_what_is_free_its_power_and_its_age(world: World, visit: Visit) -> None:
    world.clock.move(40)
    shown = words(await visit.get("/"))
    assert "One station" in shown and "1 of 2 free" in shown and "told 40 s ago" in shown and "kW" in shown


@pytest.mark.parametrize(
    ("query", "found"),
    [("", 1), ("?text=zzz", 0), ("?free=1", 1), ("?watts=900000", 0), ("?plug=CHADEMO", 0), ("?page=99", 1), ("?page=-1&watts=x", 1)],
)
async def test_the_list_is_searched(visit: Visit, query: str, found: int) -> None:
    document = (await visit.get(f"/stations.json{query}")).json
    assert (document["total"], len(document["stations"]), document["page"]) == (found, found, 1)
    if not found:
        assert "No station fits" in (await visit.get(f"/{query}")).text


async def test_names_are_text_and_never_markup(world: World, visit: Visit) -> None:
    await world.tell("locations", said.theirs(said.location(name="L2") | {"id": "L2", "name": '<script>alert("1")</script>'}))
    await PlaceList(world.node).tick()
    page = await visit.get("/?text=script")
    assert "<script>alert" not in page.text and "&lt;script&gt;alert" in page.text


async def test_copies_of_a_station_name_who_tells_of_them(world: World, visit: Visit) -> None:
    other = await befriend(world.node, "2.3.0", parties=(("CPO", "FR", "HUB"),), name="A hub")
    location = {**said.location(), "country_code": "FR", "party_id": "HUB", "operator": {"name": "Somebody"}}
    assert (await other.send("PUT", "locations/FR/HUB/L1", location)).ok
    await PlaceList(world.node).tick()
    assert (await visit.get("/stations.json")).json["total"] == 2
    assert "told by A hub" in words(await visit.get("/"))


# --- a station


async def test_each_charge_point_has_its_status_and_only_a_free_one_a_button(visit: Visit) -> None:
    page = await visit.get(f"/stations/{await number(visit)}")
    assert "Free" in words(page) and "In use" in words(page) and "Somebody is charging here." in words(page)
    assert page.text.count('action="/drives"') == 1


async def test_charge_points_with_the_same_number_are_told_apart(world: World, visit: Visit) -> None:
    evses = [said.evse(uid, **more) for uid, more in (("A", {"physical_reference": "7"}), ("B", {"physical_reference": "7"}), ("C", {}))]
    evses[2].pop("physical_reference", None)
    world.clock.move(1)
    evses = [{**evse, "last_updated": world.clock.text()} for evse in evses]
    await world.tell("locations", said.said("location", said.theirs(said.location(evses=evses, last_updated=world.clock.text())), "2.2.1"))
    names = [evse["name"] for evse in (await visit.get(f"/stations/{await number(visit)}.json")).json["evses"]]
    assert names == ["7 (1)", "7 (2)", "3"]


async def test_the_last_contact_is_told_and_silence_is_a_warning(world: World, visit: Visit) -> None:
    station = await number(visit)
    await world.node.messages.flush()
    world.clock.move(40)
    assert "Last contact with partner: 40 s ago" in words(await visit.get(f"/stations/{station}"))
    world.cpo.word = None
    await world.node.client.call(world.partner.connection, "GET", "locations", "SENDER")
    await world.node.messages.flush()
    page = words(await visit.get(f"/stations/{station}"))
    assert "partner does not answer. What you see here was told 40 s ago" in page
    assert (await visit.get(f"/stations/{station}.json")).json["silent_since"] == world.clock.text()


async def test_the_price_is_that_of_the_tariff_that_is_valid_now(world: World, visit: Visit) -> None:
    station = await number(visit)
    assert "The operator has told no price" in words(await visit.get(f"/stations/{station}"))
    await _tariff(world, "OLD", "9.99", end_date_time=world.clock.text(-60))
    await _tariff(world, "NOW", "0.40")
    await world.tell("locations", _location(world, "OLD", "NOW"))
    page = words(await visit.get(f"/stations/{station}"))
    assert "€0.40 per kWh" in page and "9.99" not in page


@pytest.mark.parametrize(
    "url",
    ["/stations/999", "/stations/99999999999999999999", "/row/99999999999999999999", "/stations/x", "/drives/none", "/nowhere", "/live/x"],
)
async def test_what_is_not_there_is_said_in_plain_words(visit: Visit, url: str) -> None:
    page = await visit.get(url)
    assert page.status == 404 and "Not found" in page.text
    assert (await visit.get(url, accept="application/json")).json["error"]


async def test_only_locations_of_partners_are_stations(world: World, visit: Visit) -> None:
    await _tariff(world, "THEIRS", "0.40")
    theirs = Key("tariffs", world.partner.connection.id, "BE", "XYZ", "THEIRS")
    for key in (await own(world.node, "locations", said.location("OURS")), theirs):
        stored = await world.node.store.read(lambda tx, key=key: tx.objects.get(key))  # type: ignore[misc]
        assert stored is not None
        assert (await visit.get(f"/stations/{stored.pk}")).status == 404


# --- from start to receipt


async def test_a_start_makes_a_driver_and_leads_to_the_drive(world: World, visit: Visit) -> None:
    answer = await begin(visit)
    assert answer.status == 303 and answer.header("location").startswith("/drives/")
    assert len(world.cpo.asked) == 1
    assert "The operator is starting the station" in words(await visit.get(answer.header("location")))
    assert "You are charging already" in words(await visit.get(f"/stations/{await number(visit)}"))


async def test_who_presses_start_twice_has_started_once_and_is_one_driver(world: World, visit: Visit) -> None:
    page = await visit.get(f"/stations/{await number(visit)}")
    fields = {name: page.field(name) for name in ("csrf", "station", "evse", "connector", "price")}
    cookies = dict(visit.cookies)
    pressed = await asyncio.gather(*(visit.post("/drives", fields) for _ in range(3)))
    pressed.append(await Visit(visit.app, cookies).post("/drives", fields))
    assert len({one.header("location") for one in pressed}) == 1 and len(world.cpo.asked) == 1
    assert (await visit.get(pressed[0].header("location"))).status == 200


async def test_the_name_of_a_browser_that_has_an_account_since_starts_nothing_for_it(world: World, visit: Visit) -> None:
    page = await visit.get(f"/stations/{await number(visit)}")
    fields = {name: page.field(name) for name in ("csrf", "station", "evse", "connector", "price")}
    before = dict(visit.cookies)
    url, drive, driver = await begun(visit, world)
    await world.node.store.write(lambda tx: tx.accounts.add(Account(driver.id, "ann@example.org", "", "en", world.clock())))
    other = Visit(visit.app, before)
    answer = await other.post("/drives", fields)
    assert answer.header("location") != url and (await other.get(url)).status == 404
    assert (await world.now(drive)).driver == driver.id


async def test_what_the_operator_tells_is_shown_with_its_taxes_and_age(world: World, visit: Visit) -> None:
    url, drive, driver = await begun(visit, world)
    cost = {"excl_vat": 2.5, "incl_vat": 3}
    await world.tell("sessions", session(world, driver, drive, kwh=7.25, total_cost=cost))
    world.clock.move(20)
    page = words(await visit.get(url))
    assert "Charging" in page and "7.25 kWh" in page and "€3.00 incl. €0.50 VAT" in page and "told this 20 s ago" in page
    await world.tell("sessions", session(world, driver, drive, kwh=8, total_cost={"excl_vat": 2.75}, last_updated=world.clock.text()))
    assert "€2.75 before taxes" in words(await visit.get(url))


async def test_while_the_operator_does_not_answer_the_drive_says_so(world: World, visit: Visit) -> None:
    url, drive, driver = await begun(visit, world)
    await world.tell("sessions", session(world, driver, drive))
    assert "does not answer" not in words(await visit.get(url))
    world.clock.move(30)
    world.cpo.word = None
    await world.node.client.call(world.partner.connection, "GET", "locations", "SENDER")
    await world.node.messages.flush()
    page = words(await visit.get(url))
    assert "partner does not answer at the moment. This is the last that it told" in page and "told this 30 s ago" in page


async def test_stop_and_receipt(world: World, visit: Visit) -> None:
    url, drive, driver = await begun(visit, world)
    await world.tell("sessions", session(world, driver, drive))
    page = await visit.get(url)
    assert (await visit.post(f"{url}/stop", {"csrf": page.field("csrf")})).status == 303
    assert "Stopping" in words(await visit.get(url))
    token = session(world, driver, drive)["cdr_token"]
    await world.tell("cdrs", said.said("cdr", said.theirs(said.cdr(cdr_token=token, authorization_reference=drive.id)), "2.2.1"))
    page = await visit.get(url)
    document = (await visit.get(f"{url}.json")).json
    assert "Receipt" in page.text and document["receipt"]["cdr_id"] in page.text and document["state"] == "BILLED"
    assert 'action="/drives' not in page.text and "sse-connect" not in page.text
    assert "Finished and billed" in words(await visit.get("/drives"))


async def test_a_bill_that_is_wrong_is_not_the_drivers_and_a_price_that_was_not_shown_is_named(world: World, visit: Visit) -> None:
    """The driver pays what the tariff and the meter give; what the operator claims is between the operator and us."""
    url, drive, driver = await begun(visit, world)
    await world.tell("cdrs", _bill(world, drive, driver, "1", claimed="99"))
    page = words(await visit.get(url))
    assert "is not what its tariff" in page and "€10.00" in page and "€99" not in page
    assert "No price was shown at the start. The bill names: €1.00 per kWh" in page


async def test_the_driver_sees_the_offer_and_never_what_was_bought(world: World, visit: Visit) -> None:
    """From the plug to the receipt, on the page and for programs."""
    await _tariff(world, "NOW", "0.40")
    await world.tell("locations", _location(world, "NOW"))
    await offered(world, fee={"percentage": 10, "per_session": 1, "currency": "EUR"})
    price = "€0.44 per kWh; service fee €1.00 per session"
    assert price in words(await visit.get(f"/stations/{await number(visit)}"))
    url, drive, driver = await begun(visit, world)
    await world.tell("sessions", session(world, driver, drive, kwh=5, total_cost={"excl_vat": 2, "incl_vat": 2}))
    page = words(await visit.get(url))
    assert f"Price: {price}" in page and "€3.20" in page and "€2.00" not in page
    await world.tell("cdrs", _bill(world, drive, driver, "0.40", claimed="4"))
    page, document = words(await visit.get(url)), (await visit.get(f"{url}.json")).json
    for told in ("€5.40 taxes included", "Energy: 10 kWh at €0.44", "Service fee", f"Price at the start: {price}"):
        assert told in page
    assert "€4.00" not in page and "margin" not in page.lower()
    receipt = document["receipt"]
    assert receipt["total"] == {"currency": "EUR", "before_taxes": Decimal("5.4"), "after_taxes": Decimal("5.4")}
    assert sum(Decimal(line["incl"]) for line in receipt["lines"]) == Decimal("5.4")
    assert not {"bought", "purchase", "margin"} & receipt.keys()


async def test_a_price_names_its_vat_and_one_without_says_that_taxes_are_not_in_it(world: World, visit: Visit) -> None:
    """In 2.1.1 nobody can tell a tax; a provider that knows the rate sells with it."""
    element = {"price_components": [{"type": "ENERGY", "price": 0.4, "step_size": 1}]}
    tariff = said.theirs(said.tariff("BARE", elements=[element], tax_included="NO"))
    tariff.pop("type", None)
    await world.tell("tariffs", said.said("tariff", tariff, "2.2.1"))
    await world.tell("locations", _location(world, "BARE"))
    station = f"/stations/{await number(visit)}"
    page = words(await visit.get(f"{station}?kwh=10"))
    assert "€0.40 per kWh plus taxes" in page and "About €4.00 for 10 kWh" in page and "before taxes" in page and "VAT" not in page
    await offered(world, countries=["NL"], missing_vat=21)
    page = words(await visit.get(f"{station}?kwh=10"))
    assert "€0.484 per kWh incl. 21 % VAT" in page and "About €4.84 for 10 kWh" in page and "incl. €0.84 VAT" in page
    plugs = (await visit.get(f"{station}.json")).json["evses"][0]["connectors"]
    assert plugs[0]["vat"] == [21]


async def test_a_tariff_of_our_own_hides_the_check_of_the_operators_bill(world: World, visit: Visit) -> None:
    tariff = {
        "currency": "EUR",
        "tax_included": "YES",
        "elements": [{"price_components": [{"type": "ENERGY", "price": Decimal("0.5"), "step_size": 1}]}],
    }
    await offered(world, tariff=tariff)
    assert "€0.50 per kWh" in words(await visit.get(f"/stations/{await number(visit)}"))
    url, drive, driver = await begun(visit, world)
    await world.tell("cdrs", _bill(world, drive, driver, "0.40", claimed="99"))
    page = words(await visit.get(url))
    assert "€5.00" in page and "Checked" not in page and "0.40" not in page


async def test_where_the_price_is_not_known_the_fee_is_told(world: World, visit: Visit) -> None:
    await offered(world, fee={"percentage": 10, "per_session": 1, "currency": "EUR", "vat": 21})
    page = words(await visit.get(f"/stations/{await number(visit)}"))
    assert "The operator has told no price for this plug. On top of it: +10 %, service fee €1.21 per session." in page
    url, _, _ = await begun(visit, world)
    assert "told no price before the start. On top of it: +10 %" in words(await visit.get(url))


async def test_each_driver_sees_the_offer_of_the_own_contract(world: World, pages: Pages, visit: Visit) -> None:
    world.cpo.word = "REJECTED"
    _, _, driver = await begun(visit, world)
    token = await world.node.store.read(lambda tx: tx.objects.get(token_key(world.node, driver)))
    assert token is not None
    await own(world.node, "tokens", {**token.document, "group_id": "FLEET", "last_updated": world.clock.text(1)})
    await offered(world, "ALL", fee={"per_session": 2, "currency": "EUR", "vat": 0})
    await offered(world, "FLEET", groups=["FLEET"], fee={"per_session": 1, "currency": "EUR", "vat": 0})
    url = f"/stations/{await number(visit)}"
    assert "€1.00 per session" in words(await visit.get(url)) and "€2.00 per session" in words(await Visit(pages).get(url))
    _, drive, _ = await begun(visit, world)
    assert decode_json(drive.offer)["id"] == "FLEET"


async def test_an_offer_that_changed_since_it_was_shown_starts_nothing(world: World, visit: Visit) -> None:
    await offered(world, fee={"percentage": 10})
    page = await visit.get(f"/stations/{await number(visit)}")
    form = {name: page.field(name) for name in ("csrf", "station", "evse", "connector", "price")}
    await offered(world, fee={"percentage": 20})
    answer = await visit.post("/drives", form)
    assert answer.status == 409 and "price has just changed" in answer.text
    assert world.cpo.asked == []


async def test_a_bill_that_was_taken_back_leaves_nothing_to_pay(world: World, visit: Visit) -> None:
    url, drive, driver = await begun(visit, world)
    await world.tell("cdrs", _bill(world, drive, driver, "1", claimed="10"))
    credit = {"id": "C1-C", "credit": True, "credit_reference_id": "C1"}
    await world.tell("cdrs", _bill(world, drive, driver, "1", claimed="-10", **credit))
    page = words(await visit.get(url))
    assert "taken this bill back" in page and "€0.00" in page and "−€10.00" in page


async def test_a_price_that_cannot_be_said_is_not_said(world: World, visit: Visit) -> None:
    await offered(world, fee={"per_session": 1, "currency": "SEK"})
    url, drive, driver = await begun(visit, world)
    await world.tell("cdrs", _bill(world, drive, driver, "1", claimed="10"))
    page, document = words(await visit.get(url)), (await visit.get(f"{url}.json")).json
    assert "not known yet: the fee is in SEK" in page and "€" not in page
    assert document["receipt"]["total"] is None
    assert (await visit.get("/drives")).status == 200


def _bill(world: World, drive: Drive, driver: Driver, price: str, *, claimed: str, **more: Any) -> dict[str, Any]:
    element = {"price_components": [{"type": "ENERGY", "price": Decimal(price), "vat": 0, "step_size": 1}]}
    tariff = said.theirs(said.tariff("T9", elements=[element]))
    cdr = said.cdr(
        cdr_token=session(world, driver, drive)["cdr_token"],
        authorization_reference=drive.id,
        start_date_time=world.clock.text(),
        end_date_time=world.clock.text(3600),
        tariffs=[tariff],
        charging_periods=[{"start_date_time": world.clock.text(), "dimensions": [{"type": "ENERGY", "volume": 10}], "tariff_id": "T9"}],
        total_energy=10,
        total_cost={"before_taxes": Decimal(claimed)},
    )
    for name in ("total_energy_cost", "total_fixed_cost", "total_time_cost"):
        cdr.pop(name, None)
    return said.said("cdr", said.theirs({**cdr, **more}), "2.2.1")


async def test_a_start_that_the_operator_refuses_says_why(world: World, visit: Visit) -> None:
    world.cpo.word = "REJECTED"
    page = words(await visit.get((await begin(visit)).header("location")))
    assert "Not started" in page and "did not allow" in page


async def test_a_price_that_has_changed_since_it_was_shown_starts_nothing(world: World, visit: Visit) -> None:
    page = await visit.get(f"/stations/{await number(visit)}")
    form = {name: page.field(name) for name in ("csrf", "station", "evse", "connector", "price")}
    await _tariff(world, "NOW", "0.40")
    await world.tell("locations", _location(world, "NOW"))
    answer = await visit.post("/drives", form)
    assert answer.status == 409 and "price has just changed" in answer.text
    assert world.cpo.asked == []


# --- who may


async def test_the_cookie_is_kept_from_scripts_and_from_other_sites(visit: Visit) -> None:
    said_cookie = (await visit.get("/")).header("set-cookie")
    assert "HttpOnly" in said_cookie and "SameSite=Lax" in said_cookie and "Secure" in said_cookie
    assert (await visit.get("/")).header("set-cookie") == ""


@pytest.mark.parametrize("proof", ["", "0" * 64, None])
async def test_a_post_without_the_proof_of_our_page_changes_nothing(world: World, visit: Visit, proof: str | None) -> None:
    page = await visit.get(f"/stations/{await number(visit)}")
    form = {name: page.field(name) for name in ("csrf", "station", "evse", "connector")}
    if proof is None:
        visit.cookies.clear()
    else:
        form["csrf"] = proof
    assert (await visit.post("/drives", form)).status == 403
    assert world.cpo.asked == []


async def test_a_drive_is_shown_and_stopped_by_its_driver_alone(world: World, pages: Pages, visit: Visit) -> None:
    url, drive, driver = await begun(visit, world)
    await world.tell("sessions", session(world, driver, drive))
    stranger = Visit(pages)
    proof = (await stranger.get("/stations.json")).json["csrf"]
    assert (await begin(stranger)).status == 303
    assert (await stranger.get(url)).status == 404
    assert (await stranger.get(f"{url}/live")).status == 404
    assert (await stranger.post(f"{url}/stop", {"csrf": proof})).status == 404
    assert (await world.now(drive)).state == "CHARGING"


async def test_a_cookie_that_we_did_not_sign_is_nobodys(world: World, visit: Visit) -> None:
    url, _, _ = await begun(visit, world)
    [(name, value)] = visit.cookies.items()
    visit.cookies[name] = value[:-1] + ("0" if value[-1] != "0" else "1")
    assert (await visit.get(url)).status == 404


async def test_a_start_that_cannot_be_makes_no_driver(world: World, visit: Visit) -> None:
    listed = (await visit.get("/stations.json")).json
    chosen = {"station": listed["stations"][0]["id"], "evse": "E2", "connector": "1"}
    answer = await visit.post_json("/drives", chosen, listed["csrf"])
    assert answer.status == 409 and answer.json["error"] == "Somebody is charging here."
    assert (await world.node.store.read(lambda tx: tx.objects.counts())).get(("tokens", 0), 0) == 0


async def test_looking_makes_no_driver(world: World, visit: Visit) -> None:
    for url in ("/", "/drives", f"/stations/{await number(visit)}"):
        await visit.get(url)
    assert (await world.node.store.read(lambda tx: tx.objects.counts())).get(("tokens", 0), 0) == 0


async def test_starts_of_one_driver_and_new_drivers_of_one_address_are_limited(world: World, pages: Pages, visit: Visit) -> None:
    world.cpo.word = "REJECTED"
    assert [(await begin(visit)).status for _ in range(STARTS + 1)] == [303] * STARTS + [429]
    world.clock.move(601)
    assert (await begin(visit)).status == 303
    statuses = [(await begin(Visit(pages))).status for _ in range(NEW_DRIVERS)]
    assert statuses == [303] * (NEW_DRIVERS - 1) + [429]


async def test_every_answer_forbids_foreign_scripts_and_frames(visit: Visit) -> None:
    for url in ("/", "/drives", "/nowhere", "/static/driver.css", "/stations.json"):
        page = await visit.get(url)
        assert "default-src 'self'" in page.header("content-security-policy") and "unsafe" not in page.header("content-security-policy")
        assert (page.header("x-content-type-options"), page.header("referrer-policy")) == ("nosniff", "no-referrer")
        assert not re.search(r"<script>|<style|\sstyle=|\son[a-z]+=|https?://", page.text if "html" in page.header("content-type") else "")


async def test_head_has_no_body_and_unknown_methods_are_refused(visit: Visit) -> None:
    page = await visit.get("/", method="HEAD")
    assert page.status == 200 and page.body == b""
    assert (await visit.get("/", method="DELETE")).status == 405


async def test_a_form_is_small(visit: Visit) -> None:
    await visit.get("/")
    assert (await visit.post("/drives", {"csrf": "x" * 20_000})).status == 413


# --- for programs


async def test_the_whole_way_as_json(world: World, visit: Visit) -> None:
    listed = (await visit.get("/stations.json")).json
    station = (await visit.get(f"/stations/{listed['stations'][0]['id']}.json")).json
    evse = next(evse for evse in station["evses"] if evse["status"] == "AVAILABLE")
    chosen = {"station": station["id"], "evse": evse["uid"], "connector": evse["connectors"][0]["id"]}
    made = await visit.post_json("/drives", chosen, listed["csrf"])
    assert made.status == 201 and made.json["state"] == "ACCEPTED" and made.json["open"]
    again = await visit.post_json("/drives", chosen, listed["csrf"])
    assert (again.status, again.json["id"], len(world.cpo.asked)) == (200, made.json["id"], 1), "who presses twice means one"
    url = f"/drives/{made.json['id']}"
    assert made.json["stoppable"] is False
    assert (await visit.post_json(f"{url}/stop", {}, listed["csrf"])).status == 409
    drive = await world.node.store.read(lambda tx: tx.drivers.get(made.json["id"]))
    driver = await world.node.store.read(lambda tx: tx.drivers.driver(drive.driver))  # type: ignore[union-attr]
    assert drive is not None and driver is not None
    await world.tell("sessions", session(world, driver, drive))
    document = (await visit.get(f"{url}.json")).json
    assert document["session_id"] and document["stoppable"]
    assert (await visit.post_json(f"{url}/stop", {}, listed["csrf"])).json["state"] == "STOPPING"
    assert [one["id"] for one in (await visit.get("/drives.json")).json["drives"]] == [made.json["id"]]


@pytest.mark.parametrize("document", [b"{", b"[1]", b"null", encode_json({"station": {}, "evse": [], "connector": None})])
async def test_json_that_is_none_of_ours_is_refused_in_words(visit: Visit, document: bytes) -> None:
    proof = (await visit.get("/stations.json")).json["csrf"]
    headers = {"content-type": "application/json", "accept": "application/json", "x-csrf-token": proof}
    answer = await ask(visit.app, scope("POST", "/drives", visit.headers(headers)), body(document))
    assert answer is not None and answer.status in (400, 409) and answer.json["error"]


# --- helpers


async def _tariff(world: World, name: str, price: str, **more: Any) -> None:
    element = {"price_components": [{"type": "ENERGY", "price": float(price), "vat": 0, "step_size": 1}]}
    tariff = said.theirs(said.tariff(name, elements=[element], **more))
    tariff.pop("type", None)
    await world.tell("tariffs", said.said("tariff", tariff, "2.2.1"))


def _location(world: World, *tariffs: str) -> dict[str, Any]:
    world.clock.move(1)
    now = world.clock.text()
    connector = said.connector(tariff_ids=list(tariffs), last_updated=now)
    evse = said.evse(status="AVAILABLE", connectors=[connector], last_updated=now)
    return said.said("location", said.theirs(said.location(evses=[evse], last_updated=now)), "2.2.1")


async def test_what_the_meter_signed_is_shown_copied_and_downloaded(world: World, visit: Visit) -> None:
    url, drive, driver = await begun(visit, world)
    assert (await visit.get(f"{url}/signed.xml")).status == 404
    bill = _bill(world, drive, driver, "0.40", claimed="4")
    at = parse_time(bill["start_date_time"])
    meter = Signer("M1", "pages")
    texts = [meter.sign(Reading(at, wh, (), ""), None, mark).signed for wh, mark in ((0, "B"), (10_000, "E"))]
    values = [
        {"nature": nature, "plain_data": text, "signed_data": b64encode(text.encode()).decode()}
        for nature, text in zip(("Start", "End"), texts, strict=True)
    ]
    bill["signed_data"] = {
        "encoding_method": "OCMF",
        "public_key": b64encode(bytes.fromhex(meter.public_key)).decode(),
        "signed_values": values,
    }
    await world.tell("cdrs", bill)
    page, document = await visit.get(url), (await visit.get(f"{url}.json")).json["receipt"]["signed"]
    assert "signature is right for the key below" in words(page) and "10.000 kWh" in words(page) and meter.public_key in page.text
    assert [html.unescape(found) for found in re.findall(r"<textarea[^>]*>(OCMF.*?)</textarea>", page.text)] == texts
    assert (document["verdict"], document["public_key"], [one["text"] for one in document["values"]]) == (
        "signed_right",
        meter.public_key,
        texts,
    )
    file = await visit.get(f"{url}/signed.xml")
    assert file.status == 200 and all(text in file.text for text in texts) and "attachment" in file.header("content-disposition")
    assert (await Visit(visit.app).get(f"{url}/signed.xml")).status == 404, "nobody else's business"


async def test_static_files_are_kept_for_ever_in_this_edition_only(visit: Visit) -> None:
    front = await visit.get("/")
    named = re.findall(r'(?:href|src)="(/static/[^"#]+)', front.text)
    assert len(named) >= 6
    for url in named:
        assert (await visit.get(url)).header("cache-control") == "public, max-age=31536000, immutable"
        assert (await visit.get(url.partition("?")[0] + "?v=older")).header("cache-control") == "no-cache"
    assert (await visit.get("/static/nothing.css?" + named[0].partition("?")[2])).header("cache-control") == "no-cache"
    assert front.header("cache-control") == "no-store"

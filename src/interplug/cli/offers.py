"""`interplug offer`: what our eMSP charges its drivers, and where and for whom. They are business, so they stand in the database."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter

from interplug.drivers.deals import deal
from interplug.drivers.offers import BadOffer, Offer, known, precedence, read_offer, weigh
from interplug.drivers.plugs import tariffs_of
from interplug.drivers.situations import at_plug
from interplug.model.types import BadJson, decode_json, fold
from interplug.modules.node import Node
from interplug.store.keys import OWN, Stored
from interplug.store.tx import Tx

from .ending import USAGE, columns, end, show
from .opening import DASH, REPORTING, Reporting, with_node
from .options import CALLED
from .partners import named

Several = Annotated[list[str] | None, CALLED, Parameter(negative=(), consume_multiple=True)]
EMPTY: tuple[Any, ...] = (None, [], {})


@Parameter(name="*")
@dataclass(frozen=True)
class Conditions:
    """Where and for whom an offer holds, and before which others."""

    contract: Annotated[Several, Parameter(help="For these contracts alone.")] = None
    group: Annotated[Several, Parameter(help="For Tokens of these groups (group_id) alone.")] = None
    operator: Annotated[Several, Parameter(help="At stations of these parties alone, as NL-TNM.")] = None
    partner: Annotated[Several, Parameter(help="At stations that these partners tell of.")] = None
    country: Annotated[Several, Parameter(help="In these countries alone, ISO 3166.")] = None
    min_kw: Annotated[str | None, Parameter(help="At plugs of so many kW or more.")] = None
    max_kw: Annotated[str | None, Parameter(help="At plugs below so many kW.")] = None
    power_type: Annotated[Several, Parameter(help="At plugs of these power types alone, as AC_3_PHASE or DC.")] = None
    priority: Annotated[int | None, Parameter(help="Among offers that are equally specific the higher one counts.")] = None

    def document(self) -> dict[str, Any]:
        return {
            "contracts": self.contract,
            "groups": self.group,
            "operators": self.operator,
            "partners": self.partner,
            "countries": self.country,
            "min_kw": _number("min-kw", self.min_kw),
            "max_kw": _number("max-kw", self.max_kw),
            "power_types": self.power_type,
            "priority": self.priority,
        }


@Parameter(name="*")
@dataclass(frozen=True)
class Fee:
    """What comes on top."""

    percentage: Annotated[str | None, DASH, Parameter(help="Fee: so many percent of each price of the operator.")] = None
    per_session: Annotated[str | None, Parameter(help="Fee: so much for each session.")] = None
    per_kwh: Annotated[str | None, Parameter(help="Fee: so much for each kWh.")] = None
    currency: Annotated[str | None, CALLED, Parameter(help="Of --per-session and --per-kwh, as EUR.")] = None
    vat: Annotated[str | None, Parameter(help="Rate of the fee in percent; else that of the operator's tariff, if it has one.")] = None
    with_taxes: Annotated[bool, Parameter(negative=(), help="--per-session and --per-kwh have their taxes in them.")] = False

    def document(self) -> dict[str, Any]:
        return {
            "percentage": _number("percentage", self.percentage),
            "per_session": _number("per-session", self.per_session),
            "per_kwh": _number("per-kwh", self.per_kwh),
            "currency": self.currency,
            "vat": _number("vat", self.vat),
            "tax_included": "YES" if self.with_taxes else None,
        }


CONDITIONS, NO_FEE = Conditions(), Fee()


def add(
    id: str,
    /,
    *,
    conditions: Conditions = CONDITIONS,
    tariff: Annotated[str | None, DASH, Parameter(help="File with the Tariff (OCPI 2.3.0) that drivers pay; - for standard input.")] = None,
    fee: Fee = NO_FEE,
    missing_vat: Annotated[
        str | None, Parameter(help="Rate, in percent, of operators' prices that tell no tax; of OCPI 2.1.1 none does.")
    ] = None,
    common: Reporting = REPORTING,
) -> None:
    """Add an offer, or replace the one with this id. Without --tariff the operator's prices pass through, with the fee on top.

    Sessions that have started keep what was shown to their drivers.

    Parameters
    ----------
    id
        A name of your own.
    """
    priced = {
        "tariff": _read(tariff) if tariff is not None else None,
        "fee": _without(fee.document()),
        "missing_vat": _number("missing-vat", missing_vat),
    }
    try:
        offer = read_offer(_without({"id": id, **conditions.document(), **priced}))
    except BadOffer as error:
        end(str(error), USAGE)
    changed = with_node(common, lambda node: node.store.write(lambda tx: tx.offers.put(offer.id, offer.document(), node.clock())))
    said = f"offer {offer.id} {'holds now' if changed else 'was there already'}: {terms(offer)}"
    show({**offer.document(), "changed": changed}, [said], json=common.json)


def list_(*, common: Reporting = REPORTING) -> None:
    """List the offers that hold now, those first that go before others."""
    offers = with_node(common, _all)
    rows = [(one.id, ", ".join(conditions(one)) or "everywhere, for everybody", one.priority, terms(one)) for one in offers]
    empty = ["no offer: the operators' prices are those of the drivers"]
    show(
        [one.document() for one in offers],
        columns(("offer", "where and for whom", "priority", "price"), rows) if rows else empty,
        json=common.json,
    )


def show_(id: str, /, *, common: Reporting = REPORTING) -> None:
    """Show an offer.

    Parameters
    ----------
    id
        The id of the offer.
    """
    found = next((one for one in with_node(common, _all) if fold(one.id) == fold(id)), None)
    if found is None:
        end(f"there is no offer {id!r}")
    lines = [f"offer      {found.id}", *(f"           {one}" for one in conditions(found)), f"price      {terms(found)}"]
    show(found.document(), lines, json=common.json)


def remove(id: str, /, *, common: Reporting = REPORTING) -> None:
    """End an offer. Sessions that have started keep what was shown to their drivers.

    Parameters
    ----------
    id
        The id of the offer.
    """
    if not with_node(common, lambda node: node.store.write(lambda tx: tx.offers.end(id, node.clock()))):
        end(f"there is no offer {id!r}")
    show({"id": id, "removed": True}, [f"offer {id} has ended"], json=common.json)


def explain(
    location: str,
    evse: Annotated[str | None, Parameter(help="uid of an EVSE; without it the first.")] = None,
    connector: Annotated[str | None, Parameter(help="Id of a Connector; without it the first.")] = None,
    /,
    *,
    partner: Annotated[str | None, Parameter(help="The partner that tells of the Location, where several do.")] = None,
    contract: Annotated[str | None, Parameter(help="Of the driver.")] = None,
    group: Annotated[str | None, Parameter(help="Of the driver's Token.")] = None,
    token: Annotated[str | None, Parameter(help="uid of a Token of ours, instead of --contract and --group.")] = None,
    common: Reporting = REPORTING,
) -> None:
    """Say which offer holds at a plug for a driver, what that costs in words, and why the other offers do not.

    Parameters
    ----------
    location
        Id of the partner's Location.
    """

    async def work(node: Node) -> dict[str, Any]:
        async def read(tx: Tx) -> dict[str, Any]:
            place = await _place(tx, node, location, partner)
            driver = {"contract_id": contract, "group_id": group} if token is None else await _token(tx, token)
            return await _explained(tx, node, place, _plug(place, evse, connector), driver)

        return await node.store.read(read)

    document = with_node(common, work)
    show(document, _explanation(document), json=common.json)


# --- explaining


async def _explained(tx: Tx, node: Node, place: Stored, plug: dict[str, Any], driver: dict[str, Any]) -> dict[str, Any]:
    tariffs = await tariffs_of(tx, place.key, plug.get("tariff_ids") or ())
    here = at_plug(node, place, plug, tariffs, driver, node.clock())
    found = weigh(map(known, await tx.offers.all()), here)
    winner = next((one.offer for one in found if one.chosen), None)
    sold, bought = deal(winner, tariffs, here.at), deal(None, tariffs, here.at)
    return {
        "operator": here.operator,
        "partner": here.partner,
        "country": here.country,
        "kw": here.kw,
        "power_type": here.power_type,
        "contract": here.contract,
        "group": here.group,
        "offer": None if winner is None else winner.id,
        "price": sold.price or None,
        "on_top": None if sold.price else sold.on_top or None,
        "operators_price": bought.price or None,
        "offers": [{"id": one.offer.id, "chosen": one.chosen, "why": one.why} for one in found],
    }


def _explanation(found: dict[str, Any]) -> Iterator[str]:
    driver = found["contract"] or "a driver without a contract yet"
    yield f"{found['operator']} (told by {found['partner']}), {found['country']}, {found['kw']} kW {found['power_type']}, {driver}"
    yield f"operator   {found['operators_price'] or 'has told no price'}"
    yield f"driver     {found['price'] or 'not known before the bill'}{', ' + found['on_top'] if found['on_top'] else ''}"
    if found["offer"] is None:
        yield "no offer holds: the operator's price passes through"
    for one in found["offers"]:
        yield f"{'->' if one['chosen'] else '  '} {one['id']}: {one['why']}"


async def _place(tx: Tx, node: Node, location: str, partner: str | None) -> Stored:
    source = None if partner is None else named(node, partner).id
    several = [one for one in await tx.objects.find_id("locations", location, source) if one.key.source != OWN]
    if not several:
        end(f"there is no Location {location!r} of a partner")
    if len(several) > 1:
        end(f"{len(several)} Locations have the id {location!r}; say whose with --partner", USAGE)
    return several[0]


async def _token(tx: Tx, uid: str) -> dict[str, Any]:
    found = await tx.objects.find_id("tokens", uid, OWN)
    if not found:
        end(f"there is no Token {uid!r} of ours")
    document: dict[str, Any] = found[0].document
    return document


def _plug(place: Stored, evse: str | None, connector: str | None) -> dict[str, Any]:
    for one in place.document.get("evses") or ():
        if evse is None or fold(one["uid"]) == fold(evse):
            for plug in one["connectors"]:
                if connector is None or fold(plug["id"]) == fold(connector):
                    found: dict[str, Any] = plug
                    return found
    end(f"Location {place.key.id!r} has no such plug")


# --- words and numbers


async def _all(node: Node) -> list[Offer]:
    offers = await node.store.read(lambda tx: tx.offers.all())
    return sorted(map(known, offers), key=precedence)


def conditions(offer: Offer) -> list[str]:
    power = [f"from {offer.min_kw} kW"] * (offer.min_kw is not None) + [f"below {offer.max_kw} kW"] * (offer.max_kw is not None)
    lists = (
        ("contract", offer.contracts), ("group", offer.groups), ("operator", offer.operators), ("partner", offer.partners),
        ("power type", offer.power_types), ("country", offer.countries),
    )  # fmt: skip
    return [*(f"{name} {' or '.join(listed)}" for name, listed in lists if listed), *power]


def terms(offer: Offer) -> str:
    """The price in words; of a fee what it is, for what it is added to is known at a plug alone."""
    if offer.tariff is not None:
        return deal(offer, (), 0).price
    on_top = deal(offer, (), 0).on_top
    taxes = "" if offer.missing_vat is None else f", with {offer.missing_vat.normalize():f} % VAT where it tells no tax"
    return f"the operator's price{taxes}{', ' + on_top if on_top else ''}"


def _number(name: str, text: str | None) -> Decimal | None:
    if text is None:
        return None
    try:
        return Decimal(text)
    except InvalidOperation:
        end(f"--{name}: {text!r} is no number", USAGE)


def _read(file: str) -> Any:
    raw = sys.stdin.buffer.read() if file == "-" else Path(file).read_bytes()
    try:
        document = decode_json(raw)
    except BadJson as error:
        end(f"{file}: {error.reason}", USAGE)
    return document[0] if isinstance(document, list) and len(document) == 1 else document


def _without(document: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in document.items() if value not in EMPTY}

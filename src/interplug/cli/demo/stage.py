"""The stage: a city of two charge point operators, a provider, and a payment terminal, invented, imported and joined by real handshakes.

Everything that happens here is done with the commands that an operator has. What is invented is the city; the nodes, their
databases and what goes over the wire are what they would be anywhere.
"""

from __future__ import annotations

import asyncio
import random
import shutil
import tempfile
import time
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

from interplug.model.types import decode_json, encode_json, format_time
from interplug.stations import city

from .processes import DemoFailed, NodeProcess
from .stations import StationsProcess

LOCATIONS = 21
"""Of each operator, with 54 EVSEs; more than forty stations together."""
CARDS = 24
OWN_CARDS = 24
"""Of each operator's own drivers."""
ALPHA = city.Operator("NL", "KAD", "Kade Laden", "Havenstad", Decimal("51.921"), Decimal("4.479"))
BETA = city.Operator("NL", "STS", "Stadstroom", "Havenstad", Decimal("51.934"), Decimal("4.512"))
OFFER = "VONK-CITY"
RETAIL = {
    "currency": "EUR",
    "tax_included": "YES",
    "elements": [
        {
            "price_components": [
                {"type": "ENERGY", "price": Decimal("0.45"), "vat": 21, "step_size": 1},
                {"type": "FLAT", "price": Decimal("0.35"), "vat": 21, "step_size": 1},
            ]
        }
    ],
}
"""What the provider charges at slow plugs of the second operator; elsewhere the operators' prices pass through."""
COUNTRY_OFFER = {"id": "VONK-NL", "countries": ["NLD"], "missing_vat": 21}
"""The provider sells in its own name, so its drivers see prices with VAT where the first operator, on 2.1.1, cannot tell it."""
PROVIDER = ("NL", "VNK", "Vonk Mobiliteit")
TERMINALS = ("NL", "PIN", "Pinstraat")
"""Who provides the payment terminal at stations of the second operator."""
TERMINAL, SERVED = "PIN-0001", 3
"""Its reference, and of how many Locations it is the terminal."""
KNOWN_WITHIN = 15
"""Times that the operator tries to activate it, a second apart."""
AD_HOC = {
    "type": "AD_HOC_PAYMENT",
    "currency": "EUR",
    "tax_included": "NO",
    "preauthorize_amount": 40,
    "elements": [{"price_components": [{"type": "ENERGY", "price": Decimal("0.52"), "vat": 21, "step_size": 1}]}],
}
"""The price for who pays there by card."""


@dataclass
class Stage:
    """The four nodes, and the stations of the two operators."""

    folder: Path
    alpha: NodeProcess
    beta: NodeProcess
    provider: NodeProcess
    terminals: NodeProcess
    stations: tuple[StationsProcess, StationsProcess]
    terminal: str = ""
    """Its id, once it is activated."""

    @property
    def locations(self) -> int:
        """Of all operators."""
        return LOCATIONS * len(self.operators)

    @property
    def operators(self) -> tuple[NodeProcess, NodeProcess]:
        return self.alpha, self.beta

    @property
    def nodes(self) -> tuple[NodeProcess, ...]:
        return self.alpha, self.beta, self.provider

    @property
    def processes(self) -> tuple[NodeProcess, ...]:
        return *self.nodes, self.terminals

    @property
    def terminal_page(self) -> str:
        return f"{self.terminals.url}/terminals/{self.terminal}"


@asynccontextmanager
async def stage(seed: int, speed: float, *, keep: bool) -> AsyncIterator[Stage]:
    """Nodes that have ended when this is left, whatever happened; the folder is gone then, unless it is kept."""
    folder = Path(tempfile.mkdtemp(prefix="interplug-demo-"))
    built = _nodes(folder, seed, speed, time.time())
    try:
        yield built
    finally:
        await asyncio.gather(*(one.end() for one in built.stations), *(one.end() for one in built.processes), return_exceptions=True)
        for node in built.processes:
            node.release()
        if not keep:
            shutil.rmtree(folder, ignore_errors=True)


def _nodes(folder: Path, seed: int, speed: float, epoch: float) -> Stage:
    clock = f"[simulator]\nspeed = {speed}\nepoch = {epoch:.3f}\n"

    def operator(one: city.Operator, versions: list[str]) -> NodeProcess:
        party = f"{one.country_code}-{one.party_id}"
        return NodeProcess(folder / one.party_id.lower(), one.name, one.name, "CPO", party, versions, clock, charges=True)

    country, party, company = PROVIDER
    alpha, beta = operator(ALPHA, ["2.1.1"]), operator(BETA, ["2.2.1", "2.3.0"])
    provider = NodeProcess(
        folder / party.lower(), company, company, "EMSP", f"{country}-{party}", ["2.1.1", "2.2.1", "2.3.0"],
        f'{clock}[surfaces]\ndriver = true\n[payments]\nprovider = "test"\n',
    )  # fmt: skip
    country, party, company = TERMINALS
    terminals = NodeProcess(
        folder / party.lower(), company, company, "PTP", f"{country}-{party}", ["2.3.0"],
        f'{clock}[surfaces]\nterminals = true\n[payments]\nprovider = "test"\n',
    )  # fmt: skip
    stations = (StationsProcess(alpha, speed, epoch, seed), StationsProcess(beta, speed, epoch, seed))
    return Stage(folder, alpha, beta, provider, terminals, stations)


async def furnish(built: Stage, seed: int) -> None:
    """Parties, stations, tariffs and cards, before the nodes run."""
    now = time.time_ns() // 1000
    await asyncio.gather(
        *(_operator(one, operator, seed, now) for one, operator in zip(built.stations, (ALPHA, BETA), strict=True)),
        _provider(built.provider, seed, now),
        built.terminals.command("party", "add", built.terminals.role, built.terminals.party, "--name", built.terminals.name),
    )


async def _operator(stations: StationsProcess, operator: city.Operator, seed: int, now: int) -> None:
    node = stations.operator
    await node.command("party", "add", node.role, node.party, "--name", node.company)
    locations = city.locations(operator, now, seed=seed, count=LOCATIONS)
    country, party = operator.country_code, operator.party_id
    tariffs = city.tariffs(operator, now)
    if operator is BETA:
        tariffs.append({**operator.owned("AD-HOC", now), **AD_HOC})
        locations = [_paid_here(one) if place < SERVED else one for place, one in enumerate(locations)]
    files = [
        _written(node.folder / "tariffs.jsonl", tariffs),
        _written(node.folder / "locations.jsonl", locations),
        _written(node.folder / "tokens.jsonl", _cards(f"{seed}/{party}", now, (country, party, operator.name), OWN_CARDS)),
    ]
    await node.command("import", *files, "--version", "2.3.0")
    await stations.provide(locations)


def _paid_here(location: dict[str, Any]) -> dict[str, Any]:
    """Each of its plugs has the price for who pays by card besides."""
    evses = [
        {**evse, "connectors": [{**plug, "tariff_ids": [*plug["tariff_ids"], "AD-HOC"]} for plug in evse["connectors"]]}
        for evse in location["evses"]
    ]
    return {**location, "evses": evses}


async def open_stations(built: Stage) -> None:
    """The stations connect, and drivers come: the operator's own, and the provider's with the cards that this operator knows."""
    await asyncio.gather(
        *(one.start([*_uids(one.operator.folder / "tokens.jsonl"), *_uids(_roaming(built, one))]) for one in built.stations)
    )


def _roaming(built: Stage, stations: StationsProcess) -> Path:
    return built.provider.folder / f"tokens-{stations.operator.folder.name}.jsonl"


def _uids(file: Path) -> list[str]:
    return [decode_json(line)["uid"] for line in file.read_bytes().splitlines()]


async def _provider(node: NodeProcess, seed: int, now: int) -> None:
    beta = f"{BETA.country_code}-{BETA.party_id}"
    offers = [{"id": OFFER, "operators": [beta], "max_kw": 50, "tariff": RETAIL}, COUNTRY_OFFER]
    business = {"parties": [{"role": node.role, "id": node.party, "name": node.company}], "offers": offers}
    await node.command("apply", _written(node.folder / "business.json", [business]))
    # A card is in one place at a time, so each operator knows cards of its own.
    cards = _cards(str(seed), now, PROVIDER, CARDS)
    for number, operator in enumerate((ALPHA, BETA)):
        file = _written(node.folder / f"tokens-{operator.party_id.lower()}.jsonl", cards[number::2])
        await node.command("import", file, "--version", "2.3.0", "--audience", operator.name)


def _cards(seed: str, now: int, issuer: tuple[str, str, str], count: int) -> list[dict[str, Any]]:
    """RFID cards of a company's drivers, who come and go."""
    chance = random.Random(f"cards/{seed}")
    country, party, company = issuer
    return [
        {
            "country_code": country,
            "party_id": party,
            "uid": f"{chance.getrandbits(56):014X}",
            "type": "RFID",
            "contract_id": f"{country}{party}C{number:08d}",
            "issuer": company,
            "valid": True,
            "whitelist": "ALLOWED",
            "last_updated": format_time(now),
        }
        for number in range(1, count + 1)
    ]


def _written(path: Path, documents: Iterable[dict[str, Any]]) -> str:
    path.write_bytes(b"".join(encode_json(document) + b"\n" for document in documents))
    return str(path)


async def join(built: Stage) -> None:
    """Each operator invites the provider, who registers: chapter 7 with all its calls, over sockets."""
    await asyncio.gather(*(_joined(operator, built.provider, operator.versions[0]) for operator in built.operators))


async def join_terminal(built: Stage) -> None:
    """The second operator invites who provides terminals, and activates the one that came with its stations."""
    await _joined(built.beta, built.terminals, "2.3.0")
    places = [f"LOC{number:04d}" for number in range(1, SERVED + 1)]
    where = [text for place in places for text in ("--location", place)]
    for left in reversed(range(KNOWN_WITHIN)):
        try:
            found = await built.beta.command("terminal", "activate", TERMINAL, built.terminals.name, *where, "--our-invoices")
        except DemoFailed:
            # Its provider refuses Locations that it has not read yet.
            if not left:
                raise
            await asyncio.sleep(1.0)
        else:
            built.terminal = found["terminal_id"]
            return


async def _joined(operator: NodeProcess, partner: NodeProcess, version: str) -> None:
    invitation = await operator.command("partner", "invite", partner.name, "--version", version)
    wish = ("--name", operator.name, "--audience", operator.name, "--version", version)
    await partner.command("partner", "register", invitation["versions_url"], *wish, typed=invitation["token"] + "\n")

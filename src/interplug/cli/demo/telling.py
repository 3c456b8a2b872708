"""What the demo tells in words: where everything is while it lasts, and the summary of a story that was told once."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from .planted import line
from .stage import Stage
from .story import priced
from .visitor import CARD

Document = dict[str, Any]


def announcement(built: Stage, speed: float, *, keep: bool) -> Iterator[str]:
    yield f"\n  Driver's page   {built.provider.url}/"
    yield f"  Card terminal   {built.terminal_page}"
    yield f"  Card to pay     {CARD} (of the test provider; no money moves)"
    yield "  E-mails         told here with their links; make an account at /account with any address\n"
    for node in built.processes:
        yield f"  {node.name:16}{node.role:5} OCPI {', '.join(node.versions):20} pid {node.pids[-1]:<7} {node.url}/ocpi/versions"
    if keep:
        yield f"  folder          {built.folder}"
    for one in built.stations:
        yield f"  {len(one.plans)} stations of {one.operator.name} at {one.operator.stations_url}"
    yield f"\n  A simulated minute takes {60 / speed:.0f} s. Ctrl-C ends it.\n"


def lines(document: Document) -> Iterator[str]:
    for node in filter(None, (*document.get("nodes", ()), document.get("terminals_node"))):
        yield f"{node['name']:16} {node['party']:11} pid {' then '.join(map(str, node['pids']))}, {node['versions_url']}"
    for one in document.get("stations", ()):
        versions = ", ".join(one["versions"])
        yield f"{one['operator']}: {one['online']} stations (OCPP {versions}), {one['transactions']} charges, {one['said']} messages"
    for link in document.get("links", ()):
        yield f"{' - '.join(link['between'])}: OCPI {link['version']}, {len(link['losses']['fields'])} fields that it cannot carry"
    for story in document.get("stories", ()):
        yield from _story_lines(story)
    if "checks" in document:
        yield f"{document['checks']['checked']} CDRs were checked by the provider and match"
    if "breakdown" in document:
        broken, alert = document["breakdown"], document["breakdown"]["alert"]
        yield f"{broken['operator']}: {alert['code']} at {broken['station']}, on the driver's page after {broken['seconds']} s"
        yield f"    alert {alert['number']}, {alert['severity']}, from {alert['opened_at']} to {alert['closed_at']}"
    if "terminal" in document:
        paid = document["terminal"]
        amount = f"{paid['paid']} {paid['currency']} of {paid['held']} that were held"
        yield f"{paid['operator']}: {paid['kwh']} kWh paid by card at terminal {paid['terminal']}, {amount}, receipt {paid['receipt']}"
    if "planted" in document:
        yield line(document["planted"])
    if document["ok"]:
        yield f"all is well after {document['seconds']} s"


def _story_lines(story: Document) -> Iterator[str]:
    receipt = story["receipt"]
    yield f"{story['operator']}: {story['station']}, {receipt['kwh']} kWh, {priced(receipt)}"
    for name, figures in story["ends"].items():
        yield f"    {name:9} {figures['cdr_kwh']} kWh, {figures['cdr_cost']['before_taxes']}, CDR {figures['cdr']}"
    if "payment" in story:
        yield f"    paid {story['payment']['paid']} {story['payment']['currency']} by card, of {story['payment']['asked']} that were held"
    bought, sold = story["purchase"]["before_taxes"], story["retail"]["before_taxes"]
    yield f"    bought {bought}, sold {sold} ({story['offer'] or 'pass-through'}), margin {story['margin']} before taxes"
    death = story.get("death")
    if death is not None:
        kwh = f"killed at {death['kwh_before']} kWh, went on at {death['kwh_after']} kWh"
        yield f"    {kwh}, away {death['away_seconds']} s, level again with {death['level']['evses']} EVSEs"

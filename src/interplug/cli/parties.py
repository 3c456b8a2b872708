"""`interplug party`: the companies that this node speaks for. They are business, so they stand in the database."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from cyclopts import Parameter

from interplug.modules.node import Node
from interplug.protocol.headers import Party

from . import untold
from .ending import USAGE, columns, end, show
from .opening import REPORTING, Reporting, with_node
from .options import CALLED

Role = Literal["CPO", "EMSP", "PTP", "SCSP"]
WEBSITE = re.compile(r"https?://[^\s/]+\.[^\s]{1,240}")
_PARTY = re.compile(r"([A-Za-z]{2})[-*]?([A-Za-z0-9]{3})")


def party(text: str) -> Party:
    """`NL-TNM`: an ISO 3166 country code and the party id."""
    match = _PARTY.fullmatch(text)
    if match is None:
        end(f"{text!r} is no party; write one as NL-TNM", USAGE)
    return Party(match[1].upper(), match[2].upper())


def add(
    role: Role,
    id: str,
    /,
    *,
    name: Annotated[str | None, CALLED, Parameter(help="Name of the company, as partners see it.")] = None,
    website: str | None = None,
    common: Reporting = REPORTING,
) -> None:
    """Add a party of our own, or change its name.

    Parameters
    ----------
    role
        What the party is.
    id
        Country code and party id, as NL-TNM.
    """
    one = party(id)
    if website is not None and not WEBSITE.fullmatch(website):
        end(f"{website!r} is no address of the web; write one as https://example.com", USAGE)
    details: dict[str, object] = {"name": name or str(one)}
    if website:
        details["website"] = website

    async def work(node: Node) -> dict[str, Any]:
        known = name is None and website is None
        added: bool = await node.directory.write(
            lambda tx: tx.parties.add(role, one.country_code, one.party_id, None if known else details)
        )
        return {"added": added, "untold": untold.untold(node, [f"{role} {one}"] if added else ())}

    told = with_node(common, work, makes=True)
    document = {"role": role, "country_code": one.country_code, "party_id": one.party_id, **told}
    lines = [f"{role} {one} {'added' if told['added'] else 'was there already'}", *untold.lines(told["untold"])]
    show(document, lines, json=common.json)


def list_(*, common: Reporting = REPORTING) -> None:
    """List our own parties."""

    async def work(node: Node) -> list[dict[str, object]]:
        return [
            {
                "role": one.role,
                "country_code": one.country_code,
                "party_id": one.party_id,
                "business_details": one.business_details,
            }
            for one in node.directory.our_parties()
        ]

    found = with_node(common, work)
    rows = [(one["role"], f"{one['country_code']}-{one['party_id']}", one["business_details"]["name"]) for one in found]  # type: ignore[index]
    show(found, columns(("role", "party", "name"), rows) if rows else ["no party yet: interplug party add CPO NL-ABC"], json=common.json)

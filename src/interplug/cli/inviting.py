"""`interplug partner invite` and `register`: the handshake of chapter 7, from either end.

A token is printed once, when it is made, and read from a file or from standard input, never from an argument: arguments are seen by
everybody on the machine. `register` needs a running node, because the partner calls back.
"""

from __future__ import annotations

import getpass
import re
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter

from interplug.modules.node import Node
from interplug.partners import audiences, invitations, registration
from interplug.protocol.headers import Party

from .ending import CONFIGURATION, USAGE, end, show
from .opening import DASH, REPORTING, Reporting, check_version, with_node
from .options import CALLED, called
from .parties import Role, party
from .partners import Pinned, described

HOST = re.compile(r"([A-Za-z0-9_-]+\.)*[A-Za-z0-9_-]+(:\d{1,5})?|\[[0-9A-Fa-f:.]+\](:\d{1,5})?")


def _partner(kind: Any, name: str | None) -> None:
    called(kind, name)
    if name is not None and (name == "-" or name.isdigit()):
        raise ValueError("a number or - means something else where partners are named")


def _hosts(_: Any, hosts: list[str] | None) -> None:
    if wrong := [host for host in hosts or () if not HOST.fullmatch(host)]:
        raise ValueError(f"{wrong[0]!r} is no host; write one as ocpi.example.com or ocpi.example.com:8443")


AsRole = Annotated[Role | None, Parameter(help="Our role that the partner shall see; without it, all.")]
AsParty = Annotated[str | None, Parameter(name="--party", help="Our party that the partner shall see, as NL-TNM.")]
Hosts = Annotated[
    list[str] | None, Parameter(validator=_hosts, help="Host (or host:port) at which the partner may be called; may be repeated.")
]
Allowed = Annotated[list[str] | None, Parameter(help="Party, as NL-TNM, for which the partner may write; may be repeated.")]

Joined = Annotated[list[str] | None, CALLED, Parameter(name="--audience", help="Audience that the partner joins; may be repeated.")]


@Parameter(name="*")
@dataclass(frozen=True)
class Terms:
    """What holds between us and a partner from the beginning on."""

    role: AsRole = None
    as_party: AsParty = None
    version: Pinned = None
    host: Hosts = None
    allow: Allowed = None
    audience: Joined = None

    def ours(self) -> Party | None:
        return None if self.as_party is None else party(self.as_party)

    def allowed(self) -> list[str] | None:
        return None if self.allow is None else [str(party(text)) for text in self.allow]


TERMS = Terms()


def invite(
    name: Annotated[str, Parameter(validator=_partner)],
    /,
    *,
    terms: Terms = TERMS,
    common: Reporting = REPORTING,
) -> None:
    """Make a registration token for a partner, who then registers with us.

    Parameters
    ----------
    name
        What we call the partner.
    """
    check_version(terms.version)
    ours, allow = terms.ours(), terms.allowed()

    async def work(node: Node) -> invitations.Invitation:
        _check_address(node)
        _check_ours(node, terms.role, ours)
        made = await invitations.invite(node.directory, name, terms.role, ours, terms.version, hosts=terms.host or (), allow=allow)
        await _joins(node, made.connection, terms.audience)
        return made

    made = with_node(common, work, makes=True)
    document = {"token": made.token, "versions_url": made.versions_url, "connection": made.connection}
    lines = [f"token          {made.token}", f"versions URL   {made.versions_url}", "The token is shown once and serves once."]
    show(document, lines, json=common.json)


def register(
    versions_url: str,
    /,
    *,
    token_file: Annotated[str, DASH, Parameter(help="File with the token that the partner gave us; - is standard input.")] = "-",
    name: Annotated[str | None, Parameter(validator=_partner, help="What we call the partner; without it, its host.")] = None,
    terms: Terms = TERMS,
    common: Reporting = REPORTING,
) -> None:
    """Register with a partner who has invited us.

    Parameters
    ----------
    versions_url
        Where the partner's versions are.
    """
    check_version(terms.version)
    allow = terms.allowed()
    wish = registration.Wish(
        name, terms.version, terms.role, terms.ours(), tuple(terms.host or ()), None if allow is None else tuple(allow)
    )
    token = _token(token_file)

    async def work(node: Node) -> dict[str, Any]:
        _check_address(node)
        _check_ours(node, terms.role, wish.party)
        made = await registration.register(node.directory, node.client, versions_url, token, wish)
        await _joins(node, made.id, terms.audience)
        return described(made)

    document = with_node(common, work)
    show(document, [f"registered with {document['partner']}: OCPI {document['version']}"], json=common.json)


async def _joins(node: Node, connection: int, names: list[str] | None) -> None:
    for name in names or ():
        one = node.directory.by_id(connection)
        assert one is not None
        await audiences.join(node.directory, name, one)


def _token(source: str) -> str:
    if source == "-" and sys.stdin.isatty():
        text = getpass.getpass("token of the partner: ")
    else:
        text = sys.stdin.readline() if source == "-" else Path(source).read_text(encoding="utf-8")
    token = text.strip()
    if not token:
        end("the token is empty; it is read from standard input or from --token-file", USAGE)
    return token


def _check_ours(node: Node, role: Role | None, wanted: Party | None) -> None:
    """A partner that is to see one of our parties has to find one."""
    if role is None and wanted is None:
        return
    for one in node.directory.our_parties():
        if role in (None, one.role) and (wanted is None or wanted.key == (one.country_code, one.party_id)):
            return
    end(f"we have no party {' '.join(str(one) for one in (role, wanted) if one is not None)}; see: interplug party list", USAGE)


def _check_address(node: Node) -> None:
    """Partners call us at this address, so it must be one that stays."""
    server = node.settings.server
    if not server.public_url and server.port == 0:
        end("server.public_url is not set and server.port is 0: a partner could not find us again", CONFIGURATION)

"""What a platform offers: its versions, and the endpoints of one of them. Both sides of a handshake begin here.

The answers are a stranger's. Unknown versions and modules are passed over (VER-013), what cannot be read is 3001, no common version 3002.
URLs that stand on other hosts than the platform's own are not called: a version there is 3001, an endpoint there is left out and
noted, so that an operator who trusts that host can name it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from interplug.model.validate import Invalid, validate
from interplug.protocol.envelope import Reply
from interplug.protocol.routes import Side
from interplug.protocol.status import CANNOT_USE_CLIENT, NO_MATCHING_ENDPOINTS, UNSUPPORTED_VERSION, OcpiError
from interplug.versions import chain
from interplug.versions.table import VERSIONS, best

from .client import Access, PartnerClient
from .guard import Forbidden, check_url
from .roles import Need

MOST_ENDPOINTS = 200


@dataclass(slots=True)
class Offer:
    """A version of a platform with its endpoints, in the newest form."""

    version: str
    endpoints: list[dict[str, Any]]
    elsewhere: list[str] = field(default_factory=list)
    """Endpoints on hosts that are not the platform's, which were left out."""

    def url(self, module_id: str, side: Side | None = None) -> str | None:
        found = (one for one in self.endpoints if one["identifier"].lower() == module_id and (side is None or one.get("role") == side))
        return next((str(one["url"]) for one in found), None)

    def has(self, needs: Sequence[Need]) -> bool:
        return any(self.url(*need) for need in needs)

    def check(self, needs: Sequence[Sequence[Need]]) -> None:
        """3003 unless there is one endpoint of each group (7.1.6)."""
        missing = [" or ".join(f"{module_id} ({side})" for module_id, side in group) for group in needs if not self.has(group)]
        if missing:
            elsewhere = f"; not used, because on other hosts: {', '.join(self.elsewhere)}" if self.elsewhere else ""
            raise OcpiError(NO_MATCHING_ENDPOINTS, f"endpoints that we need are missing: {', '.join(missing)}{elsewhere}")


async def look_up(client: PartnerClient, access: Access, versions_url: str, wanted: Sequence[str], their_role: str | None) -> Offer:
    """The highest of the `wanted` versions that the platform lists. `their_role` is for 2.1.1, whose endpoints do not tell their side."""
    urls = await _versions(client, access, versions_url)
    version = best([number for number in urls if number in wanted])
    if version is None:
        listed = ", ".join(sorted(urls)) or "none"
        raise OcpiError(UNSUPPORTED_VERSION, f"no common version: {listed} offered, {', '.join(wanted)} wanted")
    access.version = version
    details = _data(await client.ask(access, "GET", urls[version]), dict, f"details of {version}")
    offer = _offer(client, access, version, _raised(details, version, their_role))
    if offer.url("credentials") is None:
        raise OcpiError(CANNOT_USE_CLIENT, f"details of {version}: there is no credentials endpoint")
    return offer


async def _versions(client: PartnerClient, access: Access, url: str) -> dict[str, str]:
    """URL by version number; the first entry of a number counts."""
    urls: dict[str, str] = {}
    for entry in _data(await client.ask(access, "GET", url), list, "versions"):
        number, place = (entry.get("version"), entry.get("url")) if isinstance(entry, dict) else (None, None)
        if isinstance(number, str) and isinstance(place, str) and number in VERSIONS:
            urls.setdefault(number, place)
    return urls


def _raised(details: dict[str, Any], version: str, their_role: str | None) -> dict[str, Any]:
    """Entries that are no endpoints are left out one by one; a platform may list more than we understand."""
    entries = details.get("endpoints")
    readable = [entry for entry in entries if _endpoint(entry)] if isinstance(entries, list) else []
    plain = {"version": version, "endpoints": readable[:MOST_ENDPOINTS]}
    raised = chain.up("version_details", plain, version, chain.Facts(role=their_role))
    try:
        validate("version_details", raised)
    except Invalid as error:
        raise OcpiError(CANNOT_USE_CLIENT, f"details of {version}: {error}") from None
    return raised


def _endpoint(entry: Any) -> bool:
    if not isinstance(entry, dict) or not isinstance(entry.get("identifier"), str) or not isinstance(entry.get("url"), str):
        return False
    return len(entry["url"]) <= 255 and entry.get("role", "SENDER") in ("SENDER", "RECEIVER")


def _offer(client: PartnerClient, access: Access, version: str, details: dict[str, Any]) -> Offer:
    kept, elsewhere = [], []
    for entry in details["endpoints"]:
        try:
            check_url(entry["url"], client.directory.settings.network, access.hosts)
            kept.append({name: entry[name] for name in ("identifier", "role", "url") if name in entry})
        except Forbidden:
            elsewhere.append(f"{entry['identifier']} at {entry['url'][:100]}")
    return Offer(version, kept, elsewhere)


def _data(reply: Reply, wanted: type[Any], what: str) -> Any:
    if not reply.ok or not isinstance(reply.data, wanted):
        reason = reply.why() if not reply.ok else "data is not what it should be"
        raise OcpiError(CANNOT_USE_CLIENT, f"{what}: {reason}")
    return reply.data

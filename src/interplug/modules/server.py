"""One request of a partner, from headers to envelope.

The order is the rule: who asks (401 before anything else), where to (404, 405), then the handler of the row, and one place
in which every failure becomes an envelope. Nothing that a partner sends may leave this file as an exception: what a
handler did not foresee is logged, without secrets, and answered 3000. On functional modules the answer carries the routing
headers swapped (4.1.9.6); TO must name a party of ours, for this is a direct link, and FROM proves nothing.

This file is the hot path of everything: one split of the path, one dict look-up per table, no regular expression. It knows
no module by name except those that an unregistered caller may use.
"""

from __future__ import annotations

import logging

from interplug.model.validate import Invalid
from interplug.partners.directory import Connection
from interplug.protocol.envelope import Answer, refusal, respond
from interplug.protocol.headers import routing
from interplug.protocol.http import Request, Response, segments
from interplug.protocol.routes import Module, Place, Route
from interplug.protocol.status import SERVER_ERROR, UNSUPPORTED_VERSION, OcpiError, invalid, not_found, unauthorized
from interplug.store.masking import spoken
from interplug.store.messages import Message
from interplug.telemetry.context import answering
from interplug.versions.table import VERSIONS
from interplug.versions.words import said

from .node import Call, Node

log = logging.getLogger(__name__)

NEWEST = next(iter(VERSIONS.values()))
OPEN_TO_ALL = ("versions", "version_details", "credentials")
"""What a caller may use before it is registered (4.1.2)."""


async def serve(node: Node, request: Request) -> Response:
    """Answers `request`; never raises."""
    now = node.clock()
    answering.set(request)
    call: Call | None = None
    connection: Connection | None = None
    try:
        known = await node.directory.authenticate(request.headers.get("authorization"))
        if known is None:
            raise unauthorized("the token is missing or unknown")
        connection, registering = known
        node.heard.add(connection.id)
        call = _where(node, request, connection, now)
        if registering and call.place.module.id not in OPEN_TO_ALL:
            raise unauthorized("a registration token serves for versions and credentials alone")
        answer = await _answered(call)
    except OcpiError as error:
        answer = refusal(error)
    except Invalid as error:
        answer = refusal(_complaint(error, call))
    except Exception:
        log.exception("%s %s failed", request.method, request.path)
        answer = refusal(OcpiError(SERVER_ERROR, http=500))
    response = respond(answer, request, now)
    if call is not None and call.version.routing_headers and not call.place.module.configuration:
        response.headers.update(node.directory.answering(call.connection, call.to, call.sender))
    _note(node, request, response, answer.code, connection, call, now)
    return response


def _complaint(error: Invalid, call: Call | None) -> OcpiError:
    """2001 with the path, in the words of the partner's version."""
    path = error.path if call is None else said(error.path, call.place.module.kind, call.version.number)
    return invalid(f"{path}: {error.reason}")


async def _answered(call: Call) -> Answer:
    version, connection, module = call.version, call.connection, call.place.module
    if module.id not in OPEN_TO_ALL:
        if connection.version != version.number:
            raise not_found(f"this connection is registered for {connection.version}, not for {version.number}")
        if version.routing_headers and not module.configuration:
            _addressed(call)
    route = call.place.route(call.request.method)
    answer: Answer = await route.handler(call)
    return answer


# --- where to


def _where(node: Node, request: Request, connection: Connection, now: int) -> Call:
    parts = segments(request.path)
    if parts[0] != "ocpi" or len(parts) < 2:
        raise not_found("nothing is served here")
    place = _configuration(node, parts)
    if place is None:
        if len(parts) < 4:
            raise not_found("nothing is served here")
        _offered(node, parts[1])
        place = node.router.find(parts[1], parts[2], parts[3], parts[4:])
    return Call(node, request, connection, VERSIONS.get(place.version, NEWEST), place, now)


def _configuration(node: Node, parts: list[str]) -> Place | None:
    """The paths of `routes.py` above the modules: versions, details and credentials, in 2.1.1 one of each per role."""
    if len(parts) > 4:
        return None
    *middle, last = parts[1:]
    if last == "versions" and len(middle) <= 1:
        return _place(node, "versions", NEWEST.number, middle)
    if last == "credentials" and middle:
        name, version, rest = "credentials", middle[0], middle[1:]
    elif len(parts) <= 3:
        name, version, rest = "version_details", parts[1], parts[2:]
    else:
        return None
    _offered(node, version)
    if rest and VERSIONS[version].endpoint_roles:
        return None
    return _place(node, name, version, rest)


def _place(node: Node, name: str, version: str, roles: list[str]) -> Place:
    module = next((module for module in node.modules if module.id == name), None)
    if module is None or (roles and roles[0] not in ("cpo", "emsp")):
        raise not_found("nothing is served here")
    return Place(version, module, "SENDER", _methods(module), {"role": roles[0]} if roles else {})


def _methods(module: Module) -> dict[str, Route]:
    return {route.method: route for route in module.routes}


def _offered(node: Node, version: str) -> None:
    if version not in VERSIONS or version not in node.settings.ocpi.versions:
        raise OcpiError(UNSUPPORTED_VERSION, f"version {version[:20]!r} is not spoken here", http=404)


# --- routing headers


def _addressed(call: Call) -> None:
    call.to, call.sender = routing(call.request.headers)
    if call.to is not None and not call.node.directory.is_ours(call.to):
        to, call.to = call.to, None
        raise invalid(f"{to} is no party of this platform")
    bound = call.connection.our_party
    if call.to is not None and bound is not None and call.to.key != bound.key:
        to, call.to = call.to, None
        raise invalid(f"{to} is not the party of this connection, which is {bound}")


def _note(
    node: Node, request: Request, response: Response, code: int, connection: Connection | None, call: Call | None, started: int
) -> None:
    """Counts the request, and hands it to the message log, which is written later, in a group."""
    headers, took, known = request.headers, node.clock() - started, connection.id if connection is not None else 0
    place = ("", "") if call is None else (call.place.module.id, call.version.number)
    node.answered.add(known, (place[0], request.method, place[1], response.status, code), took / 1_000_000)
    if log.isEnabledFor(logging.DEBUG):
        path = spoken(headers).blank(request.path)
        log.debug("%s %s: HTTP %d, OCPI %d, %d us", request.method, path, response.status, code, took, extra={"connection": known})
    node.messages.add(
        Message(
            direction="in",
            connection=known,
            method=request.method,
            url=request.url,
            http=response.status,
            ocpi=code,
            request_id=headers.get("x-request-id", ""),
            correlation_id=headers.get("x-correlation-id", ""),
            started_at=started,
            took_us=took,
            headers=headers,
            body=request.body if connection is not None else b"",  # a stranger's is kept nowhere
            answer=response.body,
        )
    )

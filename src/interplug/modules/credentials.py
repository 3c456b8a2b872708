"""The credentials module (chapter 7), as it is called by a partner: read, register, renew, leave.

It is symmetric: every platform serves it, in every version, to callers with a registration token too. What happens is in
`partners.handshake`; here a request becomes its arguments. GET answers with the token that was presented, so that it never has to be
stored. There is no PATCH (7.2). In 2.1.1 the role in the URL says as what we are seen.
"""

from __future__ import annotations

from interplug.partners import handshake, presentation
from interplug.partners.directory import Presented
from interplug.protocol.envelope import Answer
from interplug.protocol.routes import Module, Route
from interplug.protocol.status import unauthorized

from . import lens
from .node import Call


async def get(call: Call) -> Answer:
    presented, connection = await _presented(call), call.connection
    pays = any(connection.endpoint("payments", side) is not None for side in ("SENDER", "RECEIVER"))
    role = call.params.get("role")
    return Answer(presentation.credentials(call.node.directory, connection, call.version.number, presented.text, role, pays=pays))


async def post(call: Call) -> Answer:
    presented = await _presented(call)
    node, version = call.node, call.version.number
    return Answer(await handshake.accept_post(node.directory, node.client, presented, version, lens.body(call), call.params.get("role")))


async def put(call: Call) -> Answer:
    presented = await _presented(call)
    node, version = call.node, call.version.number
    return Answer(await handshake.accept_put(node.directory, node.client, presented, version, lens.body(call), call.params.get("role")))


async def delete(call: Call) -> Answer:
    await handshake.accept_delete(call.node.directory, await _presented(call))
    return Answer()


async def _presented(call: Call) -> Presented:
    """Which token the caller presented; the door has let it in a moment ago."""
    presented = await call.node.directory.presented(call.request.headers.get("authorization"))
    if presented is None:
        raise unauthorized("the token was used or replaced meanwhile")
    return presented


CREDENTIALS = Module(
    id="credentials",
    kind="credentials",
    sender=("CPO", "EMSP"),
    receiver=("CPO", "EMSP"),
    key=(),
    routes=(
        Route("SENDER", "GET", "", get),
        Route("SENDER", "POST", "", post),
        Route("SENDER", "PUT", "", put),
        Route("SENDER", "DELETE", "", delete),
    ),
    configuration=True,
)

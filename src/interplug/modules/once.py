"""A POST that is repeated gets its answer again and is not carried out twice.

It is known by connection and X-Request-ID, and it is the same if URL and body are the same; another request under an id that
was used before is carried out. The answer is kept in the transaction that carries the request out, so a crash loses both or
neither. Requests without an id (2.1.1) are not recognised here.
"""

from __future__ import annotations

import msgspec

from interplug.model.types import encode_json
from interplug.protocol.envelope import Answer
from interplug.protocol.headers import REQUEST_ID
from interplug.store.tx import Tx

from .node import Call


def _asked(call: Call) -> bytes:
    return f"{call.request.method} {call.request.url}".encode() + b"\n" + call.request.body


async def repeated(tx: Tx, call: Call) -> Answer | None:
    """The answer that this very request was given before."""
    name = call.request.headers.get(REQUEST_ID)
    known = await tx.replies.find(call.connection.id, name, _asked(call), call.now) if name else None
    if known is None or not known.same:
        return None
    code, message, data = msgspec.json.decode(known.body, type=tuple[int, str | None, msgspec.Raw])
    return Answer(msgspec.UNSET if bytes(data) == b"null" else data, code, message, known.http, known.headers)


async def remember(tx: Tx, call: Call, answer: Answer) -> None:
    name = call.request.headers.get(REQUEST_ID)
    if name:
        data = None if answer.data is msgspec.UNSET else answer.data
        body = encode_json([answer.code, answer.message, data])
        await tx.replies.keep(call.connection.id, name, _asked(call), answer.http, answer.headers, body, call.now)

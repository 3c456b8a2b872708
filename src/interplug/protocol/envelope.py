"""The envelope of every OCPI answer (4.1.7): written for our own, read from a partner's.

A handler returns an `Answer`; `respond` puts it in the envelope, `failure` does so for an `OcpiError`, and both echo
the message ids. `Reply` is a partner's answer, read with the tolerance that real partners need: success is HTTP 2xx
*and* OCPI 1xxx, an absent `data` is fine, HTML with status 200 is a fault of transport.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import msgspec

from interplug.model.types import BadJson, decode_json, encode_json, format_time

from .headers import echoed
from .http import Request, Response
from .status import SUCCESS, OcpiError

JSON = "application/json"


class Answer(msgspec.Struct):
    """What a handler has to say. `data` is a document, `msgspec.Raw` bytes or `Bodies`; UNSET leaves it out (TRN-053)."""

    data: Any = msgspec.UNSET
    code: int = SUCCESS
    message: str | None = None
    http: int = 200
    headers: dict[str, str] = {}


class Envelope(msgspec.Struct, omit_defaults=True, gc=False):
    data: Any = msgspec.UNSET
    status_code: int = msgspec.field(default=0)
    status_message: str | None = None
    timestamp: str = ""


class Bodies(list[bytes]):
    """Objects, or several joined, that are JSON already. They become an answer by one copy, without a look inside."""


def respond(answer: Answer, request: Request, now: int) -> Response:
    """The response to `request` at `now` (microseconds UTC)."""
    timestamp = _second(now // 1_000_000)
    data = answer.data
    message = answer.message or ("Success" if answer.code == SUCCESS else None)
    if type(data) is Bodies:
        body = _page(data, encode_json(Envelope(msgspec.UNSET, answer.code, message, timestamp)))
    else:
        body = encode_json(Envelope(data, answer.code, message, timestamp))
    return Response(answer.http, body, {"content-type": JSON, **echoed(request.headers), **answer.headers})


def _page(bodies: Bodies, rest: bytes) -> bytes:
    """`rest` is the envelope without data."""
    if len(bodies) < 2:
        return b"".join((b'{"data":[', *bodies, b"],", rest[1:]))
    parts = list(bodies)
    parts[0] = b'{"data":[' + parts[0]
    parts[-1] += b"]," + rest[1:]
    return b",".join(parts)


@lru_cache(maxsize=2)
def _second(seconds: int) -> str:
    """Answers of one second share its spelling."""
    return format_time(seconds * 1_000_000)


def refusal(error: OcpiError) -> Answer:
    """What an error has to say: the message names the field, `data` is absent (TRN-052)."""
    return Answer(code=error.code, message=error.message, http=error.http, headers=error.headers)


def failure(error: OcpiError, request: Request, now: int) -> Response:
    """The envelope of an error."""
    return respond(refusal(error), request, now)


@dataclass(slots=True)
class Reply:
    """A partner's answer. `code` is None where no envelope could be read; `fault` says why."""

    http: int
    code: int | None = None
    message: str | None = None
    data: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    fault: str | None = None
    silent: bool = False
    """The request has left, and nothing came back."""

    @property
    def unsure(self) -> bool:
        """Whether what was asked for may be done all the same: also where a gateway waited in vain for who is behind it."""
        return self.silent or (self.code is None and self.http in (502, 504))

    @property
    def ok(self) -> bool:
        return 200 <= self.http < 300 and self.code is not None and 1000 <= self.code < 2000

    def why(self) -> str:
        """One line for a log or a `refused` list."""
        return f"HTTP {self.http}, " + (self.fault or f"OCPI {self.code} {self.message or ''}".rstrip())


def read(response: Response) -> Reply:
    """Reads a partner's envelope; never raises."""
    reply = Reply(response.status, headers=response.headers)
    try:
        envelope = decode_json(response.body)
    except BadJson as error:
        reply.fault = f"not JSON: {error}"
        return reply
    if not isinstance(envelope, dict):
        reply.fault = "not an OCPI envelope"
        return reply
    code = envelope.get("status_code")
    if isinstance(code, str) and code.isdecimal() and len(code) == 4:
        code = int(code)
    if not isinstance(code, int) or isinstance(code, bool):
        reply.fault = "no status_code"
        return reply
    message = envelope.get("status_message")
    reply.code, reply.data = code, envelope.get("data")
    reply.message = message if isinstance(message, str) else None
    return reply

"""What is being done just now, for whoever writes a line about it: the request of a partner that this task answers.

A task that was begun for a request (`Node.begin`) inherits it, so its lines name the request as well.
"""

from __future__ import annotations

from contextvars import ContextVar

from interplug.protocol.headers import CORRELATION_ID, LONGEST_ID, REQUEST_ID
from interplug.protocol.http import Request

answering: ContextVar[Request | None] = ContextVar("answering", default=None)
trace: ContextVar[str] = ContextVar("trace", default="")
"""The id of the trace that this task belongs to, where traces are on."""


def ids() -> dict[str, str]:
    """The ids under which the message log and the traces know of what is being done; none outside a request."""
    request = answering.get()
    headers = {} if request is None else request.headers
    found = {"correlation_id": headers.get(CORRELATION_ID, ""), "request_id": headers.get(REQUEST_ID, ""), "trace_id": trace.get()}
    return {name: (value if value.isprintable() else ascii(value))[:LONGEST_ID] for name, value in found.items() if value}

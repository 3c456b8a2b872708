"""OpenTelemetry traces: a span for each request of a partner and each of ours, linked across platforms by W3C's `traceparent`.

Both directions are handlers, so tracing is a handler around a handler, and where no endpoint is configured there is none. Spans name
module, version, host, statuses and the ids under which the message log has the rest; no path below the module (it may hold the number
of a driver's card), no query, no body.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable
from urllib.parse import urlsplit

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.sampling import ParentBased, TraceIdRatioBased
from opentelemetry.trace import Span, SpanKind, Status, StatusCode
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from interplug import __version__
from interplug.config import Tracing
from interplug.protocol.headers import CORRELATION_ID, REQUEST_ID
from interplug.protocol.http import Handler, Request, Response, Unreachable, segments

from . import context

PATIENCE = 2.0
"""Seconds that a batch may take to be sent; the last one holds up the end of the process no longer."""


class Traces:
    """`modules` are the names that a span may have; `processor` takes the spans, else they go to the endpoint in batches."""

    def __init__(self, settings: Tracing, modules: Iterable[str], processor: SpanProcessor | None = None) -> None:
        self.modules = frozenset(modules)
        resource = Resource.create({"service.name": settings.service, "service.version": __version__})
        self._provider = TracerProvider(resource=resource, sampler=ParentBased(TraceIdRatioBased(settings.share)), shutdown_on_exit=False)
        self._provider.add_span_processor(processor or BatchSpanProcessor(OTLPSpanExporter(endpoint=settings.endpoint, timeout=PATIENCE)))
        self._tracer = self._provider.get_tracer("interplug", __version__)
        self._links = TraceContextTextMapPropagator()

    def inward(self, handler: Handler) -> Handler:
        """Around what answers partners."""

        async def traced(request: Request) -> Response:
            module, known = self._place(request)
            parent = self._links.extract(request.headers)
            with self._tracer.start_as_current_span(f"{_method(request)} {module}", parent, SpanKind.SERVER, known) as span:
                context.trace.set(format(span.get_span_context().trace_id, "032x"))
                return _ended(span, await handler(request))

        return traced

    def outward(self, handler: Handler) -> Handler:
        """Around what leads to partners."""

        async def traced(request: Request) -> Response:
            host = urlsplit(request.url).hostname or ""
            known = _known(request) | {"server.address": host}
            with self._tracer.start_as_current_span(
                f"{_method(request)} {host}",
                kind=SpanKind.CLIENT,
                attributes=known,
                record_exception=False,
                set_status_on_exception=False,
            ) as span:
                self._links.inject(request.headers)
                try:
                    return _ended(span, await handler(request))
                except Unreachable as error:
                    span.set_status(Status(StatusCode.ERROR, str(error)))
                    raise

        return traced

    def close(self) -> None:
        """Sends what is left, for a short while."""
        last = threading.Thread(target=self._provider.shutdown, daemon=True)
        last.start()
        last.join(PATIENCE + 1)

    def _place(self, request: Request) -> tuple[str, dict[str, str]]:
        """The module that is asked, and what the span says of the request."""
        parts = segments(request.path)
        module = next((part for part in parts[1:4] if part in self.modules), "other")
        return module, _known(request) | {"ocpi.module": module, "ocpi.version": parts[1] if len(parts) > 2 else ""}


def _method(request: Request) -> str:
    return request.method if request.method.isalpha() else "other"


def _known(request: Request) -> dict[str, str]:
    headers = request.headers
    named = {"ocpi.correlation_id": headers.get(CORRELATION_ID, ""), "ocpi.request_id": headers.get(REQUEST_ID, "")}
    return {"http.request.method": _method(request)} | {name: value for name, value in named.items() if value}


def _ended(span: Span, response: Response) -> Response:
    span.set_attribute("http.response.status_code", response.status)
    if response.status >= 500:
        span.set_status(Status(StatusCode.ERROR))
    return response

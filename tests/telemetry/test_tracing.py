"""Traces: one for what two platforms do together, with nothing in it that is nobody's business."""

from __future__ import annotations

import socket
import threading
from collections.abc import AsyncIterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

import pytest
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode

from interplug import app
from interplug.config import Settings, Tracing
from interplug.modules.node import Node
from interplug.protocol.http import Request, Response, Unreachable
from interplug.telemetry.tracing import Traces
from tests.nodes import EMSP, Clock, Wire, close, join, make_node

CPO = ("CPO", "NL", "KAD")


@dataclass
class Traced:
    cpo: Node
    emsp: Node
    wire: Wire
    spans: dict[str, InMemorySpanExporter]

    def finished(self, name: str) -> list[ReadableSpan]:
        return list(self.spans[name].get_finished_spans())


@pytest.fixture
async def traced(tmp_path: Path) -> AsyncIterator[Traced]:
    """Two registered nodes, each with traces of its own."""
    clock, wire = Clock(), Wire()
    cpo = await make_node(tmp_path, (CPO,), name="cpo", clock=clock, wire=wire)
    emsp = await make_node(tmp_path, (EMSP,), name="emsp", clock=clock, wire=wire)
    await join(cpo, emsp, "2.2.1", host_name="cpo", guest_name="emsp")
    spans = {name: InMemorySpanExporter() for name in ("cpo", "emsp")}
    for node, name in ((cpo, "cpo"), (emsp, "emsp")):
        traces = Traces(Tracing(), [module.id for module in node.modules], SimpleSpanProcessor(spans[name]))
        node.client.transport = traces.outward(node.client.transport)
        wire.places[f"https://{name}.example"] = traces.inward(wire.places[f"https://{name}.example"])
    yield Traced(cpo, emsp, wire, spans)
    await close(cpo)
    await close(emsp)


async def test_what_one_node_asks_and_the_other_answers_is_one_trace(traced: Traced) -> None:
    (connection,) = traced.emsp.directory.all()
    reply = await traced.emsp.client.call(connection, "GET", "tokens", "RECEIVER", "NL", "KAD", "SECRET-UID", correlation_id="corr-7")
    (out,), (came,) = traced.finished("emsp"), traced.finished("cpo")
    assert (out.name, out.kind) == ("GET cpo.example", SpanKind.CLIENT)
    assert (came.name, came.kind) == ("GET tokens", SpanKind.SERVER)
    assert came.context is not None and out.context is not None and came.parent is not None
    assert (came.context.trace_id, came.parent.span_id) == (out.context.trace_id, out.context.span_id)
    assert came.attributes is not None
    assert came.attributes["ocpi.correlation_id"] == "corr-7"
    assert came.attributes["ocpi.version"] == "2.2.1"
    assert came.attributes["http.response.status_code"] == reply.http
    told = came.to_json() + out.to_json()
    assert "SECRET-UID" not in told and "Token " not in told


async def test_what_a_partner_has_begun_goes_on(traced: Traced) -> None:
    request = Request("GET", "/ocpi/versions", {"traceparent": f"00-{'ab' * 16}-{'cd' * 8}-01"})
    await traced.wire.places["https://cpo.example"](request)
    (span,) = traced.finished("cpo")
    assert span.context is not None and format(span.context.trace_id, "032x") == "ab" * 16


async def test_names_are_ours_whatever_is_asked_for(traced: Traced) -> None:
    for url in ("/ocpi/2.2.1/sender/nonsense/1", "/ocpi/2.2.1", "/ocpi/x/y/z", "/ocpi/2.2.1/sender/locations/L1"):
        await traced.wire.places["https://cpo.example"](Request("GET", url))
    assert [span.name for span in traced.finished("cpo")] == ["GET other", "GET other", "GET other", "GET locations"]


async def test_a_partner_that_is_not_there_is_an_error_of_the_span(traced: Traced) -> None:
    async def nobody(request: Request) -> Response:
        raise Unreachable("cannot connect")

    traced.wire.places["https://cpo.example"] = nobody
    (connection,) = traced.emsp.directory.all()
    reply = await traced.emsp.client.call(connection, "GET", "tokens", "RECEIVER")
    (span,) = traced.finished("emsp")
    assert reply.http == 0
    assert (span.status.status_code, span.status.description) == (StatusCode.ERROR, "cannot connect")


async def test_without_an_endpoint_nothing_stands_between(tmp_path: Path) -> None:
    node = await make_node(tmp_path)
    before = node.client.transport
    with app.traced(node):
        assert node.client.transport is before
    await close(node)


async def test_spans_go_to_the_endpoint(tmp_path: Path) -> None:
    received: list[tuple[str, bytes]] = []

    class Collector(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            received.append((self.path, self.rfile.read(int(self.headers["content-length"]))))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Collector)
    Thread(target=server.serve_forever, daemon=True).start()
    endpoint = f"http://127.0.0.1:{server.server_port}/v1/traces"
    node = await make_node(tmp_path, tracing=Tracing(endpoint=endpoint, service="our-node"))
    with app.traced(node) as answer:
        assert (await answer(Request("GET", "/ocpi/versions"))).status == 401
    server.shutdown()
    server.server_close()
    ((path, body),) = received
    assert path == "/v1/traces"
    assert b"our-node" in body and b"GET versions" in body
    await close(node)


async def test_an_endpoint_that_is_dead_stops_nobody(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    node = await make_node(tmp_path, tracing=Tracing(endpoint=f"http://127.0.0.1:{port}/v1/traces"))
    with app.traced(node) as answer:
        assert (await answer(Request("GET", "/ocpi/versions"))).status == 401
    assert [one.name for one in threading.enumerate() if "Otel" in one.name] == []
    await close(node)


def test_the_settings_have_no_endpoint() -> None:
    assert Settings().tracing.endpoint == ""

"""Alerts are told over real sockets: to a web server that fails first, and to a mail server, through restarts."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import hmac
import json
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from email.message import EmailMessage, Message
from email.parser import BytesParser
from email.policy import default
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from aiosmtpd.smtp import SMTP

from interplug.backend.alerts import Following
from interplug.backend.mail import Mail
from interplug.backend.targets import Away
from interplug.backend.telling import Telling, targets, wanted
from interplug.backend.webhook import Webhook
from interplug.config import AlertSettings, BadSettings, Delivery
from interplug.modules.node import Node
from interplug.store.faults import Fault
from interplug.store.store import now_us
from tests.nodes import close, make_node

SECRET = "whsec_" + base64.b64encode(b"what only the two of us know").decode()


@dataclass
class Sink:
    """A web server of the operator's. `answers` are its next statuses; then it takes everything."""

    url: str = ""
    answers: list[int] = field(default_factory=list)
    slow: bool = False
    heard: list[tuple[dict[str, str], bytes]] = field(default_factory=list)
    taken: list[dict[str, Any]] = field(default_factory=list)

    async def post(self, request: web.Request) -> web.Response:
        body = await request.read()
        self.heard.append(({name.lower(): value for name, value in request.headers.items()}, body))
        if self.slow:
            await asyncio.Event().wait()
        status = self.answers.pop(0) if self.answers else 204
        if 200 <= status < 300:
            self.taken.append(json.loads(body))
        return web.Response(status=status, headers={"location": "/elsewhere"} if 300 <= status < 400 else {})

    def told(self) -> list[tuple[str, str]]:
        return [(one["event"], one["alert"]["code"]) for one in self.taken]


@pytest.fixture
async def sink() -> AsyncIterator[Sink]:
    made = Sink()
    app = web.Application()
    app.router.add_post("/{path:.*}", made.post)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    [(host, port)] = runner.addresses
    made.url = f"http://{host}:{port}/hook"
    yield made
    await runner.cleanup()


@dataclass
class Box:
    """A mail server. `failing` says how many more mails it does not take."""

    port: int = 0
    failing: int = 0
    mails: list[Message] = field(default_factory=list)

    async def handle_DATA(self, server: SMTP, session: Any, envelope: Any) -> str:
        if self.failing:
            self.failing -= 1
            return "451 not now"
        self.mails.append(BytesParser(EmailMessage, policy=default).parsebytes(envelope.content))
        return "250 taken"

    def texts(self) -> list[str]:
        return [mail.get_content() for mail in self.mails if isinstance(mail, EmailMessage)]


@pytest.fixture
async def box() -> AsyncIterator[Box]:
    made = Box()
    server = await asyncio.get_running_loop().create_server(lambda: SMTP(made, enable_SMTPUTF8=True), "127.0.0.1", 0)
    made.port = server.sockets[0].getsockname()[1]
    yield made
    server.close()
    await server.wait_closed()


Make = Callable[..., Any]


@pytest.fixture
def settings(sink: Sink, box: Box) -> AlertSettings:
    return AlertSettings(
        settle=0,
        webhooks=[sink.url],
        webhook_secret=SECRET,
        timeout=2,
        mail_to=["ann@ops.example", "bob@ops.example"],
        mail_from="Interplug <node@ops.example>",
        mail_every=0,
        smtp_host="127.0.0.1",
        smtp_port=box.port,
        smtp_security="none",
    )


@asynccontextmanager
async def living(folder: Path, settings: AlertSettings) -> AsyncIterator[Node]:
    """A node with the loops that alerts need; at the end it is simply no more."""
    node = await make_node(folder, clock=now_us, alerts=settings, delivery=Delivery(back_off=0.02, back_off_longest=0.1))
    running = [asyncio.create_task(Following(node, wanted(settings)).run())]
    running.append(asyncio.create_task(Telling(node, targets(node)).run()))
    try:
        yield node
    finally:
        for task in running:
            task.cancel()
        await asyncio.wait(running)
        await close(node)


async def breaks(node: Node, code: str = "GroundFailure", severity: str = "critical", station: str = "CS1") -> None:
    fault = Fault(station=station, evse=1, connector=1, code=code, severity=severity, source="status", opened_at=node.clock(), info="38 mA")
    await node.store.write(lambda tx: tx.faults.open(fault))


async def mends(node: Node, station: str = "CS1") -> None:
    async def work(tx: Any) -> None:
        for one in await tx.faults.of_station(station):
            await tx.faults.close(one.no, node.clock())

    await node.store.write(work)


async def until(holds: Callable[[], Any]) -> None:
    async with asyncio.timeout(20):
        while not holds():
            await asyncio.sleep(0.01)


async def test_a_web_server_that_fails_first_is_told_in_the_end_once_and_in_order(
    tmp_path: Path, settings: AlertSettings, sink: Sink
) -> None:
    sink.answers = [500, 503, 429]
    async with living(tmp_path, settings) as node:
        await breaks(node)
        await until(lambda: sink.taken)
        await mends(node)
        await until(lambda: len(sink.taken) == 2)
    assert sink.told() == [("alert.opened", "GroundFailure"), ("alert.closed", "GroundFailure")]
    assert len(sink.heard) == 5
    assert len({headers["webhook-id"] for headers, _ in sink.heard}) == 2, "a message keeps its id when it is sent again"


async def test_what_is_told_is_signed(tmp_path: Path, settings: AlertSettings, sink: Sink) -> None:
    async with living(tmp_path, settings) as node:
        await breaks(node)
        await until(lambda: sink.taken)
    headers, body = sink.heard[0]
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    mac = base64.b64encode(hmac.digest(b"what only the two of us know", signed, "sha256")).decode()
    assert headers["webhook-signature"] == f"v1,{mac}"
    assert headers["content-type"] == "application/json"


async def test_a_node_that_ends_in_the_middle_goes_on_where_it_was(tmp_path: Path, settings: AlertSettings, sink: Sink, box: Box) -> None:
    sink.answers, box.failing = [500] * 1000, 1000
    async with living(tmp_path, settings) as node:
        await breaks(node)
        await until(lambda: sink.heard and box.failing < 1000)
        await mends(node)
        assert sink.taken == [] and box.mails == []
    sink.answers, box.failing = [], 0
    async with living(tmp_path, settings):
        await until(lambda: len(sink.taken) == 2 and "OVER" in "".join(box.texts()))
    assert sink.told() == [("alert.opened", "GroundFailure"), ("alert.closed", "GroundFailure")]
    async with living(tmp_path, settings) as node:
        await breaks(node, "OverVoltage")
        await until(lambda: len(sink.taken) == 3)
    assert [event for event, _ in sink.told()] == ["alert.opened", "alert.closed", "alert.opened"], "nothing is told again"


async def test_what_is_refused_keeps_back_its_own_alert_and_no_other(tmp_path: Path, settings: AlertSettings, sink: Sink) -> None:
    sink.answers = [400]
    async with living(tmp_path, settings) as node:
        await breaks(node)
        await until(lambda: sink.heard)
        await breaks(node, station="CS2")
        await mends(node)
        await until(lambda: len(sink.taken) == 3)
    assert [one["event"] for one in sink.taken if one["alert"]["station"] == "CS1"] == ["alert.opened", "alert.closed"]


async def test_redirects_are_not_followed_and_a_silent_server_is_given_up(tmp_path: Path, settings: AlertSettings, sink: Sink) -> None:
    sink.answers = [307]
    async with living(tmp_path, settings) as node:
        await breaks(node)
        async with asyncio.timeout(10):
            while await node.store.read(lambda tx: tx.db.all("select tries from alert_message where target <> 'mail'")) != [(2,)]:
                await asyncio.sleep(0)
    assert len(sink.heard) == 2 and len(sink.taken) == 1
    sink.slow = True
    quick = AlertSettings(webhooks=settings.webhooks, webhook_secret="a secret", timeout=0.05)
    node = await make_node(tmp_path, name="other", clock=now_us, alerts=quick)
    [target] = targets(node)
    await breaks(node)
    await Following(node, wanted(quick)).look()
    with pytest.raises(Away, match="no answer within"):
        await Telling(node, [target]).look(target)
    await target.aclose()
    await close(node)


async def test_e_mails_say_what_happened_in_plain_words(tmp_path: Path, settings: AlertSettings, box: Box) -> None:
    box.failing = 2
    async with living(tmp_path, settings) as node:
        await breaks(node)
        await until(lambda: box.mails)
    mail, text = box.mails[0], box.texts()[0]
    assert mail["Subject"] == "GroundFailure (critical) at station CS1"
    assert mail["To"] == "ann@ops.example, bob@ops.example"
    assert "Current leaks to earth; the station has switched off." in text and "the station says: 38 mA" in text


async def test_what_happens_between_two_e_mails_is_told_in_one(tmp_path: Path, settings: AlertSettings, sink: Sink, box: Box) -> None:
    node = await make_node(tmp_path, clock=now_us, alerts=settings)
    for number in range(30):
        await breaks(node, station=f"CS{number}")
    await breaks(node, "WeakSignal", "info", "CS99")
    await Following(node, wanted(settings)).look()
    _, mail = targets(node)
    telling = Telling(node, [mail])
    assert await telling.look(mail) and not await telling.look(mail)
    assert [one["Subject"] for one in box.mails] == ["station alerts: 30 opened"]
    assert "CS29" in box.texts()[0] and "WeakSignal" not in box.texts()[0], "e-mails begin with major ones"
    await close(node)


async def test_words_of_a_station_cannot_write_headers_or_a_mail_of_their_own(settings: AlertSettings, box: Box, tmp_path: Path) -> None:
    node = await make_node(tmp_path, clock=now_us, alerts=settings)
    bad = "x\r\nBcc: all@ops.example\r\n\r\n.\r\nMAIL FROM:<a@b.example>"
    await breaks(node, station=f"CS1{bad}")
    await Following(node, wanted(settings)).look()
    _, mail = targets(node)
    await Telling(node, [mail]).look(mail)
    assert len(box.mails) == 1 and box.mails[0]["Bcc"] is None
    await close(node)


@pytest.mark.parametrize(
    "wrong",
    [
        {"webhooks": ["https://ops.example/hook"]},
        {"webhooks": ["ftp://ops.example/hook"], "webhook_secret": "a secret"},
        {"webhooks": ["https://ops.example/hook"], "webhook_secret": "whsec_???"},
        {"mail_to": ["ann@ops.example"]},
    ],
)
async def test_what_cannot_be_told_as_configured_is_said_at_the_start(tmp_path: Path, wrong: dict[str, Any]) -> None:
    node = await make_node(tmp_path, alerts=AlertSettings(**wrong))
    with pytest.raises(BadSettings, match="alerts"):
        targets(node)
    await close(node)


async def test_what_was_for_a_target_that_is_no_more_is_dropped(tmp_path: Path, settings: AlertSettings, sink: Sink) -> None:
    node = await make_node(tmp_path, clock=now_us, alerts=settings)
    await breaks(node)
    await Following(node, {"https://gone.example/hook": "info", **wanted(settings)}).look()
    running = asyncio.create_task(Telling(node, targets(node)).run())
    await until(lambda: sink.taken)
    running.cancel()
    await asyncio.wait([running])
    assert "https://gone.example/hook" not in await node.store.read(lambda tx: tx.alerts.unsent())
    await close(node)


class Deaf:
    """Answers in the moment in which it is told to end, and hears only the answer."""

    name, together, spacing = Mail.name, 1, 3600.0

    def __init__(self) -> None:
        self.asked = asyncio.Event()

    async def send(self, messages: Sequence[Any]) -> None:
        self.asked.set()
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.Event().wait()

    async def aclose(self) -> None: ...


async def test_an_answer_in_the_moment_of_the_end_is_noted_down_and_the_end_comes(tmp_path: Path) -> None:
    node = await make_node(tmp_path, clock=now_us)
    await breaks(node)
    await Following(node, {Mail.name: "info"}).look()
    target = Deaf()
    running = asyncio.create_task(Telling(node, [target]).run())
    async with asyncio.timeout(10):
        await target.asked.wait()
        running.cancel()
        await asyncio.wait([running])
    assert running.cancelled() and await node.store.read(lambda tx: tx.alerts.unsent()) == {}
    await close(node)


def test_the_names_of_targets_are_those_that_are_told(settings: AlertSettings) -> None:
    assert list(wanted(settings)) == [*settings.webhooks, Mail.name]
    assert Webhook.together == 1, "of one alert in order"

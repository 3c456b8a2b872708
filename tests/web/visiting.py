"""A browser without a screen: asks an ASGI application, keeps its cookies, reads its streams."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar
from urllib.parse import urlencode

from interplug.model.types import decode_json, encode_json
from interplug.web.door import Application, Receive

Message = dict[str, Any]


@dataclass
class Answer:
    status: int
    headers: list[tuple[str, str]]
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode()

    @property
    def json(self) -> Any:
        return decode_json(self.body)

    def header(self, name: str) -> str:
        return next((value for known, value in self.headers if known == name), "")

    def field(self, name: str) -> str:
        """The value of the first hidden field with this name."""
        found = re.search(f'name="{name}" value="([^"]*)"', self.text)
        assert found is not None, f"no field {name}"
        return found[1]


def scope(method: str, url: str, headers: dict[str, str] | None = None) -> Message:
    path, _, query = url.partition("?")
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "root_path": "",
        "query_string": query.encode(),
        "headers": [(name.lower().encode(), value.encode("latin-1")) for name, value in (headers or {}).items()],
        "client": ("127.0.0.1", 5000),
        "server": ("node.example", 80),
        "state": {},
    }


def body(*parts: bytes) -> Receive:
    """The parts of a body, then nothing for ever."""
    waiting = [{"type": "http.request", "body": part, "more_body": True} for part in parts[:-1]]
    waiting.append({"type": "http.request", "body": parts[-1] if parts else b"", "more_body": False})

    async def receive() -> Message:
        if not waiting:
            await asyncio.Event().wait()
        return waiting.pop(0)

    return receive


async def ask(app: Application, request: Message, receive: Receive | None = None) -> Answer | None:
    """None: the application answered nothing."""
    sent: list[Message] = []

    async def send(message: Any) -> None:
        sent.append(message)

    await app(request, receive or body(), send)
    if not sent:
        return None
    headers = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in sent[0]["headers"]]
    return Answer(sent[0]["status"], headers, b"".join(message.get("body", b"") for message in sent[1:]))


class Surface(Protocol):
    async def run(self) -> None: ...

    def end(self) -> None: ...


Made = TypeVar("Made", bound=Surface)


@asynccontextmanager
async def running(made: Made) -> AsyncIterator[Made]:
    """Pages, with the loop by which those that are live hear of changes."""
    loop = asyncio.create_task(made.run())
    yield made
    made.end()
    loop.cancel()
    await asyncio.gather(loop, return_exceptions=True)


@dataclass
class Visit:
    app: Application
    cookies: dict[str, str] = field(default_factory=dict)

    def headers(self, more: dict[str, str]) -> dict[str, str]:
        cookies = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        return {**({"cookie": cookies} if cookies else {}), **more}

    async def get(self, url: str, method: str = "GET", **headers: str) -> Answer:
        return await self._ask(scope(method, url, self.headers(headers)), body())

    async def post(self, url: str, fields: dict[str, Any] | None = None, **headers: str) -> Answer:
        kind = {"content-type": "application/x-www-form-urlencoded"}
        return await self._ask(scope("POST", url, self.headers(kind | headers)), body(urlencode(fields or {}).encode()))

    async def post_json(self, url: str, document: Any, proof: str) -> Answer:
        headers = {"content-type": "application/json", "accept": "application/json", "x-csrf-token": proof}
        return await self._ask(scope("POST", url, self.headers(headers)), body(encode_json(document)))

    async def post_raw(self, url: str, content: bytes, headers: dict[str, str]) -> Answer:
        return await self._ask(scope("POST", url, self.headers(headers)), body(content))

    async def _ask(self, request: Message, receive: Receive) -> Answer:
        found = await ask(self.app, request, receive)
        assert found is not None
        for name, value in found.headers:
            if name == "set-cookie":
                key, _, rest = value.partition("=")
                self.cookies[key] = rest.partition(";")[0]
        return found

    @asynccontextmanager
    async def stream(self, url: str) -> AsyncIterator[Events]:
        """The events of a live page, until the block ends: then the browser is gone."""
        events = Events()
        gone = asyncio.Event()

        async def receive() -> Message:
            await gone.wait()
            return {"type": "http.disconnect"}

        task = asyncio.ensure_future(self.app(scope("GET", url, self.headers({})), receive, events.take))
        try:
            yield events
        finally:
            gone.set()
            await task


class Events:
    def __init__(self) -> None:
        self.status: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self._waiting: asyncio.Queue[tuple[str, str]] = asyncio.Queue()
        self._over = asyncio.Event()
        self.passed: list[str] = []

    async def take(self, message: Any) -> None:
        if message["type"] == "http.response.start":
            self.status.set_result(message["status"])
            return
        for block in message.get("body", b"").decode().split("\n\n"):
            if block.startswith("event: "):
                first, *data = block.split("\n")
                self._waiting.put_nowait((first.removeprefix("event: "), "\n".join(line.removeprefix("data: ") for line in data)))
        if not message.get("more_body"):
            self._over.set()

    async def next(self, name: str) -> str:
        """The data of the next event with this name; others before it are passed over, their names kept in `passed`."""
        self.passed = []
        async with asyncio.timeout(20):
            while True:
                event, data = await self._waiting.get()
                if event == name:
                    return data
                self.passed.append(event)

    async def end(self) -> None:
        """Returns when the stream has ended."""
        async with asyncio.timeout(20):
            await self._over.wait()

    def seen(self) -> list[str]:
        """The names of the events that wait."""
        return [self._waiting.get_nowait()[0] for _ in range(self._waiting.qsize())]

"""Lines: text or JSON, and each that is written for a partner's request says which."""

from __future__ import annotations

import asyncio
import json
import logging
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from interplug.modules.node import Call, Node
from interplug.protocol.envelope import Answer
from interplug.telemetry.logs import TEXT, Json, Text
from interplug.telemetry.once import Once
from tests.nodes import befriend, close, make_node


class Lines(logging.Handler):
    def __init__(self, formatter: logging.Formatter) -> None:
        super().__init__()
        self.setFormatter(formatter)
        self.said: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.said.append(self.format(record))


@pytest.fixture
def lines() -> Iterator[Lines]:
    logger, handler = logging.getLogger("interplug"), Lines(Json())
    before = logger.level
    logger.addHandler(handler)
    logger.setLevel("DEBUG")
    yield handler
    logger.removeHandler(handler)
    logger.setLevel(before)


IDS = {"x-correlation-id": "corr-1", "x-request-id": "req-1"}


async def test_every_line_of_a_request_carries_its_ids_also_of_what_goes_on_after_the_answer(
    tmp_path: Path, lines: Lines, monkeypatch: pytest.MonkeyPatch
) -> None:
    node = await make_node(tmp_path)
    partner = await befriend(node, "2.3.0")
    gone_on = asyncio.Event()

    async def later() -> None:
        await asyncio.sleep(0)
        logging.getLogger("interplug.test").info("still at it")
        gone_on.set()

    async def answered(call: Call) -> Answer:
        call.node.begin(later())
        logging.getLogger("interplug.test").warning("what a handler says")
        raise RuntimeError("not foreseen")

    monkeypatch.setattr("interplug.modules.server._answered", answered)
    assert (await partner.fetch("tariffs", **{name.replace("-", "_"): value for name, value in IDS.items()})).code == 3000
    await gone_on.wait()
    logging.getLogger("interplug.test").info("nobody asked for this")
    told = [json.loads(line) for line in lines.said]
    assert [line["message"].split(":")[0] for line in told] == [
        "what a handler says",
        "GET /ocpi/2.3.0/sender/tariffs failed",
        "GET /ocpi/2.3.0/sender/tariffs",
        "still at it",
        "nobody asked for this",
    ]
    assert {(line.get("correlation_id"), line.get("request_id")) for line in told[:4]} == {("corr-1", "req-1")}
    assert told[1]["exception"].endswith("RuntimeError: not foreseen")
    await close(node)


async def test_requests_that_run_side_by_side_do_not_lend_each_other_their_ids(
    tmp_path: Path, lines: Lines, monkeypatch: pytest.MonkeyPatch
) -> None:
    node = await make_node(tmp_path)
    partner = await befriend(node, "2.3.0")

    async def answered(call: Call) -> Answer:
        for _ in range(3):
            await asyncio.sleep(0)
            logging.getLogger("interplug.test").info(call.request.headers["x-correlation-id"])
        return Answer([])

    monkeypatch.setattr("interplug.modules.server._answered", answered)
    await asyncio.gather(*(asyncio.create_task(partner.fetch("tariffs", x_correlation_id=f"c{n}")) for n in range(5)))
    told = [line for line in map(json.loads, lines.said) if line["logger"] == "interplug.test"]
    assert len(told) == 15
    assert all(line["message"] == line["correlation_id"] for line in told)
    await close(node)


def record(message: str = "100%", **more: Any) -> logging.LogRecord:
    made = logging.makeLogRecord({"name": "interplug.x", "levelname": "INFO", "msg": message, "created": 1_767_225_600.25, **more})
    return made


def test_a_json_line_is_one_object_with_utc_and_what_was_given_with_it() -> None:
    line = Json().format(record("two\nlines \x1b[31m", connection=3))
    assert "\n" not in line and "\x1b" not in line
    assert json.loads(line) == {
        "time": "2026-01-01T00:00:00.250Z",
        "level": "INFO",
        "logger": "interplug.x",
        "message": "two\nlines \x1b[31m",
        "connection": 3,
    }


def test_a_text_line_has_them_behind_and_the_traceback_below() -> None:
    try:
        raise ValueError("odd")
    except ValueError:
        line = Text(TEXT).format(record(connection=3, exc_info=sys.exc_info()))
    assert line.splitlines()[0].endswith("INFO interplug.x: 100% [connection=3]")
    assert line.endswith("ValueError: odd")


async def test_an_id_with_control_characters_cannot_write_into_the_log(tmp_path: Path, lines: Lines) -> None:
    lines.setFormatter(Text("%(message)s"))
    node: Node = await make_node(tmp_path)
    partner = await befriend(node, "2.3.0")
    await partner.fetch("tariffs", x_correlation_id="a\x1b[2Kb\nc")
    assert len(lines.said) == 1 and "\x1b" not in lines.said[0] and "\n" not in lines.said[0]
    await close(node)


class Desk:
    """A logger of a process that serves, on a clock of its own."""

    def __init__(self) -> None:
        self.now = 0.0
        self.lines = Lines(Text("%(message)s"))
        self.lines.addFilter(Once(lambda: self.now))
        self.log = logging.Logger("interplug.x")
        self.log.addHandler(self.lines)

    def fails(self, work: Callable[[], object], path: str) -> None:
        try:
            work()
        except Exception:
            self.log.exception("%s failed", path)

    @property
    def first_lines(self) -> list[str]:
        return [said.partition("\n")[0] for said in self.lines.said]


def full() -> None:
    raise OSError("the disk is full, 100 %")


def test_one_fault_is_told_once_and_then_counted() -> None:
    desk = Desk()
    for n in range(100):
        desk.fails(full, f"/{n}")
    desk.fails(lambda: 1 // 0, "/other")
    desk.log.warning("a line without a fault")
    desk.log.warning("a line without a fault")
    assert desk.first_lines == ["/0 failed", "/other failed", "a line without a fault", "a line without a fault"]
    assert desk.lines.said[0].endswith("OSError: the disk is full, 100 %")
    desk.now = 61.0
    desk.fails(full, "/later")
    desk.fails(full, "/later still")
    assert desk.first_lines[4:] == ["/later failed (and 99 times since it was last told)"]

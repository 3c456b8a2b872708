"""Money and SIGKILL: a process that is killed at the hold, the start, the capture and the refund, again and again, takes and gives once."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from interplug.model.types import decode_json
from tests.drivers.shopping import open_paid_world
from tests.nodes import close

LIVES = 60
KILLS = "payments.before_asking:kill:0.4,payments.before_answer:kill:0.4,payments.after_answer:kill:0.4"
COMMITS = "store.before_commit:kill:0.01,store.in_commit:kill:0.01,store.after_commit:kill:0.01"


@pytest.mark.parametrize("seed", range(5))
async def test_a_process_that_is_killed_again_and_again_captures_once_and_loses_no_refund(tmp_path: Path, seed: int) -> None:
    world = await open_paid_world(tmp_path)
    await close(world.node)
    killed, said = 0, b""
    for life in range(LIVES):
        faults = f"{KILLS},{COMMITS},seed:{seed}/{life}"
        ended = subprocess.run(
            [sys.executable, "-m", "tests.drivers.killed", str(tmp_path)],
            env={**os.environ, "INTERPLUG_FAULTS": faults}, capture_output=True, timeout=120,
        )  # fmt: skip
        if ended.returncode == 0:
            said = ended.stdout
            break
        assert ended.returncode == -signal.SIGKILL, ended.stderr.decode()
        killed += 1
    told = decode_json(said)
    with sqlite3.connect(tmp_path / "bank.db") as books:
        assert books.execute("select count(*) from test_provider where name like 'th%'").fetchall() == [(1,)], "one hold"
    account, asked = decode_json(told["account"].encode()), (tmp_path / "asked").read_text().split()
    assert killed >= 3 and asked.count("START_SESSION") <= 1
    paid = "6.05" if asked else "0"
    assert (account["captured"], account["refunded"]) == (paid, paid), "the bank's books"
    assert (told["payment"], str(told["captured"]), str(told["refunded"])) == ("refunded" if asked else "voided", paid, paid)

"""Faults by name: read, refused, and carried out only where they are asked for."""

import os
import signal
import subprocess
import sys

import pytest

from interplug import faults
from interplug.faults import BadFaults, read


def test_faults_are_read() -> None:
    found = read("store.before_commit:kill:0.5, store.in_commit:kill=0.01:1, clock:jump=90:0.1, sabotage:cursor-before-send, seed:7")
    assert found.kills == {"store.before_commit": faults.Fault(0, 0.5), "store.in_commit": faults.Fault(0.01, 1)}
    assert (found.jump, found.sabotages) == (faults.Fault(90, 0.1), {"cursor-before-send"})


@pytest.mark.parametrize(
    "text",
    ["store.somewhere:kill:1", "store.before_commit:kill", "store.before_commit:jump:1", "push.after_send:kill:2", "sabotage:x", "x"],
)
def test_what_is_no_fault_is_refused_by_name(text: str) -> None:
    with pytest.raises(BadFaults, match=text):
        read(text)


def test_without_faults_nothing_is_broken_and_the_clock_is_the_clock_itself() -> None:
    assert not any(faults.sabotaged(name) for name in faults.SABOTAGES)
    assert faults.clock(faults_clock) is faults_clock


def faults_clock() -> int:
    return 1_000_000


def run(spec: str, code: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, faults.VARIABLE: spec}
    return subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.parametrize("spec", ["push.after_send:kill:1", "push.after_send:kill=0.01:1"])
def test_a_process_ends_at_its_place(spec: str) -> None:
    ended = run(spec, "import time; from interplug import faults; faults.at('push.after_send'); time.sleep(30)")
    assert ended.returncode == -signal.SIGKILL


def test_other_places_are_passed() -> None:
    assert run("push.after_send:kill:1", "from interplug import faults; faults.at('push.before_send')").returncode == 0


def test_a_clock_jumps_either_way_but_not_further() -> None:
    code = "from interplug import faults; clock = faults.clock(lambda: 0); print(*(clock() for _ in range(100)))"
    moments = [int(word) for word in run("clock:jump=90:0.5,seed:1", code).stdout.split()]
    assert min(moments) < 0 < max(moments)
    assert all(abs(moment) <= 90_000_000 for moment in moments)

"""The demo proves itself: run as a stranger runs it, its summary is checked figure by figure, and nothing of it is left behind."""

from __future__ import annotations

import itertools
import os
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path

import msgspec
import pytest

from interplug.cli.demo.processes import quiet_environment


@pytest.mark.parametrize("seed", [1, 2])
def test_the_demo_told_once(seed: int, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "interplug.cli.main", "demo", "--once", "--json", "--seed", str(seed)]
    ended = subprocess.run(
        command, cwd=tmp_path, env=quiet_environment() | {"TMPDIR": str(tmp_path)}, capture_output=True, text=True, timeout=900
    )
    assert ended.returncode == 0, ended.stderr
    summary = msgspec.json.decode(ended.stdout)
    assert summary["ok"]
    assert [(link["version"], link["losses"]["objects"]) for link in summary["links"]] == [("2.1.1", 0), ("2.2.1", 0)]
    pids = [pid for node in summary["nodes"] for pid in node["pids"]]
    assert len(set(pids)) == 4 and len({node["port"] for node in summary["nodes"]}) == 3
    assert [(one["online"], one["versions"]) for one in summary["stations"]] == [(21, ["1.6", "2.0.1", "2.1"])] * 2
    assert all(one["refused"] == one["given_up"] == 0 for one in summary["stations"])
    for story in summary["stories"]:
        ours, theirs, receipt = story["ends"]["operator"], story["ends"]["provider"], story["receipt"]
        assert ours["kwh"] == theirs["kwh"] == ours["cdr_kwh"] == theirs["cdr_kwh"] == receipt["kwh"] > 0
        assert ours["cdr_cost"]["before_taxes"] == theirs["cdr_cost"]["before_taxes"] == story["purchase"]["before_taxes"] > 0
        assert story["retail"] == receipt["total"]
        assert story["margin"] == pytest.approx(receipt["total"]["before_taxes"] - ours["cdr_cost"]["before_taxes"])
        assert ours["cdr"] == theirs["cdr"] == receipt["cdr_id"]
        assert ours["status"] == theirs["status"] == "COMPLETED"
        assert receipt["verdict"] == "match"
        # 21 % of VAT, which the first operator cannot tell: on the receipt, and in what was taken from the card. Both totals are rounded
        # to four places, each from the exact sum: 0.68665 is 0.6867 before, 0.8308 after.
        assert receipt["total"]["after_taxes"] == pytest.approx(receipt["total"]["before_taxes"] * 1.21, abs=0.00005 * 2.21 + 1e-9)
        assert story["payment"]["paid"] == pytest.approx(receipt["total"]["after_taxes"], abs=0.0051)
        assert story["payment"]["state"] == "captured" and 0 < story["payment"]["paid"] < story["payment"]["asked"]
        kwh = [update["kwh"] for update in story["updates"]]
        assert kwh == sorted(set(kwh)) and len(kwh) >= 3
    assert [(story["offer"], story["margin"] == 0) for story in summary["stories"]] == [("VONK-NL", True), ("VONK-CITY", False)]
    planted, checks = summary["planted"], summary["checks"]
    assert planted["cause"] == "utc_used_for_local_time" and planted["operator"] == "Stadstroom"
    # 8 kWh at the day's 0.31 in place of the night's 0.24.
    assert (planted["claimed"], planted["computed"], planted["difference"], planted["currency"]) == (2.48, 1.92, 0.56, "EUR")
    assert checks["checked"] == checks["match"] >= 2
    broken = summary["breakdown"]
    assert (broken["alert"]["code"], broken["alert"]["vendor_code"], broken["alert"]["severity"]) == ("GroundFailure", "E-104", "critical")
    assert broken["alert"]["closed_at"] > broken["alert"]["opened_at"]
    paid = summary["terminal"]
    assert (paid["operator"], paid["terminal"], paid["held"], paid["state"]) == ("Stadstroom", "PIN-0001", 40, "captured")
    # At 0.52 and 21 % of tax, to the cent.
    assert paid["paid"] == pytest.approx(paid["kwh"] * 0.52 * 1.21, abs=0.0051) and paid["authorization_reference"] in paid["receipt"]
    (terminals,) = summary["terminals_node"]["pids"]
    pids.append(terminals)
    (death,) = [story["death"] for story in summary["stories"] if "death" in story]
    assert death["pid_before"] != death["pid_after"]
    assert death["kwh_after"] > death["page_meanwhile"]["kwh"] >= death["kwh_before"]
    assert death["level"]["behind"] == 0 and death["level"]["evses"] >= 40
    assert list(tmp_path.glob("interplug-demo-*")) == []
    assert not any(Path(f"/proc/{pid}").exists() for pid in [*pids, *(one["pid"] for one in summary["stations"])])


@pytest.mark.parametrize(("victim", "reason"), [("demo", "interrupted"), ("vnk", "does not answer")])
def test_a_demo_that_fails_says_why_and_leaves_nothing_behind(victim: str, reason: str, tmp_path: Path) -> None:
    """It is told to stop itself, or loses a node that it did not kill."""
    command = [sys.executable, "-m", "interplug.cli.main", "demo", "--once", "--json"]
    with subprocess.Popen(
        command, env=quiet_environment() | {"TMPDIR": str(tmp_path)}, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as demo:
        assert demo.stderr is not None
        assert "registered with their partners" in demo.stderr.readline()
        nodes = {_arguments(path): int(path.name) for path in Path("/proc").glob("[0-9]*") if str(tmp_path) in _arguments(path)}
        if victim == "demo":
            demo.send_signal(signal.SIGTERM)
        else:
            os.kill(next(pid for words, pid in nodes.items() if f"/{victim}/" in words), signal.SIGKILL)
        said, _ = demo.communicate(timeout=90)
    assert demo.returncode == 1
    summary = msgspec.json.decode(said)
    assert summary["ok"] is False and reason in summary["reason"]
    assert list(tmp_path.glob("interplug-demo-*")) == []
    assert len(nodes) == 6 and not any(Path(f"/proc/{pid}").exists() for pid in nodes.values())


def test_a_demo_that_goes_on_says_where_everything_is_until_ctrl_c(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "interplug.cli.main", "demo", "--json"]
    with subprocess.Popen(
        command, env=quiet_environment() | {"TMPDIR": str(tmp_path)}, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as demo:
        assert demo.stdout is not None
        lines = itertools.takewhile(lambda line: line not in ("}\n", ""), iter(demo.stdout.readline, None))
        told = msgspec.json.decode("".join(lines) + "}")
        with urllib.request.urlopen(told["driver_page"], timeout=30) as page:
            assert b"Charging stations" in page.read()
        with urllib.request.urlopen(told["terminal_page"], timeout=30) as page:
            assert b"Hold the card to the reader" in page.read()
        demo.send_signal(signal.SIGINT)
        demo.communicate(timeout=60)
    assert demo.returncode == 0
    assert list(tmp_path.glob("interplug-demo-*")) == []
    pids = [pid for node in told["nodes"] for pid in node["pids"]] + [one["pid"] for one in told["stations"]]
    assert len(pids) == 5 and not any(Path(f"/proc/{pid}").exists() for pid in pids)


def _arguments(process: Path) -> str:
    try:
        return (process / "cmdline").read_text()
    except OSError:
        return ""

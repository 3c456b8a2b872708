"""Several processes serve one database: all answer, each thing is done by one of them, and whoever is killed is missed by nobody."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from urllib.request import urlopen

import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.postgres import Cluster, ask

PROGRAM = (sys.executable, "-m", "interplug.cli.main")
HOLDERS = "select distinct holder from lease where name not like 'process %'"
PATIENCE = 60.0


@pytest.fixture
def environment(cluster: Cluster, tmp_path: Path) -> Iterator[dict[str, str]]:
    with cluster.database() as url:
        yield os.environ | {
            "INTERPLUG__STORE__URL": url,
            "INTERPLUG__STORE__KEY_FILE": str(tmp_path / "node.key"),
            "INTERPLUG__SERVER__PORT": "0",
        }


class Serving:
    def __init__(self, environment: dict[str, str], count: int = 2, stderr: int | None = None) -> None:
        self.database = environment["INTERPLUG__STORE__URL"]
        self.parent = subprocess.Popen(
            [*PROGRAM, "serve", "--workers", str(count)], env=environment, stdout=subprocess.PIPE, stderr=stderr, text=True
        )
        self.url = ""

    async def ready(self) -> None:
        assert self.parent.stdout is not None
        while "partners" not in (line := await asyncio.to_thread(self.parent.stdout.readline)):
            assert line, "it has ended"
        self.url = line.split()[1].removesuffix("/ocpi/versions")

    def holders(self) -> dict[int, str]:
        """The process ids of those that hold something."""
        return {int(row[0].split()[1]): row[0] for row in ask(self.database, HOLDERS) if row[0]}

    async def until(self, count: int, without: int = 0) -> dict[int, str]:
        """Until that many processes share everything, and not the one that is named."""
        async with asyncio.timeout(PATIENCE):
            while True:
                rows = ask(self.database, HOLDERS)
                if len(found := self.holders()) == len(rows) == count and without not in found:
                    return found
                await asyncio.sleep(0.1)


@pytest.fixture
async def serving(environment: dict[str, str]) -> AsyncIterator[Serving]:
    started = Serving(environment)
    await started.ready()
    yield started
    if started.parent.poll() is None:
        started.parent.send_signal(signal.SIGTERM)
    started.parent.communicate()


def answers(url: str) -> bool:
    with urlopen(f"{url}/health/ready", timeout=30) as answer:
        return bool(answer.status == 200)


async def test_two_workers_share_and_one_that_is_killed_is_replaced(serving: Serving) -> None:
    first = await serving.until(2)
    assert serving.parent.pid not in first
    assert await asyncio.to_thread(answers, serving.url)
    victim = min(first)
    os.kill(victim, signal.SIGKILL)
    assert await asyncio.to_thread(answers, serving.url), "the other one goes on"
    now = await serving.until(2, without=victim)
    assert len(first.keys() & now.keys()) == 1
    serving.parent.send_signal(signal.SIGTERM)
    assert await asyncio.to_thread(serving.parent.wait, PATIENCE) == 0
    assert serving.holders() == {}, "what they held is free at once"
    assert not [pid for pid in now if Path(f"/proc/{pid}").exists()]


Figures = dict[tuple[str, str], float]


def figures(url: str) -> Figures:
    """By name and worker; the samples of a worker are added up."""
    with urlopen(f"{url}/metrics", timeout=30) as answer:
        families = list(text_string_to_metric_families(answer.read().decode()))
    found: Figures = {}
    for one in (sample for family in families for sample in family.samples):
        place = one.name, one.labels.get("worker", "")
        found[place] = found.get(place, 0) + one.value
    return found


async def test_whoever_is_asked_tells_the_figures_of_all_workers(serving: Serving) -> None:
    pids = await serving.until(2)
    for _ in range(5):
        found = await asyncio.to_thread(figures, serving.url)
        assert {worker for name, worker in found if name == "interplug_store_transactions_total"} == {"0", "1"}
        assert {found["process_resident_memory_bytes", worker] > 1_000_000 for worker in "01"} == {True}
        assert found["interplug_ready", "0"] == found["interplug_ready", "1"] == 1
        assert ("interplug_changes", "") in found and ("interplug_changes", "0") not in found
    os.kill(min(pids), signal.SIGSTOP)
    found = await asyncio.to_thread(figures, serving.url)
    os.kill(min(pids), signal.SIGCONT)
    assert sorted(found["interplug_worker_up", worker] for worker in "01") == [0, 1], "one that says nothing is not waited for"


async def test_workers_whose_database_is_silent_are_up_and_not_ready(cluster: Cluster, serving: Serving) -> None:
    await serving.until(2)
    cluster.pause()
    try:
        found = await asyncio.to_thread(figures, serving.url)
    finally:
        cluster.go_on()
    assert [found[name, worker] for name in ("interplug_worker_up", "interplug_ready") for worker in "01"] == [1, 1, 0, 0]


@pytest.mark.parametrize("how", [signal.SIGQUIT, signal.SIGSTOP], ids=["killed", "silent"])
@pytest.mark.parametrize("count", [1, 2])
async def test_a_node_that_is_told_to_stop_while_its_database_is_away_ends_in_time_and_says_so(
    cluster: Cluster, environment: dict[str, str], how: signal.Signals, count: int
) -> None:
    serving = Serving(environment, count, stderr=subprocess.PIPE)
    await serving.ready()
    await serving.until(count)
    if how == signal.SIGQUIT:
        cluster.stop()
    else:
        cluster.pause()
    try:
        serving.parent.send_signal(signal.SIGTERM)
        _, told = await asyncio.to_thread(serving.parent.communicate, timeout=10)
    finally:
        cluster.start() if how == signal.SIGQUIT else cluster.go_on()
    assert serving.parent.returncode == 1
    said = [line for line in told.splitlines() if line.startswith("interplug: ")]
    assert len(said) == count
    assert all("did not take everything (" in line and "leases failed" in line for line in said)
    assert "cli/main.py" not in told, "nothing came out of the command"


async def test_workers_end_with_a_parent_that_is_killed(serving: Serving) -> None:
    workers = await serving.until(2)
    serving.parent.kill()
    async with asyncio.timeout(PATIENCE):
        while [pid for pid in workers if Path(f"/proc/{pid}").exists()]:
            await asyncio.sleep(0.1)
    assert serving.holders() == {}


def test_what_several_workers_cannot_do_is_said(environment: dict[str, str]) -> None:
    settings = {"INTERPLUG__STORE__URL": "sqlite:///node.db"}
    done = subprocess.run(
        [*PROGRAM, "serve", "--workers", "2"], env=environment | settings, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 4 and "several workers need PostgreSQL" in done.stderr

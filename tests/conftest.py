"""What all tests share: the profiles of hypothesis, databases, a clock and a network, a browser; nothing that belongs to one room.

Profiles: `quick` is the default on a desk, `ci` repeats the same examples on every run (a red build must be reproducible),
`deep` is for a night (`HYPOTHESIS_PROFILE=deep`). Deadlines are off everywhere: a slow machine is not a broken law.
"""

import contextlib
import os
import shutil
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from playwright.async_api import Browser, Page, async_playwright

from interplug.cli.demo.processes import NodeProcess
from interplug.drivers import at_plug
from tests import nodes, postgres, real_data
from tests.foreign import stations

pytest_plugins = ["pytester"]

settings.register_profile("quick", deadline=None, max_examples=100, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("ci", settings.get_profile("quick"), derandomize=True, database=None)
settings.register_profile("deep", settings.get_profile("quick"), max_examples=5000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE") or ("ci" if os.environ.get("CI") else "quick"))

CHROMIUM_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
# The browser talks to the page under test and to nobody else.
CHROMIUM_FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@pytest.fixture
def clock() -> nodes.Clock:
    """It stands still until a test moves it."""
    return nodes.Clock()


@pytest.fixture(autouse=True)
def unhurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """A page waits for the played operator, however slow this machine is."""
    monkeypatch.setattr(at_plug, "PROMPT", 600.0)


@pytest.fixture
def wire() -> nodes.Wire:
    """A network with nobody in it."""
    return nodes.Wire()


ENGINES = ("sqlite", "postgresql")


@pytest.fixture(scope="session")
def cluster() -> Iterator[postgres.Cluster]:
    """A PostgreSQL server of this process's tests."""
    with postgres.cluster() as started:
        yield started


@pytest.fixture(params=ENGINES)
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of an empty database; whoever asks for it is tried on both engines."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'node.db'}"
        return
    with request.getfixturevalue("cluster").database() as url:
        yield url


@pytest.fixture
def on_postgresql(cluster: postgres.Cluster, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The nodes of the test, in this process and in processes of their own, keep what they hold in PostgreSQL."""
    with contextlib.ExitStack() as rest:
        databases = postgres.Databases(cluster, rest)
        monkeypatch.setattr(nodes, "database", databases)
        monkeypatch.setattr(NodeProcess, "store", property(lambda self: databases(self.folder, self.name)))
        yield


@pytest.fixture(params=ENGINES)
def engine(request: pytest.FixtureRequest) -> str:
    """The test is told twice, on either engine."""
    if request.param == "postgresql":
        request.getfixturevalue("on_postgresql")
    return str(request.param)


@pytest.fixture(autouse=True)
def _wherever(request: pytest.FixtureRequest) -> None:
    """INTERPLUG_TESTS_ON=postgresql: every test whose nodes do not name their own database."""
    if os.environ.get("INTERPLUG_TESTS_ON") == "postgresql":
        request.getfixturevalue("on_postgresql")


@pytest.fixture(scope="session")
def chromium() -> str:
    """Where Chromium stands. Its absence fails a test: a page that nobody looked at is not a page that works."""
    named = os.environ.get("INTERPLUG_CHROMIUM")
    found = named if named and os.access(named, os.X_OK) else next(filter(None, map(shutil.which, CHROMIUM_NAMES)), None)
    if found is None:
        pytest.fail("Chromium is missing: run `make browser`, or name it in INTERPLUG_CHROMIUM", pytrace=False)
    return found


@pytest.fixture
async def browser(chromium: str) -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        started = await playwright.chromium.launch(executable_path=chromium, args=CHROMIUM_FLAGS)
        yield started
        await started.close()


@pytest.fixture
async def page(browser: Browser) -> AsyncIterator[Page]:
    """A page as a phone shows it; an error that its script throws fails the test."""
    context = await browser.new_context(viewport={"width": 390, "height": 844}, locale="en-GB", timezone_id="Europe/Amsterdam")
    shown = await context.new_page()
    errors: list[str] = []
    shown.on("pageerror", lambda error: errors.append(str(error)))
    yield shown
    await context.close()
    assert errors == []


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Whoever reads the result has to know on what it was got."""
    said = (
        f"read from {real_data.FOLDER}" if real_data.at_hand() else "not found; a generated set with the same deviations stood in for them"
    )
    terminalreporter.write_line(f"real Locations and Tariffs: {said}")
    server = postgres.found("postgres")
    terminalreporter.write_line(f"PostgreSQL: {server or 'not found; nothing was tried on it (.ci/tools postgresql installs it)'}")
    terminalreporter.write_line(f"stations that others have written: {stations.missing() or 'at hand'}")

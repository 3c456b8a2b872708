"""A PostgreSQL cluster of the tests' own: in a temporary folder, on a Unix socket, gone with the process that started it.

The binaries are the system's. Where they are missing these tests are skipped, and the last lines of the run say so; in CI their absence
fails, for a store that was not tried is not a store that works. Postgres refuses to run as root, so there it runs as `postgres`. Each
test gets a copy of a database that was migrated once.
"""

import contextlib
import ctypes
import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from interplug.store import server_schema

USER = "postgres"
TEMPLATE = "interplug_template"
OPTIONS = {"fsync": "off", "shared_buffers": "32MB", "max_connections": "100", "listen_addresses": "", "full_page_writes": "off"}
"""Not synced: the cluster does not outlive its machine. What a client was told survives every death of a client all the same."""
PR_SET_PDEATHSIG = 1


def found(name: str) -> str | None:
    versions = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parent.name), reverse=True)
    places = [*os.environ.get("PATH", "").split(os.pathsep), *map(str, versions)]
    return shutil.which(name, path=os.pathsep.join(places))


def binary(name: str) -> str:
    path = found(name)
    if path is None:
        why = "PostgreSQL is missing: run `.ci/tools postgresql` (Debian: apt-get install postgresql)"
        pytest.fail(why, pytrace=False) if os.environ.get("CI") else pytest.skip(why)
    return path


class Cluster:
    """A server; `restart` stops it at once, as a fault would, and starts it again."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._as = {"user": USER, "group": USER, "extra_groups": []} if os.getuid() == 0 else {}
        self._run("initdb", "-D", folder / "data", "-U", USER, "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync")
        self._process: subprocess.Popen[bytes] | None = None
        self._count = 0
        self.start()
        self.execute(f"create database {TEMPLATE}")
        server_schema.prepare(self.url(TEMPLATE))

    def url(self, database: str) -> str:
        return f"postgresql://{USER}@/{database}?host={self.folder}"

    def start(self) -> None:
        """In the main thread: the server dies with the thread that started it."""
        options = [text for name, value in OPTIONS.items() for text in ("-c", f"{name}={value}")]
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [binary("postgres"), "-D", str(self.folder / "data"), "-k", str(self.folder), *options],
                stdout=log,
                stderr=log,
                preexec_fn=_die_with_parent,
                **self._as,  # type: ignore[arg-type]
            )
        self._run("pg_isready", "-h", self.folder, "-t", "60", "-q", until_ready=True)

    def stop(self, how: signal.Signals = signal.SIGQUIT) -> None:
        assert self._process is not None
        self._process.send_signal(how)
        self._process.wait(60)

    def pause(self) -> None:
        """All of its processes say nothing more, and every connection stays open."""
        self._signal(signal.SIGSTOP)

    def go_on(self) -> None:
        self._signal(signal.SIGCONT)

    def _signal(self, number: signal.Signals) -> None:
        assert self._process is not None
        children = Path(f"/proc/{self._process.pid}/task/{self._process.pid}/children").read_text().split()
        for pid in (self._process.pid, *map(int, children)):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)

    def execute(self, sql: str) -> list[Any]:
        """As the owner of the cluster, outside of any transaction."""

        async def work() -> list[Any]:
            connection = await asyncpg.connect(self.url(USER))
            try:
                return list(await connection.fetch(sql))
            finally:
                await connection.close()

        return server_schema.apart(work())

    @contextlib.contextmanager
    def database(self, template: str = TEMPLATE) -> Iterator[str]:
        self._count += 1
        name = f"test_{self._count}"
        self.execute(f"create database {name} template {template}")
        yield self.url(name)
        self.execute(f"drop database {name} with (force)")

    def _run(self, name: str, *arguments: object, until_ready: bool = False) -> None:
        command = [binary(name), *map(str, arguments)]
        while True:
            done = subprocess.run(command, capture_output=True, text=True, check=False, **self._as)  # type: ignore[call-overload]
            if done.returncode == 0:
                return
            if not until_ready or self._process is None or self._process.poll() is not None:
                pytest.fail(f"{name}: {done.stdout}{done.stderr}{(self.folder / 'log').read_text()}", pytrace=False)


def _die_with_parent() -> None:
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGQUIT)


@contextlib.contextmanager
def cluster() -> Iterator[Cluster]:
    folder = Path(tempfile.mkdtemp(prefix="interplug-pg-"))
    if os.getuid() == 0:
        shutil.chown(folder, USER, USER)
    try:
        started = Cluster(folder)
        yield started
        started.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


class Databases:
    """A database of the cluster for each (folder, name), made when it is first asked for."""

    def __init__(self, cluster: Cluster, rest: contextlib.ExitStack) -> None:
        self._cluster, self._rest = cluster, rest
        self._urls: dict[Path, str] = {}

    def __call__(self, folder: Path, name: str) -> str:
        place = folder / name
        if place not in self._urls:
            self._urls[place] = self._rest.enter_context(self._cluster.database())
        return self._urls[place]


def ask(url: str, sql: str, *values: object) -> list[Any]:
    """A statement of the test itself, past the store."""

    async def work() -> list[Any]:
        connection = await asyncpg.connect(url)
        try:
            return list(await connection.fetch(sql, *values))
        finally:
            await connection.close()

    return server_schema.apart(work())

"""`interplug db backup` and `restore`: a node moves with its key, and never over one that lives."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from interplug.cli.demo.processes import quiet_environment
from interplug.config import StoreSettings
from interplug.partners.keys import NodeKey
from interplug.store import server_schema
from interplug.store.schema import GAP
from interplug.store.store import Store
from tests.cli.conftest import Command
from tests.postgres import Cluster, ask

PROGRAM = (sys.executable, "-m", "interplug.cli.main")


@pytest.fixture
def node(interplug: Command, tmp_path: Path) -> Command:
    """A node with a partner, whose token is sealed with the node key."""
    interplug("party", "add", "CPO", "NL-TNM")
    interplug("partner", "invite", "abc", "--host", "abc.example")

    async def seal() -> None:
        url = f"sqlite:///{tmp_path / 'node.db'}"
        store, key = Store.open(url), NodeKey.load(StoreSettings(url=url))
        await store.write(lambda tx: tx.partners.change(1, token_out=key.seal("their-token", 1)))
        await store.close()

    asyncio.run(seal())
    return interplug


def parties(command: Command, *more: str) -> list[str]:
    return [one["party_id"] for one in command("party", "list", "--json", *more).json]


def test_a_node_moves_to_another_machine_with_its_key(node: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    said = node("db", "backup", "copy.db", "--json")
    assert (said.code, said.json["key_copied"]) == (0, True)
    for name in ("copy.db", "copy.db.key"):
        assert (tmp_path / name).stat().st_mode & 0o077 == 0
    monkeypatch.setenv("INTERPLUG__STORE__URL", f"sqlite:///{tmp_path / 'elsewhere/other.db'}")
    assert node("db", "restore", "copy.db").code == 0
    assert (tmp_path / "elsewhere/other.db.key").read_bytes() == (tmp_path / "node.db.key").read_bytes()
    assert parties(node) == ["TNM"]
    assert node("partner", "show", "abc", "--json").json["partner"] == "abc"


@pytest.mark.parametrize("name", ["node.db", "node.db.key", "./node.db", "link.db"])
def test_a_copy_never_takes_the_place_of_the_node_itself(node: Command, tmp_path: Path, name: str) -> None:
    """A node that runs would write on into a file without a name, and a key made anew opens no token."""
    (tmp_path / "link.db").symlink_to(tmp_path / "node.db")
    before = [((tmp_path / one).stat().st_ino, (tmp_path / one).read_bytes()) for one in ("node.db", "node.db.key")]
    said = node("db", "backup", name, "--replace")
    assert (said.code, "a copy goes elsewhere" in said.err) == (2, True)
    assert [((tmp_path / one).stat().st_ino, (tmp_path / one).read_bytes()) for one in ("node.db", "node.db.key")] == before
    assert node("db", "restore", "node.db", "--replace").code == 2


@pytest.mark.parametrize("name", ["", ".", "folder"])
def test_a_folder_is_no_file_for_a_copy(node: Command, tmp_path: Path, name: str) -> None:
    (tmp_path / "folder").mkdir()
    assert [node("db", verb, name, "--replace").code for verb in ("backup", "restore")] == [2, 2]


def test_nothing_is_replaced_unasked(node: Command, tmp_path: Path) -> None:
    assert node("db", "backup", "copy.db").code == 0
    again = node("db", "backup", "copy.db")
    assert (again.code, "--replace" in again.err) == (2, True)
    assert node("db", "backup", "copy.db", "--replace").code == 0
    node("party", "add", "EMSP", "NL-NEW")
    said = node("db", "restore", "copy.db")
    assert (said.code, "--replace" in said.err) == (1, True)
    assert parties(node) == ["TNM", "NEW"]
    restored = node("db", "restore", "copy.db", "--replace", "--json")
    assert restored.code == 0
    assert parties(node) == ["TNM"]
    assert parties(node, "--store", f"sqlite:///{restored.json['kept']}") == ["TNM", "NEW"]


def test_a_copy_without_its_key_is_not_put_under_another_one(node: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    node("db", "backup", "copy.db", "--without-key")
    assert not (tmp_path / "copy.db.key").exists()
    monkeypatch.setenv("INTERPLUG__STORE__URL", f"sqlite:///{tmp_path / 'other.db'}")
    said = node("db", "restore", "copy.db")
    assert (said.code, "node key" in said.err) == (4, True)
    assert not (tmp_path / "other.db").exists()
    NodeKey(b"x" * 32).save(tmp_path / "other.db.key")
    assert node("db", "restore", "copy.db").code == 4
    (tmp_path / "other.db.key").write_bytes((tmp_path / "node.db.key").read_bytes())
    assert node("db", "restore", "copy.db").code == 0


def test_the_key_that_is_there_is_kept_when_another_takes_its_place(node: Command, tmp_path: Path) -> None:
    node("db", "backup", "copy.db")
    old = (tmp_path / "node.db.key").read_bytes()
    (tmp_path / "node.db.key").unlink()
    NodeKey(b"x" * 32).save(tmp_path / "node.db.key")
    assert node("db", "restore", "copy.db").code == 1
    said = node("db", "restore", "copy.db", "--replace", "--json")
    assert (tmp_path / "node.db.key").read_bytes() == old
    assert NodeKey(b"x" * 32) != NodeKey(b"y" * 32)
    assert Path(said.json["kept_key"]).exists()


def test_a_key_in_the_settings_is_named_and_not_copied(node: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INTERPLUG__STORE__KEY", (tmp_path / "node.db.key").read_text().strip())
    said = node("db", "backup", "copy.db", "--json").json
    assert (said["key_copied"], "store.key" in said["key"]) == (False, True)
    assert node("db", "restore", "copy.db", "--replace").code == 0


@pytest.fixture
def serving(node: Command, tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    with served(f"sqlite:///{tmp_path / 'node.db'}", tmp_path) as process:
        yield process


@contextmanager
def served(url: str, tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    environment = quiet_environment() | {"INTERPLUG__SERVER__PORT": "0", "INTERPLUG__STORE__URL": url}
    with subprocess.Popen([*PROGRAM, "serve"], cwd=tmp_path, env=environment, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert "is ready" in process.stdout.readline()
        yield process
        process.kill()


def test_a_node_that_runs_is_copied_and_not_replaced(serving: subprocess.Popen[str], node: Command) -> None:
    assert node("db", "backup", "copy.db").code == 0
    said = node("db", "restore", "copy.db", "--replace")
    assert (said.code, "serves" in said.err) == (4, True)
    assert serving.poll() is None
    assert parties(node) == ["TNM"]


def test_a_node_on_postgresql_comes_back_with_numbers_that_nobody_has_seen(
    interplug: Command, cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    with cluster.database() as url:
        monkeypatch.setenv("INTERPLUG__STORE__URL", url)
        interplug("party", "add", "CPO", "NL-TNM")
        number = "select no from counter where name = 'change'"
        ((before,),) = ask(url, number)
        assert interplug("db", "backup", "copy.dump").code == 0
        interplug("party", "add", "EMSP", "NL-NEW")
        assert interplug("db", "restore", "copy.dump", "--replace").code == 0
        assert parties(interplug) == ["TNM"]
        assert ask(url, number)[0][0] == before + GAP


def test_a_copy_of_an_older_release_comes_back_on_postgresql(
    interplug: Command, cluster: Cluster, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """As one goes back after an upgrade: there are tables that the copy does not know, and the steps make them anew."""
    with cluster.database() as url:
        monkeypatch.setenv("INTERPLUG__STORE__URL", url)
        for (table,) in ask(url, "select tablename from pg_tables where schemaname = 'public'"):
            ask(url, f'drop table "{table}" cascade')
        server_schema.upgrade(url, "0026_accounts")
        assert interplug("db", "backup", "copy.dump").code == 0
        interplug("party", "add", "CPO", "NL-TNM")
        assert (said := interplug("db", "restore", "copy.dump")).code == 1 and "--replace" in said.err
        assert parties(interplug) == ["TNM"]
        said = interplug("db", "restore", "copy.dump", "--replace", "--json")
        assert said.code == 0 and parties(interplug) == []
        assert ask(url, f"select party from {said.json['kept']}.party") == [("tnm",)]
        assert interplug("db", "status", "--json").json["current"]
        assert interplug("db", "backup", "again.dump").code == 0
        assert interplug("db", "restore", "again.dump", "--replace").code == 0, "what was set aside is in no copy"


def test_a_copy_that_is_no_good_leaves_a_node_on_postgresql_as_it_was(
    interplug: Command, cluster: Cluster, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with cluster.database() as url:
        monkeypatch.setenv("INTERPLUG__STORE__URL", url)
        interplug("party", "add", "CPO", "NL-TNM")
        assert interplug("db", "backup", "copy.dump").code == 0
        whole = (tmp_path / "copy.dump").read_bytes()
        (tmp_path / "half.dump").write_bytes(whole[: len(whole) * 2 // 3])
        assert interplug("db", "restore", "half.dump", "--replace").code == 1
        assert parties(interplug) == ["TNM"] and interplug("db", "status", "--json").json["current"]
        assert ask(url, "select nspname from pg_namespace where nspname like 'interplug%'") == []


def test_a_node_that_runs_on_postgresql_is_not_replaced(
    interplug: Command, cluster: Cluster, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with cluster.database() as url:
        monkeypatch.setenv("INTERPLUG__STORE__URL", url)
        interplug("party", "add", "CPO", "NL-TNM")
        with served(url, tmp_path) as process:
            assert interplug("db", "backup", "copy.dump").code == 0
            said = interplug("db", "restore", "copy.dump", "--replace")
            assert (said.code, "is serving" in said.err) == (4, True)
            assert process.poll() is None
        assert parties(interplug) == ["TNM"]


def test_the_tool_of_postgresql_gets_the_password_as_it_is_and_leaves_no_half_of_a_copy(
    interplug: Command, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    tool = tmp_path / "pg_dump"
    write = 'case $one in --file=*) printf %s "$PGPASSWORD" > "${one#--file=}";; esac'
    tool.write_text(f"#!/bin/sh\nfor one; do {write}; done\nexit $(cat code)\n")
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    monkeypatch.setenv("INTERPLUG__STORE__URL", "postgresql://ops:p%40ss%3Aword@db.example/roaming")
    code, copy = tmp_path / "code", tmp_path / "copy.dump"
    code.write_text("0")
    assert interplug("db", "backup", "copy.dump").code == 0
    assert copy.read_text() == "p@ss:word"
    assert (again := interplug("db", "backup", "copy.dump")).code == 2 and "--replace" in again.err
    copy.write_text("the last one")
    code.write_text("1")
    assert interplug("db", "backup", "copy.dump", "--replace").code == 1
    assert copy.read_text() == "the last one"
    assert not list(tmp_path.glob("*.part"))
    assert (none := interplug("db", "restore", "none.dump")).code == 2 and "there is no file" in none.err


@pytest.mark.parametrize("words", [("backup", "copy.dump"), ("restore", "copy.dump")])
def test_for_postgresql_the_call_of_its_own_tool_is_named_without_the_password(
    interplug: Command, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, words: tuple[str, str]
) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    if words[0] == "restore":
        (tmp_path / "copy.dump").write_bytes(b"x")
    said = interplug("db", *words, "--store", "postgresql://ops:secret@db.example:5433/roaming", "--json")
    assert said.json["called"] is False
    assert said.json["command"][0] == {"backup": "pg_dump", "restore": "pg_restore"}[words[0]]
    assert "--dbname=postgresql://ops@db.example:5433/roaming" in said.json["command"]
    assert "secret" not in said.out + said.err

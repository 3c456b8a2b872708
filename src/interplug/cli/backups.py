"""`interplug db backup` and `restore`: the database of a node in one file, and the node key beside it.

Without its key a database opens no door: the tokens of partners are sealed with it. So the key is copied, too (FILE.key), unless it is
kept elsewhere, and a copy is not put back under a key that does not fit. PostgreSQL has its own tools, which are called or named.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import unquote, urlsplit

from cyclopts import Parameter

from interplug.config import StoreSettings
from interplug.partners.keys import NodeKey, key_path
from interplug.store import backup as copies
from interplug.store.alone import alone
from interplug.store.backup import Copy
from interplug.store.schema import LIFT
from interplug.store.urls import Server, SqliteFile, place_of

from .ending import CONFIGURATION, USAGE, end, show
from .opening import REPORTING, Reporting, settings_of

Replace = Annotated[bool, Parameter(negative=(), help="Replace what is there.")]
BEFORE = "interplug_before_"
"""What a copy has replaced on PostgreSQL stands in a schema whose name begins so, and goes into no copy."""
IN_SETTINGS = "in the settings (store.key)"
KEY_APART = "The node key is not in the database; keep it apart (store.key or store.key_file)."


def backup(
    file: Path,
    /,
    *,
    replace: Replace = False,
    without_key: Annotated[bool, Parameter(negative=(), help="Do not copy the node key; you keep it elsewhere.")] = False,
    common: Reporting = REPORTING,
) -> None:
    """Copy the database to a file, and the node key beside it (FILE.key). The node may run meanwhile.

    Parameters
    ----------
    file
        Where the copy goes.
    """
    store = settings_of(common).store
    place = place_of(store.url)
    if file.is_dir():
        end(f"{file} is a folder; name the file that the copy shall be", USAGE)
    if isinstance(place, Server):
        if file.exists() and not replace:
            end(f"{file} is there already (--replace)", USAGE)
        document, told = _dump(file, store.url)
        show(document, [told, KEY_APART], json=common.json)
        return
    assert isinstance(place, SqliteFile)
    source, key_file = place.path, beside(file)
    if not source.exists():
        end(f"there is no database at {place.shown}", CONFIGURATION)
    _apart((file, key_file), place, store)
    copies_key = not without_key and not store.key and key_path(store).exists()
    for one in (file, key_file) if copies_key else (file,):
        if one.exists() and not replace:
            end(f"{one} is there already (--replace)", USAGE)
    copy = copies.take(source, file)
    if copies_key:
        key_file.unlink(missing_ok=True)
        NodeKey.load(store).save(key_file)
    key = str(key_file) if copies_key else IN_SETTINGS if store.key else str(key_path(store))
    document = {**_described(copy), "file": str(file), "key": key, "key_copied": copies_key}
    lines = [f"{file}: {copy.objects} objects, schema {copy.schema}, {copy.size / 1e6:.1f} MB, looked at and whole"]
    lines.append(f"the node key is {'copied to' if copies_key else 'not in it; it stands at'} {key}; without it no partner can be called")
    show(document, lines, json=common.json)


def restore(file: Path, /, *, replace: Replace = False, common: Reporting = REPORTING) -> None:
    """Make a copy the database of this node. No node may be serving it; what was there is kept beside it.

    Parameters
    ----------
    file
        What `db backup` has written.
    """
    store = settings_of(common).store
    place = place_of(store.url)
    if not file.is_file():
        end(f"there is no file {file}", USAGE)
    if isinstance(place, Server):
        document, lines = _restored(file, place, store.url, replace=replace)
        show({**document, "lift": LIFT}, [*lines, KEY_APART], json=common.json)
        return
    assert isinstance(place, SqliteFile)
    target = place.path
    _apart((file,), place, store)
    copy = copies.look(file, thoroughly=True)
    target.parent.mkdir(parents=True, exist_ok=True)
    with alone(place):
        if target.exists() and not replace:
            end(f"there is a database at {store.url}; --replace keeps it under another name")
        key, old_key = _key(copy, store, beside(file), replace=replace)
        kept = copies.put_back(file, target)
        if old_key is not None:
            os.rename(key_path(store), old_key)
        if key is not None:
            key.save(key_path(store))
    document = {**_described(copy), "database": store.url, "kept": kept and str(kept), "kept_key": old_key and str(old_key)}
    lines = [f"{store.url} is what {file} was: {copy.objects} objects, schema {copy.schema}"]
    lines += [f"what was there is kept at {one}" for one in (kept, old_key) if one is not None]
    lines.append("What happened since the copy was taken is lost; docs/operation.md says how partners and this node come level again.")
    show(document, lines, json=common.json)


def beside(file: Path) -> Path:
    """Where the key of a copy stands."""
    return file.with_name(f"{file.name}.key")


def _apart(copy: tuple[Path, ...], place: SqliteFile, store: StoreSettings) -> None:
    """A copy is not the thing itself: written over it, a running node would go on with a file that has no name any more."""
    itself = [place.path, *(place.path.with_name(place.path.name + beside_it) for beside_it in ("-wal", "-shm")), key_path(store)]
    for one in copy:
        if any(one.exists() and mine.exists() and one.samefile(mine) for mine in itself):
            end(f"{one} is this node's own; a copy goes elsewhere", USAGE)


def _key(copy: Copy, store: StoreSettings, key_file: Path, *, replace: bool) -> tuple[NodeKey | None, Path | None]:
    """The key that has to be written, and where the one that is there goes; neither where the right one is in place."""
    place = key_path(store)
    present = NodeKey.load(store) if store.key or place.exists() else None
    if present is not None and present.opens(copy.sealed) and (copy.sealed or not key_file.exists()):
        return None, None
    came = NodeKey.load(StoreSettings(key_file=str(key_file))) if key_file.exists() else None
    if came is None or not came.opens(copy.sealed):
        end(f"the node key of this copy is needed, as {key_file}, or at {place}: partners' tokens are sealed with it", CONFIGURATION)
    if present is None:
        return came, None
    if present == came:
        return None, None
    if store.key:
        end("store.key is not the node key of this copy", CONFIGURATION)
    if not replace:
        end(f"the node key at {place} is not that of this copy (--replace keeps it under another name)", CONFIGURATION)
    return came, place.with_name(f"{place.name}-before-{time.strftime('%Y%m%dT%H%M%S')}")


def _described(copy: Copy) -> dict[str, Any]:
    return {"schema": copy.schema, "changes": copy.changes, "objects": copy.objects, "bytes": copy.size}


# --- PostgreSQL


def _dump(file: Path, url: str) -> tuple[dict[str, Any], str]:
    """A copy that was begun and not finished never stands where a copy is looked for, nor in place of the last one."""
    begun = file.with_name(f"{file.name}.part")
    try:
        document, told = _call("pg_dump", ["--format=custom", f"--exclude-schema={BEFORE}*", f"--file={begun}"], url)
        if document["called"]:
            begun.replace(file)
    finally:
        begun.unlink(missing_ok=True)
    named = {**document, "command": [part.replace(str(begun), str(file)) for part in document["command"]]}
    return named, told.replace(str(begun), str(file))


def _restored(file: Path, place: Server, url: str, *, replace: bool) -> tuple[dict[str, Any], list[str]]:
    """What was there is set aside first, and there again where the copy is no good."""
    if shutil.which("pg_restore") is None:
        cleaned = ["--clean", "--if-exists"] if replace else []
        document, told = _call("pg_restore", ["--single-transaction", *cleaned, str(file)], url)
        return document, [told, f'and then: psql -c "{LIFT}"']
    if connections := place.served():
        end(f"a node is serving {place.shown} ({connections} connections); stop it first", CONFIGURATION)
    there = place.found() is not None
    if there and not replace:
        end(f"there is a database at {place.shown}; --replace keeps it in a schema of another name")
    kept = f"{BEFORE}{datetime.now(UTC):%Y%m%d_%H%M%S_%f}" if there else None
    if kept is not None:
        place.set_aside(kept)
    try:
        document, told = _call("pg_restore", ["--single-transaction", str(file)], url)
        place.put_back()
    except BaseException:
        if kept is not None:
            place.take_back(kept)
        raise
    rest = [f'what was there is kept in the schema {kept}; to be rid of it: psql -c "drop schema {kept} cascade"'] if kept else []
    return {**document, "kept": kept}, [told, *rest]


def _call(program: str, arguments: list[str], url: str) -> tuple[dict[str, Any], str]:
    """Calls PostgreSQL's own program, or says what to call where it is not installed. The password goes through the environment."""
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    name = f"{parts.username}@{host}" if parts.username else host
    command = [program, *arguments, f"--dbname={parts._replace(netloc=name).geturl()}"]
    document: dict[str, Any] = {"command": command, "called": shutil.which(program) is not None}
    if document["called"]:
        done = subprocess.run(
            command, env=os.environ | ({"PGPASSWORD": unquote(parts.password)} if parts.password else {}), umask=0o077, check=False
        )
        if done.returncode:
            end(f"{program} ended with {done.returncode}")
    told = f"{program} has done it" if document["called"] else f"{program} is not installed here; where it is, call: {' '.join(command)}"
    return document, told

"""`interplug operator`: the people who may sign in to the operators' page."""

from __future__ import annotations

import getpass
import re
import sys
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter

from interplug.model.types import fold, format_time
from interplug.modules.node import Node
from interplug.web import passwords, signing

from .ending import USAGE, columns, end, show
from .opening import DASH, REPORTING, Reporting, with_node

_NAME = re.compile(r"[^\s\x00-\x1f\x7f]{1,100}")


def add(
    name: str,
    /,
    *,
    password_file: Annotated[
        str | None, DASH, Parameter(help="File with the password; - is standard input. Without it, a person is asked.")
    ] = None,
    common: Reporting = REPORTING,
) -> None:
    """Let somebody sign in to the operators' page (`surfaces.console`), or change the password.

    Parameters
    ----------
    name
        Without spaces; an address of e-mail is one.
    """
    if not _NAME.fullmatch(name):
        end(f"{name!r} is no name: 1 to 100 characters without spaces", USAGE)
    password = _password(password_file)
    try:
        with_node(common, lambda node: signing.put(node, name, password))
    except passwords.BadPassword as error:
        end(str(error), USAGE)
    show({"name": fold(name)}, [f"{fold(name)} may sign in"], json=common.json)


def list_(*, common: Reporting = REPORTING) -> None:
    """List who may sign in."""

    async def work(node: Node) -> list[dict[str, Any]]:
        found = await node.store.read(lambda tx: tx.operators.all())
        return [{"name": one.name, "since": format_time(one.created_at)} for one in found]

    found = with_node(common, work)
    lines = columns(("name", "since"), [one.values() for one in found])
    show(found, lines if found else ["nobody yet: interplug operator add ann"], json=common.json)


def remove(name: str, /, *, common: Reporting = REPORTING) -> None:
    """Let somebody sign in no longer; who is signed in is signed out.

    Parameters
    ----------
    name
        As the list shows it.
    """
    if not with_node(common, lambda node: node.store.write(lambda tx: tx.operators.remove(name))):
        end(f"there is no operator {name}")
    show({"name": fold(name), "removed": True}, [f"{fold(name)} may sign in no longer"], json=common.json)


def _password(source: str | None) -> str:
    if source is not None:
        return (sys.stdin.readline() if source == "-" else Path(source).read_text(encoding="utf-8")).strip("\r\n")
    if not sys.stdin.isatty():
        end("there is nobody to ask for the password; name a file with --password-file, or - for standard input", USAGE)
    password = getpass.getpass("password: ")
    if getpass.getpass("again: ") != password:
        end("these were two different ones")
    return password

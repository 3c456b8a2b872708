"""What every command needs first: the settings, and the node that they name, without its loops.

A command opens the database itself, beside a running node, which notices what was changed within a second. A command that only looks
does not make a database that is not there.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, TypeVar

import msgspec
from cyclopts import Parameter

from interplug import config
from interplug.modules.node import Node
from interplug.modules.opening import opened
from interplug.partners.keys import BadKey
from interplug.store.schema import NotOurs
from interplug.store.urls import UnknownStore, place_of
from interplug.versions.table import VERSIONS

from .ending import CONFIGURATION, USAGE, end

T = TypeVar("T")


@Parameter(name="*")
@dataclass(frozen=True)
class Common:
    """What every command understands."""

    config: Annotated[Path | None, Parameter(name="--config", help="TOML file with the settings of the process.")] = None
    store: Annotated[
        str | None, Parameter(name="--store", help="Database (sqlite:///FILE or postgresql://…), instead of the configured one.")
    ] = None


@Parameter(name="*")
@dataclass(frozen=True)
class Reporting(Common):
    """What every command that reports understands."""

    json: Annotated[bool, Parameter(name="--json", negative=(), help="One JSON document on standard output.")] = False


DASH = Parameter(allow_leading_hyphen=True)
"""For options whose value may be -, which else is taken for the beginning of another option."""
COMMON = Common()
REPORTING = Reporting()


def settings_of(common: Common, environment: Mapping[str, str] = os.environ) -> config.Settings:
    settings = config.load(common.config, environment)
    if common.store is not None:
        settings = msgspec.structs.replace(settings, store=msgspec.structs.replace(settings.store, url=common.store))
    return settings


def with_node(common: Common, work: Callable[[Node], Awaitable[T]], *, makes: bool = False) -> T:
    """Runs `work` with the node of these settings; `makes`: a database that is not there is made."""
    settings = settings_of(common)
    place = place_of(settings.store.url)
    if not makes and not place.there():
        end(f"there is no database at {place.shown} (name one with --store, --config or INTERPLUG__STORE__URL)", CONFIGURATION)

    async def run() -> T:
        async with opened(settings) as node:
            return await work(node)

    return asyncio.run(run())


def check_version(version: str | None) -> None:
    """Of an option: a version that we speak, or none."""
    if version is not None and version not in VERSIONS:
        end(f"OCPI {version} is not spoken here; known are {', '.join(VERSIONS)}", USAGE)


MISCONFIGURED = (config.BadSettings, UnknownStore, NotOurs, BadKey)
"""What is wrong with the configuration of the process, not with what was asked."""

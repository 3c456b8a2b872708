"""What the commands understand that need files and no node; a value that has no meaning is a wrong usage."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter
from cyclopts.validators import Number

from interplug.tariffs.compiled import VERSIONS
from interplug.tariffs.zones import clock


def _spoken(_: Any, version: str | None) -> None:
    if version is not None and version not in VERSIONS:
        raise ValueError(f"OCPI {version} is not spoken here; known are {', '.join(VERSIONS)}")


def _zone(_: Any, name: str | None) -> None:
    if name is not None and clock(name) is None:
        raise ValueError(f"there is no time zone {name}; one is Europe/Amsterdam")


Files = Annotated[
    list[Path] | None, Parameter(help="JSON, JSON lines, an OCPI response or CSV, plain or gzip; standard input if there are none.")
]
Jobs = Annotated[int | None, Parameter(validator=Number(gte=1), help="Processes that share the work; without it, one for each core.")]
Json = Annotated[bool, Parameter(name="--json", negative="", help="The answers as JSON.")]
Timezone = Annotated[str | None, Parameter(validator=_zone, help="Time zone of the Location, where the documents do not say it.")]
Version = Annotated[str | None, Parameter(validator=_spoken, help="Version of the documents, where they do not say it.")]

"""What the commands understand that need files and no node; a value that has no meaning is a wrong usage."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter
from cyclopts.validators import Number

from interplug.tariffs.compiled import VERSIONS
from interplug.tariffs.zones import clock

from .ending import USAGE, end


def _spoken(_: Any, version: str | None) -> None:
    if version is not None and version not in VERSIONS:
        raise ValueError(f"OCPI {version} is not spoken here; known are {', '.join(VERSIONS)}")


def _zone(_: Any, name: str | None) -> None:
    if name is not None and clock(name) is None:
        raise ValueError(f"there is no time zone {name}; one is Europe/Amsterdam")


def _files(_: Any, paths: Any) -> None:
    """A dash alone is standard input; with more behind it, it was meant as an option."""
    listed = paths if isinstance(paths, list | tuple) else () if paths is None else (paths,)
    if wrong := next((str(path) for path in listed if str(path).startswith("-") and str(path) != "-"), None):
        end(f"Unknown option: {wrong}", USAGE)


FILES = Parameter(allow_leading_hyphen=True, validator=_files)
"""Of what names files, or - for standard input."""
Files = Annotated[
    list[Path] | None,
    FILES,
    Parameter(
        help="JSON, JSON lines, an OCPI response or CSV, plain or gzip; standard input if there are none, or for -.",
    ),
]
Jobs = Annotated[int | None, Parameter(validator=Number(gte=1), help="Processes that share the work; without it, one for each core.")]
Json = Annotated[bool, Parameter(name="--json", negative="", help="The answers as JSON.")]
Timezone = Annotated[str | None, Parameter(validator=_zone, help="Time zone of the Location, where the documents do not say it.")]
Version = Annotated[str | None, Parameter(validator=_spoken, help="Version of the documents, where they do not say it.")]

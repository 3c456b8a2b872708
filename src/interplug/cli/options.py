"""What commands understand, whatever they do; a value that has no meaning is a wrong usage."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter, Token
from cyclopts.validators import Number

from interplug.model.types import parse_time
from interplug.tariffs.compiled import VERSIONS
from interplug.tariffs.zones import clock

from .ending import USAGE, end


def _spoken(_: Any, version: str | None) -> None:
    if version is not None and version not in VERSIONS:
        raise ValueError(f"OCPI {version} is not spoken here; known are {', '.join(VERSIONS)}")


def _zone(_: Any, name: str | None) -> None:
    if name is not None and clock(name) is None:
        raise ValueError(f"there is no time zone {name}; one is Europe/Amsterdam")


def called(_: Any, names: str | list[str] | None) -> None:
    """Of what people call something: it has to be seen, and typed again."""
    for name in [names] if isinstance(names, str) else names or ():
        if not name.strip() or len(name) > LONGEST_NAME or not name.isprintable():
            raise ValueError(f"a name has 1 to {LONGEST_NAME} characters that can be seen")


def _number(_: Any, tokens: Sequence[Token]) -> Decimal:
    try:
        return Decimal(tokens[0].value)
    except InvalidOperation:
        raise ValueError(f"{tokens[0].value!r} is no number") from None


def _span(_: Any, minutes: float) -> None:
    if not 0 < minutes <= LONGEST_SPAN:
        raise ValueError(f"minutes are more than 0 and at most {LONGEST_SPAN}")


def time_of(text: str) -> int:
    """A day or a time, in UTC."""
    try:
        return parse_time(text if "T" in text else f"{text}T00:00:00Z")
    except ValueError:
        end(f"{text!r} is no time; write one as 2026-01-31 or 2026-01-31T12:00:00Z", USAGE)


def _files(_: Any, paths: Any) -> None:
    """A dash alone is standard input; with more behind it, it was meant as an option."""
    listed = paths if isinstance(paths, list | tuple) else () if paths is None else (paths,)
    if wrong := next((str(path) for path in listed if str(path).startswith("-") and str(path) != "-"), None):
        end(f"Unknown option: {wrong}", USAGE)


LONGEST_NAME = 100
LONGEST_SPAN = 527_040
"""Minutes of a year."""
MOST = 1_000_000
CALLED = Parameter(validator=called)
"""Of the name that people give to something."""
Partner = Annotated[str, Parameter(help="Its name, or the number of the connection.")]
Limit = Annotated[int, Parameter(validator=Number(gte=1, lte=MOST), help="At most so many, the newest first.")]
Place = Annotated[int, Parameter(validator=Number(gte=1, lt=2**63))]
"""A number in a list."""
Minutes = Annotated[float, Parameter(validator=_span)]
Amount = Annotated[Decimal, Parameter(converter=_number)]
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

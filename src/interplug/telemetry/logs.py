"""The lines that a node writes to standard error: as text for a terminal, or a JSON object a line for a program.

Each line that is written while a partner's request is answered carries its X-Correlation-ID and X-Request-ID, by which the message log
and the partner find the same request.
"""

from __future__ import annotations

import json
import logging
import sys

from interplug.model.types import format_time

from .context import ids
from .once import Once

OURS = "interplug"
LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR")
TEXT = "%(asctime)s %(levelname)s %(name)s: %(message)s"
NAMES = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime"}
"""What every record has; anything else in one was given with `extra`."""


class Text(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        line = super().format(record)
        named = " ".join(f"{name}={value}" for name, value in {**given(record), **ids()}.items())
        first, newline, rest = line.partition("\n")
        return f"{first} [{named}]{newline}{rest}" if named else line


class Json(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        line = {
            "time": format_time(int(record.created * 1_000_000)),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
            **given(record),
            **ids(),
        }
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line, default=str, ensure_ascii=False)


def given(record: logging.LogRecord) -> dict[str, object]:
    return {name: value for name, value in vars(record).items() if name not in NAMES}


def set_up(format: str, level: str) -> None:
    """For a process that serves. Libraries are heard from WARNING on, whatever is wanted of our own rooms."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(Json() if format == "json" else Text(TEXT))
    handler.addFilter(Once())
    logging.basicConfig(handlers=[handler], level=logging.WARNING, force=True)
    logging.getLogger(OURS).setLevel(level)

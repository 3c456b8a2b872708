"""The commands as a person calls them: arguments in, exit code and two streams out."""

from __future__ import annotations

import io
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import pytest

from interplug.cli.commands import run


@dataclass(frozen=True)
class Said:
    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return msgspec.json.decode(self.out)


Command = Callable[..., Said]


@pytest.fixture
def interplug(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Command:
    """Runs a command on the database `node.db` in a folder of its own."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("INTERPLUG__STORE__URL", f"sqlite:///{tmp_path / 'node.db'}")
    monkeypatch.setenv("INTERPLUG__SERVER__PORT", "1")  # where nobody listens, whatever else runs on this machine

    def command(*arguments: str, typed: bytes = b"") -> Said:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BufferedReader(io.BytesIO(typed))))  # type: ignore[type-var]
        capsys.readouterr()
        code = run(arguments)
        captured = capsys.readouterr()
        return Said(code, captured.out, captured.err)

    return command

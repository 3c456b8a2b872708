"""How far a command is with files, on standard error, where a person sees it."""

from __future__ import annotations

from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

from .ending import errors


class Bar:
    """`size`: bytes in all, 0 where nobody knows."""

    def __init__(self, size: int, things: str) -> None:
        self._count = 0
        self._bar = Progress(
            BarColumn(),
            TaskProgressColumn(show_speed=True),
            TextColumn(f"{{task.fields[count]:,}} {things}"),
            TimeElapsedColumn(),
            console=errors,
            transient=True,
            disable=not errors.is_terminal,
        )
        self._task = self._bar.add_task("", total=size or None, count=0)

    def __enter__(self) -> Bar:
        self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.stop()

    def advance(self, size: int) -> None:
        self._bar.update(self._task, advance=size)

    def count(self, done: int) -> None:
        self._count += done
        self._bar.update(self._task, count=self._count)

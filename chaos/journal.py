"""What was tried, and what was acknowledged: the record against which "nothing acknowledged is lost" is held.

Everything that is written stands under a key of its own, whose writes follow one another. After the last one that was acknowledged,
others may have been tried of which nobody knows whether they went through: the value that is found has to be one of these.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any


class Journal:
    def __init__(self) -> None:
        self._tried: dict[str, list[Any]] = {}
        self._known: dict[str, int] = {}
        """How many values of a key had been tried when one was last acknowledged."""
        self.tries = 0
        self.acknowledged = 0

    def tried(self, key: str, value: Any) -> None:
        self.tries += 1
        self._tried.setdefault(key, []).append(value)

    def acked(self, key: str) -> None:
        """The last one that was tried is safe, its writer was told."""
        self.acknowledged += 1
        self._known[key] = len(self._tried[key])

    def keys(self, prefix: str) -> Iterator[str]:
        """Those of which something was acknowledged."""
        return (key for key in self._known if key.startswith(prefix))

    def allowed(self, key: str) -> list[Any]:
        """What may be found under it, the acknowledged value first."""
        return self._tried[key][self._known[key] - 1 :]

    def lost(self, prefix: str, found: Callable[[str], Any]) -> list[str]:
        """Keys under which `found` has something else than it may (None: nothing at all), with what it is."""
        return [
            f"{key}: {value!r}, acknowledged was {allowed[0]!r}"
            for key in self.keys(prefix)
            if (value := found(key.removeprefix(prefix))) not in (allowed := self.allowed(key))
        ]

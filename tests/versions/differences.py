"""Where two documents differ."""

from collections.abc import Iterator
from typing import Any


def differences(old: Any, new: Any, path: str = "") -> Iterator[str]:
    """Paths at which two documents differ; lists of different length differ as a whole."""
    if old == new:
        return
    if isinstance(old, dict) and isinstance(new, dict):
        for key in old.keys() | new.keys():
            yield from differences(old.get(key), new.get(key), f"{path}.{key}" if path else key)
    elif isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
        for one, other in zip(old, new, strict=True):
            yield from differences(one, other, f"{path}[]")
    else:
        yield path

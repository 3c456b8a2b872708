"""One process serves a SQLite database: the loops of a second one would send and simulate everything again."""

import contextlib
import fcntl
from collections.abc import Iterator

from interplug.config import BadSettings
from interplug.store.urls import Place, SqliteFile


@contextlib.contextmanager
def alone(place: Place) -> Iterator[None]:
    """While it lasts no other process serves this database; `BadSettings` where one does already. Commands may come and go beside it.
    The lock ends with the process, however that ends."""
    if not isinstance(place, SqliteFile):
        yield
        return
    database = place.path
    with database.with_name(f"{database.name}-serving").open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise BadSettings(f"store: another process serves {database}") from None
        yield

"""A PostgreSQL of the bench's own, durable as in earnest: what it acknowledges is on the disk."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from unittest import mock

from tests import postgres

DURABLE = {"fsync": "on", "full_page_writes": "on", "synchronous_commit": "on", "shared_buffers": "512MB"}


def there() -> bool:
    """Whether the system has its binaries."""
    return postgres.found("postgres") is not None and postgres.found("initdb") is not None


@contextmanager
def cluster(**options: str) -> Iterator[postgres.Cluster]:
    with mock.patch.dict(postgres.OPTIONS, {**DURABLE, **options}), postgres.cluster() as started:
        yield started

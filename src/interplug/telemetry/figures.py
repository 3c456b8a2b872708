"""What is counted while the node works: plain numbers, added up where things happen and read when somebody asks.

Counting stands in the way of every request, so it is a look into a dict and a few additions; names, labels and text are made for the
reader alone (`web/metrics.py`). What stands in a key is bounded: our modules, known methods and versions, statuses that we know.
"""

from __future__ import annotations

from bisect import bisect_left

BOUNDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
"""Seconds."""
METHODS = frozenset({"GET", "PUT", "PATCH", "POST", "DELETE", "HEAD", "OPTIONS"})
OTHER = "other"
MOST = 1000
"""Keys that are told apart by their exact statuses."""

Key = tuple[str, str, str, int, int]
"""Module, method, version, HTTP status (0: no answer), OCPI status."""


class Spread:
    """Values by size: how many were at most each bound, the last place for those above all."""

    __slots__ = ("bounds", "counts", "sum")

    def __init__(self, bounds: tuple[float, ...] = BOUNDS) -> None:
        self.bounds = bounds
        self.counts = [0] * (len(bounds) + 1)
        self.sum = 0.0

    def add(self, value: float) -> None:
        self.counts[bisect_left(self.bounds, value)] += 1
        self.sum += value


class Cell:
    """Requests with one key: how many; where their times are counted; 1 where they did not go well."""

    __slots__ = ("bad", "n", "spread")

    def __init__(self, spread: Spread, bad: int) -> None:
        self.n = 0
        self.spread = spread
        self.bad = bad


class Requests:
    """Requests in one direction, and how they ended."""

    __slots__ = ("_cells", "partners", "spreads")

    def __init__(self) -> None:
        self._cells: dict[Key, Cell] = {}
        self.spreads: dict[tuple[str, str], Spread] = {}
        """By module and method."""
        self.partners: dict[int, list[int]] = {}
        """By connection (0: nobody known): how many went well, and how many did not."""

    def add(self, connection: int, key: Key, seconds: float) -> None:
        cell = self._cells.get(key) or self._cell(key)
        cell.n += 1
        cell.spread.counts[bisect_left(BOUNDS, seconds)] += 1
        cell.spread.sum += seconds
        one = self.partners.get(connection)
        if one is None:
            one = self.partners[connection] = [0, 0]
        one[cell.bad] += 1

    def _cell(self, key: Key) -> Cell:
        """Of a new key. Partners choose the statuses that they answer with, so of too many only the class is kept."""
        module, method, version, http, ocpi = key
        method = method if method in METHODS else OTHER
        ocpi = ocpi if 1000 <= ocpi < 5000 else 0
        if len(self._cells) >= MOST:
            http, ocpi = http // 100 * 100, ocpi // 1000 * 1000
        spread = self.spreads.setdefault((module, method), Spread())
        return self._cells.setdefault((module, method, version, http, ocpi), Cell(spread, int(not well(http, ocpi))))

    def counts(self) -> dict[Key, int]:
        return {key: cell.n for key, cell in self._cells.items()}


def well(http: int, ocpi: int) -> bool:
    """Whether a request did what was asked: HTTP 2xx and OCPI 1xxx."""
    return 200 <= http < 300 and 1000 <= ocpi < 2000


class Writing:
    """What the writer of a store did: groups of transactions, one commit for each."""

    __slots__ = ("commits", "failed", "transactions")

    def __init__(self) -> None:
        self.commits = Spread()
        self.transactions = 0
        self.failed = 0
        """Groups of which nothing was written."""

    def committed(self, transactions: int, seconds: float) -> None:
        self.transactions += transactions
        self.commits.add(seconds)

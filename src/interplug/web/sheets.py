"""A sheet that is printed: facts, tables and notes. What stands on one is said in `printing.py` and `driver/receipts.py`, how it looks in
`paper.py`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime


@dataclass(slots=True, frozen=True)
class Table:
    """Every column but the first holds figures. `sums` stand below, in bold; `widths` are parts of the whole."""

    caption: str
    heads: Sequence[str]
    rows: Sequence[Sequence[str]]
    sums: Sequence[Sequence[str]] = ()
    widths: Sequence[int] = ()


@dataclass(slots=True, frozen=True)
class Sheet:
    """`facts` are names and what they are; `slips` named blocks of small text that is kept as it is; `name` is that of the file."""

    title: str
    name: str
    dated: datetime
    facts: Sequence[tuple[str, str]] = ()
    tables: Sequence[Table] = ()
    notes: Sequence[str] = ()
    slips: Sequence[tuple[str, str]] = ()
    foot: str = ""
    language: str = "en"

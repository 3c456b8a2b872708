"""The inbox of the stations in groups: a row for all that came while the row before was being written. No release has known it otherwise.

A station remembers the numbers of its newest message, and of the first one that was not yet in the book when it came.
"""

import zlib
from typing import Any

import msgspec
import sqlalchemy as sa
from alembic import op

revision = "0022_inbox_in_groups"
down_revision = "0021_statuses"

AT_ONCE = 1000
TOLD = """
update charging_station set
  told = (select coalesce(max(no), 0) from ocpp_inbox_before b where b.station = id),
  owed = (select coalesce(min(no), 0) from ocpp_inbox_before b where b.station = id and b.no > reached)"""


def number(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger, nullable=False)


def upgrade() -> None:
    for name in ("told", "owed"):
        op.add_column("charging_station", sa.Column(name, sa.BigInteger, nullable=False, server_default="0"))
    op.drop_index("ocpp_inbox_station")
    op.drop_index("ocpp_inbox_at")
    op.rename_table("ocpp_inbox", "ocpp_inbox_before")
    doc = sa.Column("doc", sa.LargeBinary, nullable=False)
    kept = sa.Column("no", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True, autoincrement=False)
    inbox = op.create_table("ocpp_inbox", kept, number("until"), doc)
    op.create_index("ocpp_inbox_until", "ocpp_inbox", ["until"])
    _copy(inbox)
    op.drop_table("ocpp_inbox_before")


def _copy(inbox: sa.Table) -> None:
    """Each message as a group of its own, with the number that it had."""
    run = op.get_bind().execute
    last = 0
    while rows := run(
        sa.text(f"select no, station, version, at, raw from ocpp_inbox_before where no > {last} order by no limit {AT_ONCE}")
    ).all():
        op.bulk_insert(inbox, [{"no": row.no, "until": row.at, "doc": _packed(row)} for row in rows])
        last = rows[-1].no
    run(sa.text(TOLD))
    if last:
        run(sa.text(f"insert into counter (name, no) values ('ocpp inbox', {last})"))


def _packed(row: sa.Row[Any]) -> bytes:
    message = (row.station, row.version, row.at, zlib.decompress(row.raw).decode())
    return zlib.compress(msgspec.msgpack.encode([message]), 1)

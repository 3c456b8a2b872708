"""What the status of each own EVSE was, and since when: a row for each change. The record begins with what the status is now."""

import time

import sqlalchemy as sa
from alembic import op

revision = "0021_statuses"
down_revision = "0020_terminals"


def number(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger, nullable=False)


def text(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.Text, nullable=False)


def upgrade() -> None:
    op.create_table(
        "evse_status",
        sa.Column("no", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True),
        number("object"),
        text("uid"),
        text("status"),
        number("at"),
        sqlite_autoincrement=True,
    )
    op.create_index("evse_status_object", "evse_status", ["object", "uid", "at"])
    op.create_index("evse_status_at", "evse_status", ["at"])
    op.execute(
        sa.text(
            "insert into evse_status (object, uid, status, at)"
            " select e.object, e.uid, e.status, :now from evse e join object o on o.pk = e.object where o.source = 0 order by e.pk"
        ).bindparams(sa.bindparam("now", time.time_ns() // 1000, sa.BigInteger))
    )

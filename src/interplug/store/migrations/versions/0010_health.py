"""How each partner is: requests of each hour and how they ended, and the pause of a partner that fails.

From here on the database says which releases it still serves: the counter `schema` holds the number of the oldest schema whose code
works on it. This step only adds, so that is still 0009.
"""

import sqlalchemy as sa
from alembic import op

revision = "0010_health"
down_revision = "0009_message_groups"


def number(name: str, *, key: bool = False) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=key, nullable=False, autoincrement=False)


def upgrade() -> None:
    tallies = [number(name) for name in ("n_in", "bad_in", "ok_in_at", "n_out", "bad_out", "ok_out_at")]
    op.create_table("pulse", number("connection", key=True), number("hour", key=True), *tallies)
    op.create_table(
        "pause",
        number("connection", key=True),
        number("failures"),
        number("until"),
        sa.Column("why", sa.Text, nullable=False),
        number("since"),
    )
    counter = sa.table("counter", sa.column("name", sa.Text), sa.column("no", sa.BigInteger))
    op.bulk_insert(counter, [{"name": "schema", "no": 9}])

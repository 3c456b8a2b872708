"""The message log in groups, a row for a group, and a row for the last contact with each partner.

What an older database holds of the log is given up: it is there to find faults, not to prove anything.
"""

import sqlalchemy as sa
from alembic import op

revision = "0009_message_groups"
down_revision = "0008_offers"


def number(name: str, *, key: bool = False) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=key, nullable=False, autoincrement=False)


def upgrade() -> None:
    op.drop_table("message")
    op.create_table("message", number("number", key=True), number("n"), number("until"), sa.Column("doc", sa.LargeBinary, nullable=False))
    op.create_index("message_age", "message", ["until"])
    op.create_table("contact", number("connection", key=True), number("heard_at"), number("silent_since"))

"""Payments with all that was said about them, and the accounts of the built-in test provider."""

import sqlalchemy as sa
from alembic import op

revision = "0023_payments"
down_revision = "0022_inbox_in_groups"


def number(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger, nullable=False)


def text(name: str, *, nullable: bool = False) -> sa.Column[str]:
    return sa.Column(name, sa.Text, nullable=nullable)


def upgrade() -> None:
    # Amounts as text, to the last digit; `due` is null until it is known what a session comes to.
    op.create_table(
        "payment",
        sa.Column("id", sa.Text, primary_key=True, nullable=False),
        text("drive"),
        text("contract"),
        text("provider"),
        text("reference"),
        text("state"),
        text("reason"),
        text("currency"),
        text("wanted"),
        text("held"),
        text("captured"),
        text("refunded"),
        text("due", nullable=True),
        text("basis"),
        text("key"),
        text("amount"),
        number("asked_at"),
        number("tries"),
        number("look_at"),
        number("woken"),
        number("since"),
        number("expires_at"),
        number("warned"),
        number("stopped_at"),
        number("created_at"),
        number("changed_at"),
    )
    op.create_index("payment_drive", "payment", ["drive"])
    op.create_index("payment_reference", "payment", ["reference"])
    op.create_index("payment_look", "payment", ["look_at"])
    op.create_index("payment_created", "payment", ["created_at"])
    # Only ever added to.
    op.create_table(
        "payment_event",
        sa.Column("no", sa.Integer, primary_key=True),
        text("payment"),
        number("at"),
        text("what"),
        text("key"),
        text("amount"),
        text("said"),
        sqlite_autoincrement=True,
    )
    op.create_index("payment_event_payment", "payment_event", ["payment", "no"])
    op.create_table(
        "test_provider",
        sa.Column("name", sa.Text, primary_key=True, nullable=False),
        sa.Column("document", sa.LargeBinary, nullable=False),
    )

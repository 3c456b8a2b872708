"""What was charged at payment terminals: as their provider, every card that was presented; as operator, which CDR has which reference."""

import sqlalchemy as sa
from alembic import op

revision = "0020_terminals"
down_revision = "0017_alerts"


def number(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger, nullable=False)


def text(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.Text, nullable=False)


def upgrade() -> None:
    op.create_table(
        "terminal_bill",
        sa.Column("connection", sa.BigInteger, primary_key=True, nullable=False, autoincrement=False),
        sa.Column("reference", sa.Text, primary_key=True, nullable=False),
        number("cdr"),
        number("confirmation"),
    )
    op.create_table(
        "card_payment",
        sa.Column("reference", sa.Text, primary_key=True, nullable=False),
        number("terminal"),
        number("connection"),
        text("country"),
        text("party"),
        text("place"),
        text("evse"),
        text("connector"),
        text("state"),
        text("reason"),
        text("hold"),
        text("currency"),
        # Amounts as text, to the last digit.
        text("held"),
        text("captured"),
        text("command"),
        text("stop_command"),
        number("session"),
        number("cdr"),
        number("confirmation"),
        number("created_at"),
        number("deadline"),
        sa.Column("card", sa.LargeBinary, nullable=False),
        sa.Column("shown", sa.LargeBinary, nullable=False),
    )
    op.create_index("card_payment_state", "card_payment", ["state", "created_at"])
    op.create_index("card_payment_terminal", "card_payment", ["terminal", "created_at"])

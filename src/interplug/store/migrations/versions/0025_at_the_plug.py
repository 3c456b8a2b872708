"""What drivers do at a plug besides charging: problems that they report, reservations; and the course of a drive as it was told."""

import sqlalchemy as sa
from alembic import op

revision = "0025_at_the_plug"
down_revision = "0024_invoices"


def number(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger, nullable=False)


def text(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.Text, nullable=False)


def key(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.Text, primary_key=True, nullable=False)


def upgrade() -> None:
    op.create_table(
        "problem",
        key("id"),
        number("connection"),
        text("country"),
        text("party"),
        text("place"),
        text("name"),
        text("evse"),
        text("evse_id"),
        text("kind"),
        text("said"),
        text("drive"),
        number("alert"),
        number("created_at"),
        number("closed_at"),
        text("closed_by"),
    )
    op.create_index("problem_open", "problem", ["closed_at", "created_at"])
    op.create_table(
        "reservation",
        key("id"),
        text("driver"),
        number("connection"),
        text("country"),
        text("party"),
        text("place"),
        text("evse"),
        text("connector"),
        text("state"),
        text("reason"),
        text("command"),
        text("cancel_command"),
        text("drive"),
        number("until"),
        number("created_at"),
        number("deadline"),
        sa.Column("shown", sa.LargeBinary, nullable=False),
        sa.Column("offer", sa.LargeBinary, nullable=False),
    )
    op.create_index("reservation_driver", "reservation", ["driver", "created_at"])
    op.create_index("reservation_state", "reservation", ["state", "created_at"])
    # What a Session said while it ran: an operator of 2.1.1 tells no power, and many patch kWh without a charging period.
    op.create_table(
        "drive_reading",
        key("drive"),
        sa.Column("at", sa.BigInteger, primary_key=True, nullable=False, autoincrement=False),
        text("kwh"),
        text("power"),
        text("soc"),
    )
    op.create_index("drive_reading_at", "drive_reading", ["at"])

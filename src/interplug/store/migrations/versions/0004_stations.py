"""Our own charging: what a Session rests on, every reading of its meter, and what a station remembers of itself."""

import sqlalchemy as sa
from alembic import op

revision = "0004_stations"
down_revision = "0003_commands"


def number(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger, nullable=False)


def text(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.Text, nullable=False)


def upgrade() -> None:
    op.create_table(
        "charge",
        sa.Column("id", sa.Text, primary_key=True, nullable=False),
        text("country"),
        text("party"),
        text("place"),
        text("evse"),
        number("connection"),
        text("state"),
        text("reservation"),
        number("reserved_until"),
        number("begun_at"),
        number("heard_at"),
        sa.Column("pinned", sa.LargeBinary, nullable=False),
    )
    # Those that still run are few among all that ever were, and are looked through by every tick.
    op.create_index("charge_state", "charge", ["state", "heard_at"])
    op.create_index("charge_evse", "charge", ["place", "evse", "state"])
    op.create_index("charge_reservation", "charge", ["reservation", "connection"])
    # Numbers as text: a reading is evidence, and is kept to the last digit that the station gave.
    op.create_table(
        "reading",
        sa.Column("charge", sa.Text, primary_key=True, nullable=False),
        sa.Column("at", sa.BigInteger, primary_key=True, nullable=False),
        text("kwh"),
        text("phase"),
        text("power"),
        text("current"),
        text("soc"),
        number("received_at"),
    )
    op.create_table(
        "station",
        sa.Column("id", sa.Text, primary_key=True, nullable=False),
        sa.Column("memory", sa.LargeBinary, nullable=False),
        number("updated_at"),
    )

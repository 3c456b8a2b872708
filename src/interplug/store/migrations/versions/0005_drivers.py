"""The drivers of our own eMSP, every drive that one of them asked for, and what their list of stations shows."""

import sqlalchemy as sa
from alembic import op

revision = "0005_drivers"
down_revision = "0004_stations"


def number(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger, nullable=False)


def text(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.Text, nullable=False)


def upgrade() -> None:
    op.create_table(
        "driver",
        sa.Column("id", sa.Text, primary_key=True, nullable=False),
        text("token_uid"),
        text("contract_id"),
        number("created_at"),
    )
    op.create_index("driver_token", "driver", ["token_uid"], unique=True)
    op.create_index("driver_contract", "driver", ["contract_id"])
    op.create_table(
        "drive",
        sa.Column("id", sa.Text, primary_key=True, nullable=False),
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
        text("stop_command"),
        number("session"),
        number("cdr"),
        number("created_at"),
        number("deadline"),
        sa.Column("shown", sa.LargeBinary, nullable=False),
    )
    op.create_index("drive_driver", "drive", ["driver", "created_at"])
    op.create_index("drive_state", "drive", ["state", "created_at"])
    # What a driver's list shows and searches; made from Locations by a reader of the change log, and made anew at will.
    op.create_table(
        "place",
        sa.Column("object", sa.BigInteger, primary_key=True, nullable=False, autoincrement=False),
        number("source"),
        text("name"),
        text("address"),
        text("city"),
        text("operator"),
        text("words"),
        text("plugs"),
        number("evses"),
        number("free"),
        number("watts"),
        number("heard_at"),
    )
    op.create_index("place_name", "place", ["city", "name", "object"])

"""Charging stations that speak OCPP: who they are, what they said, their transactions, faults, and what they are asked to do."""

import sqlalchemy as sa
from alembic import op

revision = "0016_charging_stations"
down_revision = "0015_profiles"


def number(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger, nullable=False)


def text(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.Text, nullable=False)


def raw(name: str) -> sa.Column[bytes]:
    return sa.Column(name, sa.LargeBinary, nullable=False)


def key(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.Text, primary_key=True, nullable=False)


def part(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger, primary_key=True, nullable=False)


def counted(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True)


def upgrade() -> None:
    op.create_table(
        "charging_station",
        key("id"),
        text("state"),
        number("profile"),
        text("password"),
        text("country"),
        text("party"),
        text("place"),
        raw("outlets"),
        text("version"),
        raw("about"),
        number("epoch"),
        text("holder"),
        number("since"),
        number("heard_at"),
        number("reached"),
        number("created_at"),
    )
    op.create_index("charging_station_place", "charging_station", ["place"])
    # What was received and has to be carried into the book, in the order in which it came.
    op.create_table("ocpp_inbox", counted("no"), text("station"), text("version"), number("at"), raw("raw"), sqlite_autoincrement=True)
    op.create_index("ocpp_inbox_station", "ocpp_inbox", ["station", "no"])
    op.create_index("ocpp_inbox_at", "ocpp_inbox", ["at"])
    op.create_table("ocpp_frames", counted("no"), text("station"), number("until"), raw("doc"), sqlite_autoincrement=True)
    op.create_index("ocpp_frames_station", "ocpp_frames", ["station", "no"])
    op.create_index("ocpp_frames_until", "ocpp_frames", ["until"])
    op.create_table(
        "ocpp_transaction",
        key("station"),
        key("number"),
        number("evse"),
        number("connector"),
        text("session"),
        text("token"),
        number("begun_at"),
        number("ended_at"),
        number("heard_at"),
        raw("doc"),
    )
    op.create_index("ocpp_transaction_open", "ocpp_transaction", ["ended_at", "station"])
    op.create_index("ocpp_transaction_session", "ocpp_transaction", ["session"])
    op.create_table("ocpp_outlet", key("station"), part("evse"), part("connector"), text("status"), text("error"), number("at"))
    op.create_table(
        "ocpp_reservation",
        part("number"),
        text("station"),
        number("evse"),
        number("connection"),
        text("reservation"),
        text("session"),
        text("token"),
        number("until"),
    )
    op.create_table("ocpp_alias", key("alias"), text("uid"), text("type"))
    op.create_table(
        "ocpp_call",
        key("id"),
        text("station"),
        text("action"),
        raw("payload"),
        number("priority"),
        number("deadline"),
        text("state"),
        raw("answer"),
    )
    op.create_index("ocpp_call_state", "ocpp_call", ["state", "station"])
    op.create_table(
        "fault",
        counted("no"),
        text("station"),
        number("evse"),
        number("connector"),
        text("code"),
        text("severity"),
        text("vendor_code"),
        text("info"),
        text("source"),
        number("opened_at"),
        number("closed_at"),
        sqlite_autoincrement=True,
    )
    op.create_index("fault_open", "fault", ["closed_at", "station"])

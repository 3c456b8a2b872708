"""Alerts that follow the fault log, what is told of them, starts that failed, and the people who look after stations."""

import sqlalchemy as sa
from alembic import op

revision = "0017_alerts"
down_revision = "0016_charging_stations"


def number(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger, nullable=False)


def text(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.Text, nullable=False)


def key(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.Text, primary_key=True, nullable=False)


def counted(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True)


def upgrade() -> None:
    op.create_table(
        "alert",
        counted("no"),
        text("station"),
        number("evse"),
        number("connector"),
        text("code"),
        text("severity"),
        text("vendor_code"),
        text("info"),
        text("source"),
        text("country"),
        text("party"),
        text("place"),
        text("evse_uid"),
        number("times"),
        number("opened_at"),
        number("quiet_at"),
        number("closed_at"),
        text("acked_by"),
        number("acked_at"),
        sqlite_autoincrement=True,
    )
    op.create_index("alert_open", "alert", ["closed_at", "station"])
    op.create_table(
        "alert_message",
        counted("no"),
        number("alert"),
        text("target"),
        text("event"),
        sa.Column("doc", sa.LargeBinary, nullable=False),
        number("tries"),
        number("due_at"),
        text("error"),
        number("sent_at"),
        sqlite_autoincrement=True,
    )
    op.create_index("alert_message_unsent", "alert_message", ["sent_at", "target", "no"])
    op.create_index("alert_message_alert", "alert_message", ["alert", "target", "no"])
    # The alert that a fault belongs to; 0: none yet. What was over before there were alerts is told to nobody.
    op.add_column("fault", sa.Column("alert", sa.BigInteger, nullable=False, server_default=sa.text("0")))
    op.execute("update fault set alert = -1 where closed_at <> 0")
    op.create_index("fault_alert", "fault", ["alert"])
    op.create_table(
        "failed_start",
        key("station"),
        sa.Column("evse", sa.BigInteger, primary_key=True, nullable=False),
        number("times"),
        number("since"),
    )
    op.create_table("operator", key("name"), text("password"), number("created_at"))
    op.create_table("operator_session", key("id"), text("operator"), number("begun_at"), number("until"))
    op.create_index("operator_session_operator", "operator_session", ["operator"])

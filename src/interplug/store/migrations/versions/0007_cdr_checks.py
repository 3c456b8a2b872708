"""What was found when a CDR was checked, which Sessions have no CDR yet, which CDRs are held, and what people noted."""

import sqlalchemy as sa
from alembic import op

revision = "0007_cdr_checks"
down_revision = "0006_quarantine"

# SQLite gives a rowid only to a primary key spelled INTEGER.
Pk = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def number(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger, nullable=False)


def text(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.Text, nullable=False)


def of_object() -> sa.Column[int]:
    return sa.Column("object", sa.BigInteger, primary_key=True, nullable=False, autoincrement=False)


def upgrade() -> None:
    op.create_table(
        "cdr_check",
        of_object(),
        number("source"),
        text("country"),
        text("party"),
        text("id"),
        text("session"),
        number("session_object"),
        text("token"),
        text("evse"),
        number("start_at"),
        number("end_at"),
        text("credits"),
        text("verdicts"),
        text("excess"),
        text("currency"),
        number("checked_at"),
        sa.Column("findings", sa.LargeBinary, nullable=False),
    )
    op.create_index("cdr_check_session", "cdr_check", ["session", "source"])
    op.create_index("cdr_check_token", "cdr_check", ["token", "end_at"])
    op.create_index("cdr_check_credits", "cdr_check", ["credits", "source"])
    op.create_table("unbilled", of_object(), number("source"), text("token"), text("evse"), number("start_at"))
    op.create_index("unbilled_token", "unbilled", ["token", "source"])
    op.create_table("hold", of_object(), number("audience"), number("shown"))
    pk = sa.Column("pk", Pk, primary_key=True)
    op.create_table("cdr_note", pk, number("object"), text("what"), text("reason"), text("who"), number("at"))
    op.create_index("cdr_note_object", "cdr_note", ["object"])

"""Charging profiles: the calls about them are rows like commands, and here is what holds now, for whom and by whose wish."""

import sqlalchemy as sa
from alembic import op

revision = "0015_profiles"
down_revision = "0014_leases"


def upgrade() -> None:
    for name, kind, empty in (("session", sa.Text, "''"), ("relay", sa.Text, "''"), ("found", sa.LargeBinary, "''")):
        op.add_column("command", sa.Column(name, kind, nullable=False, server_default=sa.text(empty)))
    op.create_index("command_session", "command", ["session", "created_at"])
    op.create_table(
        "charging_profile",
        sa.Column("source", sa.BigInteger, primary_key=True, nullable=False),
        sa.Column("session", sa.Text, primary_key=True, nullable=False),
        sa.Column("connection", sa.BigInteger, primary_key=True, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("document", sa.LargeBinary, nullable=False),
        sa.Column("set_at", sa.BigInteger, nullable=False),
        sa.Column("active", sa.LargeBinary, nullable=False),
        sa.Column("active_at", sa.BigInteger, nullable=False),
        sa.Column("due", sa.BigInteger, nullable=False),
    )
    # Those who have to be told something: few, and looked for twice a second.
    op.create_index("charging_profile_due", "charging_profile", ["due"])
    op.create_table(
        "charging_preference",
        sa.Column("source", sa.BigInteger, primary_key=True, nullable=False),
        sa.Column("session", sa.Text, primary_key=True, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("document", sa.LargeBinary, nullable=False),
        sa.Column("answer", sa.Text, nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
    )

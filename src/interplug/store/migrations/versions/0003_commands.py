"""Commands, sent and received: one row each, there before anything goes over the network."""

import sqlalchemy as sa
from alembic import op

revision = "0003_commands"
down_revision = "0002_partners"


def upgrade() -> None:
    op.create_table(
        "command",
        sa.Column("id", sa.Text, primary_key=True, nullable=False),
        *(
            sa.Column(name, kind, nullable=False)
            for name, kind in (
                ("direction", sa.Text),
                ("connection", sa.BigInteger),
                ("version", sa.Text),
                ("command", sa.Text),
                ("state", sa.Text),
                ("document", sa.LargeBinary),
                ("response_url", sa.Text),
                ("ours", sa.Text),
                ("theirs", sa.Text),
                ("place", sa.Text),
                ("evse", sa.Text),
                ("connector", sa.Text),
                ("token", sa.Text),
                ("reservation", sa.Text),
                ("created_at", sa.BigInteger),
                ("deadline", sa.BigInteger),
                ("answered", sa.Text),
                ("result", sa.Text),
                ("message", sa.Text),
                ("finished_at", sa.BigInteger),
                ("changed_no", sa.BigInteger),
            )
        ),
    )
    # Commands that still wait for something: few, and asked for at each start and by the fence for a second START_SESSION.
    op.create_index("command_state", "command", ["state", "deadline"])
    op.create_index("command_evse", "command", ["evse", "created_at"])
    op.create_index("command_reservation", "command", ["reservation", "connection"])
    op.create_table(
        "reservation_number",
        sa.Column("connection", sa.BigInteger, primary_key=True, nullable=False),
        sa.Column("reservation", sa.Text, primary_key=True, nullable=False),
        sa.Column("number", sa.BigInteger, nullable=False),
    )
    op.create_index("reservation_number_back", "reservation_number", ["connection", "number"], unique=True)

"""A charge at a payment terminal is a drive like any other, and its money a payment: what the two have besides."""

import sqlalchemy as sa
from alembic import op

revision = "0027_drives_at_terminals"
down_revision = "0026_accounts"


def upgrade() -> None:
    op.add_column("drive", sa.Column("terminal", sa.BigInteger, nullable=False, server_default="0"))
    op.create_index("drive_terminal", "drive", ["terminal", "created_at"])
    op.add_column("payment", sa.Column("reader", sa.Text, nullable=False, server_default=""))
    op.add_column("payment", sa.Column("slip", sa.Text, nullable=False, server_default=""))
    # Nothing could be written into it: no node had a bank for its terminals.
    op.drop_table("card_payment")

"""Who does what, where several processes serve one database."""

import sqlalchemy as sa
from alembic import op

revision = "0014_leases"
down_revision = "0013_pulls"


def upgrade() -> None:
    op.create_table(
        "lease",
        sa.Column("name", sa.Text, primary_key=True, nullable=False),
        sa.Column("holder", sa.Text, nullable=False),
        sa.Column("beat", sa.BigInteger, nullable=False),
    )

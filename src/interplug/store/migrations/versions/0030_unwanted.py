"""A driver does not want any more what was asked for: the charge is stopped as soon as it begins."""

import sqlalchemy as sa
from alembic import op

revision = "0030_unwanted"
down_revision = "0029_finding"


def upgrade() -> None:
    # When the driver said so; 0: it is wanted.
    op.add_column("drive", sa.Column("unwanted", sa.BigInteger, nullable=False, server_default=sa.text("0")))

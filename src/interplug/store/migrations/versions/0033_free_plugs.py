"""A place knows which of its plugs are free: as the kind that it would be if it had no others.

Cells count places with a free plug under that kind. Here each place is taken to have all its plugs free, as it was counted before; the
reader of the log makes all of them anew, because it is told to.
"""

import sqlalchemy as sa
from alembic import op

revision = "0033_free_plugs"
down_revision = "0032_drives_in_the_log"


def upgrade() -> None:
    op.add_column("place", sa.Column("free_kind", sa.BigInteger, nullable=False, server_default=sa.text("0")))
    op.execute("update place set free_kind = kind where free > 0")
    op.create_index("place_free_kind", "place", ["free_kind"])

"""A drive has the number of the log at which it, or what belongs to it, changed last: pages that show it are woken, and no others."""

import sqlalchemy as sa
from alembic import op

revision = "0032_drives_in_the_log"
down_revision = "0031_saved_methods"


def upgrade() -> None:
    op.add_column("drive", sa.Column("changed_no", sa.BigInteger, nullable=False, server_default=sa.text("0")))
    for name, column in (("drive_changed", "changed_no"), ("drive_command", "command"), ("drive_stop_command", "stop_command")):
        op.create_index(name, "drive", [column])

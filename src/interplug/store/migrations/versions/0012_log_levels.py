"""The change log is read where an EVSE's body changed last, also when its status changed later, and where an object left an audience."""

import sqlalchemy as sa
from alembic import op

revision = "0012_log_levels"
down_revision = "0011_own_walks"


def upgrade() -> None:
    changed = sa.text("body_no > 0")
    op.create_index("evse_bodies", "evse", ["body_no"], sqlite_where=changed, postgresql_where=changed)
    op.create_index("visibility_log", "visibility", ["no"])

"""The indexes for walking lists hold our own objects alone: nobody reads a partner's page by page, and each costs with every change.

`source < 1` and not `= 0`: where an index says that a column equals a constant, SQLite prepares each statement that compares the column
with a parameter anew for every value of it.
What a walk needs to know of its objects stands in the index itself, `source` and for pages `fits` and `kept` too, so that it reads
their bytes and nothing else.
"""

import sqlalchemy as sa
from alembic import op

revision = "0011_own_walks"
down_revision = "0010_health"

WALKS = {
    "object_feed": ["feed", "created_no", "source", "fits", "kept"],
    "object_walk": ["module", "created_no", "feed", "source"],
    "object_dated": ["feed", "last_updated", "created_no", "source"],
}


def upgrade() -> None:
    own = sa.text("source < 1")
    for name, columns in WALKS.items():
        op.drop_index(name, "object")
        op.create_index(name, "object", columns, sqlite_where=own, postgresql_where=own)

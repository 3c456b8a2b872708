"""What arrives again as it was is held once: found by its id, however much is in quarantine."""

from alembic import op

revision = "0006_quarantine"
down_revision = "0005_drivers"


def upgrade() -> None:
    op.create_index("quarantine_id", "quarantine", ["source", "module", "id"])

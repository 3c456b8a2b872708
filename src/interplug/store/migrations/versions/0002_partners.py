"""Who we are and who our partners are."""

revision = "0002_partners"
down_revision = "0001_objects"


def upgrade() -> None:
    """The tables of partners, connections, tokens and parties."""

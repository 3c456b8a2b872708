"""Who we are and who our partners are.

The number of a connection is the number of its audience, so connections and classes of partners share one row of numbers and an
object's `audience` names either. Numbers are never used twice. Tokens that we issued stand here as a keyed hash, tokens that we
hold sealed; neither can be read without the node key. The counter `partners` moves with every change of these tables.
"""

import sqlalchemy as sa
from alembic import op

revision = "0002_partners"
down_revision = "0001_objects"

Pk = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def number(name: str, *, nullable: bool = False) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger, nullable=nullable)


def text(name: str, *, nullable: bool = False) -> sa.Column[str]:
    return sa.Column(name, sa.Text, nullable=nullable)


def upgrade() -> None:
    op.execute("insert into counter (name, no) values ('partners', 1)")
    _ours()
    _theirs()


def _ours() -> None:
    op.create_table(
        "party",
        sa.Column("id", Pk, primary_key=True),
        text("role"),
        text("country"),
        text("party"),
        text("document"),
        sqlite_autoincrement=True,
    )
    op.create_index("party_key", "party", ["role", "country", "party"], unique=True)
    op.create_table("audience", sa.Column("id", Pk, primary_key=True), text("kind"), text("name"), sqlite_autoincrement=True)
    op.create_index("audience_name", "audience", ["kind", "name"])
    op.create_table(
        "member",
        sa.Column("audience", sa.BigInteger, primary_key=True, nullable=False),
        sa.Column("connection", sa.BigInteger, primary_key=True, nullable=False),
    )


def _theirs() -> None:
    op.create_table("partner", sa.Column("id", Pk, primary_key=True), text("name"), number("created_at"), sqlite_autoincrement=True)
    op.create_index("partner_name", "partner", ["name"], unique=True)
    op.create_table(
        "connection",
        sa.Column("id", sa.BigInteger, primary_key=True, nullable=False, autoincrement=False),
        number("partner"),
        text("state"),
        text("version", nullable=True),
        text("pinned", nullable=True),
        text("versions_url"),
        text("our_role", nullable=True),
        text("our_country", nullable=True),
        text("our_party", nullable=True),
        number("base64_out", nullable=True),
        text("credentials", nullable=True),
        text("endpoints"),
        text("hosts"),
        text("allow", nullable=True),
        text("flags"),
        sa.Column("token_out", sa.LargeBinary, nullable=True),
        number("created_at"),
        number("registered_at", nullable=True),
    )
    op.create_index("connection_partner", "connection", ["partner"])
    op.create_table(
        "token",
        sa.Column("hash", sa.LargeBinary, primary_key=True, nullable=False),
        number("connection"),
        text("state"),
        number("issued_at"),
        number("expires_at", nullable=True),
    )
    op.create_index("token_connection", "token", ["connection"])
    op.create_table(
        "hub_client",
        sa.Column("connection", sa.BigInteger, primary_key=True, nullable=False),
        sa.Column("role", sa.Text, primary_key=True, nullable=False),
        sa.Column("country", sa.Text, primary_key=True, nullable=False),
        sa.Column("party", sa.Text, primary_key=True, nullable=False),
        number("last_updated"),
        text("document"),
    )

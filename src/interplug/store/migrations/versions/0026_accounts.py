"""Accounts of drivers: how they sign in, their cards and orders of cards, favourites, what they want to be told, and letters to them."""

import sqlalchemy as sa
from alembic import op

revision = "0026_accounts"
down_revision = "0025_at_the_plug"


def number(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger, nullable=False)


def text(name: str, *, nullable: bool = False) -> sa.Column[str]:
    return sa.Column(name, sa.Text, nullable=nullable)


def key(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.Text, primary_key=True, nullable=False)


def blob(name: str) -> sa.Column[bytes]:
    return sa.Column(name, sa.LargeBinary, nullable=False)


def counted(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True)


def upgrade() -> None:
    # `email` is null where none is confirmed, `password` empty where there is none.
    op.create_table("account", key("driver"), text("email", nullable=True), text("password"), text("language"), number("created_at"))
    op.create_index("account_email", "account", ["email"], unique=True)
    op.create_table("driver_session", key("id"), text("driver"), number("begun_at"), number("until"))
    op.create_index("driver_session_driver", "driver_session", ["driver"])
    op.create_table(
        "passkey", key("id"), text("driver"), blob("public_key"), number("uses"), text("label"), number("created_at"), number("used_at")
    )
    op.create_index("passkey_driver", "passkey", ["driver"])
    op.create_table("identity", key("issuer"), key("subject"), text("driver"), text("label"), number("created_at"))
    op.create_index("identity_driver", "identity", ["driver"])
    op.create_table("ticket", key("id"), text("kind"), text("driver"), blob("document"), number("until"))
    op.create_index("ticket_until", "ticket", ["until"])
    op.create_table("attempt", counted("no"), text("name"), number("at"), sqlite_autoincrement=True)
    op.create_index("attempt_name", "attempt", ["name", "at"])
    op.create_index("attempt_at", "attempt", ["at"])
    op.create_table(
        "letter",
        counted("no"),
        text("address"),
        text("subject"),
        text("text"),
        number("tries"),
        number("due_at"),
        number("until"),
        sqlite_autoincrement=True,
    )
    op.create_index("letter_due", "letter", ["due_at", "no"])
    # Tokens of a driver besides the one in `driver`: cards, and those of guests who came to be this driver. `uid` is folded.
    op.create_table("card", key("kind"), key("uid"), text("driver"), text("contract_id"), text("label"), number("created_at"))
    op.create_index("card_uid", "card", ["uid"])
    op.create_index("card_driver", "card", ["driver"])
    op.create_index("card_contract", "card", ["contract_id"])
    op.create_table(
        "card_order",
        key("id"),
        text("driver"),
        text("label"),
        text("address"),
        text("state"),
        text("uid"),
        number("ordered_at"),
        number("ended_at"),
    )
    op.create_index("card_order_driver", "card_order", ["driver"])
    op.create_index("card_order_state", "card_order", ["state", "ordered_at"])
    op.create_table(
        "favourite",
        key("driver"),
        sa.Column("object", sa.BigInteger, primary_key=True, nullable=False, autoincrement=False),
        number("created_at"),
    )
    op.create_table(
        "watch",
        key("driver"),
        sa.Column("object", sa.BigInteger, primary_key=True, nullable=False, autoincrement=False),
        text("language"),
        number("until"),
    )
    # The card that a drive was begun with, as its uid is folded; empty: from the page.
    op.add_column("drive", sa.Column("token", sa.Text, nullable=False, server_default=""))

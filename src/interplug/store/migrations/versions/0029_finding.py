"""What finds stations at once among very many: words, places on the earth, kinds of stations, and copies of one EVSE.

Everything here is made from Locations by the reader of the change log that makes `place`, and made anew at will.
"""

import sqlalchemy as sa
from alembic import op

revision = "0029_finding"
down_revision = "0028_notices"

WORDS_OF_SQLITE = (
    "create virtual table place_words using fts5"
    "(words, content='place', content_rowid='object', prefix='1 2 3', tokenize='unicode61 remove_diacritics 0')",
    "create trigger place_told after insert on place begin insert into place_words (rowid, words) values (new.object, new.words); end",
    "create trigger place_gone after delete on place begin"
    " insert into place_words (place_words, rowid, words) values ('delete', old.object, old.words); end",
    "create trigger place_renamed after update of words on place when old.words <> new.words begin"
    " insert into place_words (place_words, rowid, words) values ('delete', old.object, old.words);"
    " insert into place_words (rowid, words) values (new.object, new.words); end",
    "insert into place_words (place_words) values ('rebuild')",
)
# Asked as the table of SQLite is: `postgres.py` says `match` in PostgreSQL's words.
WORDS_OF_POSTGRESQL = (
    'alter table place alter column words type text collate "C"',
    "create index place_found on place using gin (to_tsvector('simple', words))",
    "create view place_words as select object as rowid, words from place",
)


def number(name: str, *, key: bool = False) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger, primary_key=key, nullable=False, autoincrement=False)


def text(name: str, *, key: bool = False) -> sa.Column[str]:
    return sa.Column(name, sa.Text, primary_key=key, nullable=False)


def upgrade() -> None:
    for name, default in (("x", "0"), ("y", "0"), ("band", "-1"), ("kind", "0")):
        op.add_column("place", sa.Column(name, sa.BigInteger, nullable=False, server_default=sa.text(default)))
    op.create_index("place_band", "place", ["band", "x"])
    op.create_index("place_kind_of", "place", ["kind"])
    for statement in WORDS_OF_POSTGRESQL if op.get_bind().dialect.name == "postgresql" else WORDS_OF_SQLITE:
        op.execute(statement)
    op.create_table(
        "place_kind",
        number("id", key=True),
        text("spelled"),
        text("operator"),
        number("accessible"),
        number("hours"),
    )
    op.create_index("place_kind_spelled", "place_kind", ["spelled"], unique=True)
    op.create_table(
        "place_socket",
        number("kind", key=True),
        text("plug", key=True),
        number("watts", key=True),
        number("price", key=True),
    )
    op.create_table("place_hours", number("id", key=True), text("spelled"), number("open"))
    op.create_index("place_hours_spelled", "place_hours", ["spelled"], unique=True)
    op.create_table(
        "place_cell",
        *(number(name, key=True) for name in ("zoom", "y", "x", "kind")),
        *(number(name) for name in ("places", "evses", "free", "available", "sum_x", "sum_y")),
    )
    op.create_table(
        "place_evse",
        text("evse", key=True),
        number("object", key=True),
        number("rank"),
    )
    op.create_index("place_evse_object", "place_evse", ["object"])
    op.create_table("place_tariff", text("tariff", key=True), number("object", key=True))
    op.create_index("place_tariff_object", "place_tariff", ["object"])

"""Objects, their bodies and EVSE rows, feeds and counters, history, cursors, quarantine, message log, kept answers.

`object` rows are small on purpose: the bytes stand in `body`, so that walking a feed, counting by date and raising a Location's
last_updated never touch documents. body.id is object.pk + slot * 2^40 (0 the document, 1 a whole Location, 2.. older versions).
A feed is one (module, source, party, audience, versions that cannot say it): its row carries the exact count, and its number makes the
indexes short.
"""

import sqlalchemy as sa
from alembic import op

revision = "0001_objects"
down_revision = None

# SQLite gives a rowid only to a primary key spelled INTEGER.
Pk = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def number(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger, nullable=False)


def text(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.Text, nullable=False)


def blob(name: str) -> sa.Column[bytes]:
    return sa.Column(name, sa.LargeBinary, nullable=False)


def pk(name: str = "pk") -> sa.Column[int]:
    return sa.Column(name, Pk, primary_key=True)


def part(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger, primary_key=True, nullable=False)


def named(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.Text, primary_key=True, nullable=False)


def upgrade() -> None:
    _counters()
    _objects()
    _evses()
    _history()
    _readers()
    _messages()


def _counters() -> None:
    counter = op.create_table("counter", named("name"), number("no"))
    op.bulk_insert(counter, [{"name": "change", "no": 0}])
    op.create_table("tally", named("what"), named("module"), part("source"), number("n"))
    op.create_table(
        "feed",
        pk(),
        text("module"),
        number("source"),
        number("audience"),
        text("country"),
        text("party"),
        number("withheld"),
        number("n"),
        number("moved_no"),
    )
    op.create_index("feed_key", "feed", ["module", "source", "audience", "country", "party", "withheld"], unique=True)


def _objects() -> None:
    op.create_table(
        "object",
        pk(),
        text("module"),
        number("source"),
        text("country"),
        text("party"),
        text("id"),
        text("kind"),
        text("spelling"),
        number("feed"),
        number("audience"),
        number("created_no"),
        number("changed_no"),
        number("body_no"),
        number("audience_no"),
        number("log_no"),
        number("last_updated"),
        number("received_at"),
        number("fits"),
        number("kept"),
    )
    op.create_index("object_key", "object", ["module", "id", "source", "country", "party", "kind"], unique=True)
    op.create_index("object_feed", "object", ["feed", "created_no"])
    op.create_index("object_walk", "object", ["module", "source", "created_no", "feed"])
    op.create_index("object_dated", "object", ["feed", "last_updated", "created_no"])
    op.create_index("object_log", "object", ["log_no"])
    op.create_index("object_log_of", "object", ["module", "log_no"])
    op.create_table("body", pk("id"), blob("bytes"))
    op.create_table("visibility", part("object"), part("no"), number("was"))


def _evses() -> None:
    op.create_table(
        "evse",
        pk(),
        number("object"),
        text("country"),
        text("party"),
        text("uid"),
        text("spelling"),
        number("position"),
        text("status"),
        number("created_no"),
        number("changed_no"),
        number("body_no"),
        number("status_no"),
        number("last_updated"),
        blob("doc"),
    )
    op.create_index("evse_key", "evse", ["object", "uid"], unique=True)
    op.create_index("evse_uid", "evse", ["uid", "country", "party"])
    op.create_index("evse_log", "evse", ["changed_no"])


def _history() -> None:
    op.create_table(
        "history",
        pk(),
        text("module"),
        text("id"),
        number("source"),
        text("country"),
        text("party"),
        text("kind"),
        number("no"),
        text("why"),
        number("connection"),
        text("version"),
        number("received_at"),
        blob("sha256"),
        blob("doc"),
    )
    op.create_index("history_key", "history", ["module", "id", "source", "country", "party", "kind", "no"])
    op.create_index("history_age", "history", ["module", "received_at"])


def _readers() -> None:
    op.create_table("cursor", part("connection"), named("module"), number("no"))
    op.create_table("resync", part("connection"), named("module"), number("reached"), number("goal"))
    op.create_table(
        "refused",
        part("connection"),
        part("object"),
        named("evse"),
        text("module"),
        text("reason"),
        number("status"),
        number("since"),
        number("attempts"),
        number("next_at"),
        number("changed_no"),
    )
    op.create_table(
        "delivered",
        part("connection"),
        part("object"),
        text("url"),
        number("at"),
    )
    op.create_table(
        "quarantine",
        pk(),
        number("source"),
        text("module"),
        text("id"),
        text("path"),
        text("reason"),
        number("received_at"),
        blob("original"),
    )
    op.create_index("quarantine_place", "quarantine", ["source", "module", "pk"])


def _messages() -> None:
    op.create_table(
        "message",
        pk(),
        text("direction"),
        number("connection"),
        text("method"),
        text("url"),
        number("http"),
        number("ocpi"),
        text("request_id"),
        text("correlation_id"),
        number("started_at"),
        number("took_us"),
        text("head"),
        blob("body"),
        blob("answer"),
    )
    op.create_index("message_correlation", "message", ["correlation_id"])
    op.create_index("message_connection", "message", ["connection", "started_at"])
    op.create_index("message_age", "message", ["started_at"])
    op.create_table(
        "reply", part("connection"), named("request_id"), blob("sha256"), number("http"), text("headers"), blob("body"), number("kept_at")
    )
    op.create_index("reply_age", "reply", ["kept_at"])

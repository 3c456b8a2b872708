"""What was found when CDRs were checked, and which Sessions have no CDR yet.

A row is written in two steps: first what a CDR is about (its Session, Token, EVSE and times), by which others find it, then the verdicts.
Ids are kept folded. What is found is JSON, opaque here; `verdicts` stand between commas, empty until the CDR has been judged.
"""

from collections.abc import Iterable, Sequence

import msgspec

from interplug.model.types import fold
from interplug.store.database import Database, Row
from interplug.store.keys import Key

ABOUT = "object, source, country, party, id, session, session_object, token, evse, start_at, end_at, credits"
COLUMNS = f"{ABOUT}, verdicts, excess, currency, checked_at, findings"
PUT = f"""
insert into cdr_check ({COLUMNS}) values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, '', '', '', 0, ?)
on conflict (object) do update set session = excluded.session, session_object = excluded.session_object, token = excluded.token,
  evse = excluded.evse, start_at = excluded.start_at, end_at = excluded.end_at, credits = excluded.credits"""
FOUND = "update cdr_check set verdicts = ?, excess = ?, currency = ?, checked_at = ?, findings = ? where object = ?"
GET = f"select {COLUMNS} from cdr_check where object = ?"
OF_SESSION = f"select {COLUMNS} from cdr_check where session = ? and source = ? and country = ? and party = ? order by object"
OF_TOKEN = f"select {COLUMNS} from cdr_check where token = ? and end_at > ? and start_at < ? order by object limit ?"
CREDITS_OF = f"select {COLUMNS} from cdr_check where credits = ? and source = ? and country = ? and party = ? order by object"
TAKEN_BACK_BY = CREDITS_OF.replace("order by", "and not exists (select 1 from hold h where h.object = cdr_check.object) order by")
SESSION_IS = "update cdr_check set session_object = ? where object = ?"

CREDITED = """exists (select 1 from cdr_check k where k.credits = c.id and k.credits <> '' and k.source = c.source
  and k.country = c.country and k.party = c.party and not exists (select 1 from hold x where x.object = k.object))"""
DISPUTE = "(select n.what from cdr_note n where n.object = o.pk and n.what in ('disputed', 'settled') order by n.pk desc limit 1)"
LISTED = f"""
select o.pk, c.verdicts, c.excess, c.currency, c.findings, h.object is not null, {CREDITED}, {DISPUTE}
from object o left join cdr_check c on c.object = o.pk left join hold h on h.object = o.pk
where o.module = 'cdrs' and o.audience >= 0 and (cast(? as bigint) is null or o.source = ?) and (? = '' or c.verdicts like ?)
  and (? = 0 or h.object is not null) and (? = 0 or {DISPUTE} = 'disputed')
order by o.log_no desc limit ?"""
COUNTS = "select source, verdicts, count(*) from cdr_check group by source, verdicts"
UNCHECKED = """
select count(*) from object o left join cdr_check c on c.object = o.pk
where o.module = 'cdrs' and o.audience >= 0 and coalesce(c.verdicts, '') = ''"""

WITHOUT = "insert into unbilled (object, source, token, evse, start_at) values (?, ?, ?, ?, ?) on conflict (object) do nothing"
BILLED = "delete from unbilled where object = ?"
OPEN_AT = "select object, start_at from unbilled where token = ? and source = ? and evse = ? and start_at >= ? and start_at <= ?"
SILENT = """
select u.object from unbilled u join object o on o.pk = u.object
where o.received_at < ? and o.audience >= 0 and (cast(? as bigint) is null or u.source = ?) order by o.received_at limit ?"""
MOST = 100
"""Other CDRs of a Token in one span of time that are looked at."""


class About(msgspec.Struct, frozen=True, gc=False):
    """What a CDR is about. `credits` is the id of the CDR that it takes back; 0 or empty: there is none, or it is not known."""

    object: int
    source: int
    country: str
    party: str
    id: str
    session: str
    session_object: int
    token: str
    evse: str
    start_at: int
    end_at: int
    credits: str


class Check(About, frozen=True, gc=False):
    verdicts: tuple[str, ...] = ()
    excess: str = ""
    currency: str = ""
    checked_at: int = 0
    findings: bytes = b"[]"


class Listed(msgspec.Struct, frozen=True, gc=False):
    """One line of the list of CDRs."""

    pk: int
    verdicts: tuple[str, ...]
    excess: str
    currency: str
    findings: bytes
    held: bool
    credited: bool
    dispute: str


class Wanted(msgspec.Struct, frozen=True):
    """Which CDRs are listed."""

    source: int | None = None
    verdict: str = ""
    held: bool = False
    disputed: bool = False
    limit: int = 50


class Checks:
    def __init__(self, db: Database) -> None:
        self._db = db

    # --- what CDRs are about, and what was found

    async def put(self, about: About) -> None:
        """What was found before stays."""
        await self._db.execute(PUT, *msgspec.structs.astuple(about), b"[]")

    async def found(self, object: int, verdicts: Iterable[str], excess: str, currency: str, now: int, findings: bytes) -> None:
        await self._db.execute(FOUND, _spelled(verdicts), excess, currency, now, findings, object)

    async def get(self, object: int) -> Check | None:
        row = await self._db.one(GET, object)
        return None if row is None else _check(row)

    async def of_session(self, key: Key, session: str) -> list[Check]:
        """The CDRs of a Session; `key` says of whom."""
        if not session:
            return []
        return _checks(await self._db.all(OF_SESSION, fold(session), key.source, fold(key.country), fold(key.party)))

    async def of_token(self, token: str, start: int, end: int) -> list[Check]:
        """CDRs of a Token, whoever sent them, that share time with this span."""
        return _checks(await self._db.all(OF_TOKEN, token, start, end, MOST))

    async def credits_of(self, key: Key, id: str) -> list[Check]:
        """The CDRs that take this one back, also those that are held."""
        return _checks(await self._db.all(CREDITS_OF, fold(id), key.source, fold(key.country), fold(key.party)))

    async def taken_back_by(self, key: Key, id: str) -> list[Check]:
        """Those that are not held: what has not left takes nothing back."""
        return _checks(await self._db.all(TAKEN_BACK_BY, fold(id), key.source, fold(key.country), fold(key.party)))

    async def session_is(self, object: int, session_object: int) -> None:
        """The Session of a CDR that does not name it has been found."""
        await self._db.execute(SESSION_IS, session_object, object)

    # --- lists

    async def newest(self, wanted: Wanted) -> list[Listed]:
        """Newest first."""
        pattern = f"%,{wanted.verdict},%"
        flags = (int(wanted.held), int(wanted.disputed))
        rows = await self._db.all(LISTED, wanted.source, wanted.source, wanted.verdict, pattern, *flags, wanted.limit)
        return [
            Listed(
                pk, _read(verdicts or ""), excess or "", currency or "", bytes(findings or b"[]"), bool(held), bool(credited), state or ""
            )
            for pk, verdicts, excess, currency, findings, held, credited, state in rows
        ]

    async def counts(self) -> dict[tuple[int, str], int]:
        """How many CDRs of each source have each verdict."""
        found: dict[tuple[int, str], int] = {}
        for source, verdicts, n in await self._db.all(COUNTS):
            for verdict in _read(verdicts):
                found[source, verdict] = found.get((source, verdict), 0) + int(n)
        return found

    async def unchecked(self) -> int:
        row = await self._db.one(UNCHECKED)
        return 0 if row is None else int(row[0])

    # --- Sessions without a CDR

    async def without(self, object: int, source: int, token: str, evse: str, start: int) -> None:
        """This Session has no CDR yet."""
        await self._db.execute(WITHOUT, object, source, token, evse, start)

    async def billed(self, object: int) -> None:
        """It has one now, or needs none."""
        await self._db.execute(BILLED, object)

    async def open_at(self, source: int, token: str, evse: str, earliest: int, latest: int) -> int:
        """The Session without a CDR that began at that EVSE in that time; 0 where there is none. The latest of several."""
        rows = await self._db.all(OPEN_AT, token, source, evse, earliest, latest)
        return max(rows, key=lambda row: int(row[1]))[0] if rows else 0

    async def silent(self, before: int, source: int | None, limit: int) -> list[int]:
        """Sessions without a CDR that were last heard of before then, the oldest first."""
        return [int(row[0]) for row in await self._db.all(SILENT, before, source, source, limit)]


def _spelled(verdicts: Iterable[str]) -> str:
    return "".join(f",{verdict}" for verdict in verdicts) + ","


def _read(spelled: str) -> tuple[str, ...]:
    return tuple(verdict for verdict in spelled.split(",") if verdict)


FIELDS = tuple(Check.__struct_fields__)


def _check(row: Row) -> Check:
    values = dict(zip(FIELDS, row, strict=True))
    return Check(**{**values, "verdicts": _read(values["verdicts"]), "findings": bytes(values["findings"])})


def _checks(rows: Sequence[Row]) -> list[Check]:
    return [_check(row) for row in rows]

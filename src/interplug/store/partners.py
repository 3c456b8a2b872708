"""Partners, their connections, the tokens of both directions, and the parties behind a hub.

A partner is a company, a connection one technical link to it; the number of a connection survives rotation, re-registration and
change of version or URL. This file stores what it is told: which change is allowed is `partners.states`, what a token may do is
`partners.directory`. Every change moves the generation `partners`.
"""

from typing import Any

import msgspec

from interplug.model.types import decode_json, encode_json, fold
from interplug.store.database import Database, Row
from interplug.store.parties import MOVED

NEW_AUDIENCE = "insert into audience (kind, name) values ('connection', ?) returning id"
PARTNER = "select id from partner where name = ?"
NEW_PARTNER = "insert into partner (name, created_at) values (?, ?) returning id"
COLUMNS = (
    "id", "partner", "state", "version", "pinned", "versions_url", "our_role", "our_country", "our_party", "base64_out", "credentials",
    "endpoints", "hosts", "allow", "flags", "token_out", "created_at", "registered_at",
)  # fmt: skip
JSON = frozenset(("credentials", "endpoints", "hosts", "allow", "flags"))
INSERT = f"insert into connection ({', '.join(COLUMNS)}) values ({', '.join('?' * len(COLUMNS))})"
SELECT = f"select p.name, {', '.join(f'c.{name}' for name in COLUMNS)} from connection c join partner p on p.id = c.partner"
TOKENS = "select hash, connection, state, issued_at, expires_at from token"
ISSUE = "insert into token (hash, connection, state, issued_at, expires_at) values (?, ?, ?, ?, ?)"
MARK = "update token set state = ?, expires_at = ? where hash = ?"
RETIRE = "update token set state = 'retiring', expires_at = ? where connection = ? and hash <> ? and state in ('pending', 'active')"
NEW_CLIENT = """
insert into hub_client (connection, role, country, party, last_updated, document) values (?, ?, ?, ?, ?, ?)
on conflict (connection, role, country, party) do nothing"""
END_OVERLAP = "update token set expires_at = ? where connection = ? and state = 'retiring' and expires_at > ?"
PUT_CLIENT = """
update hub_client set last_updated = ?, document = ?
where connection = ? and role = ? and country = ? and party = ? and last_updated <= ?"""
DROP_CLIENT = "delete from hub_client where connection = ? and role = ? and country = ? and party = ? and last_updated < ?"
CLIENTS = "select connection, document from hub_client order by connection, country, party, role"
CLIENT = "select document from hub_client where connection = ? and country = ? and party = ? order by last_updated desc"


class ConnectionRow(msgspec.Struct, kw_only=True):
    """As stored. `credentials` is what the partner presented, in the newest form and without the token; `endpoints` are those of its
    version details, in the newest form too; `hosts` and `allow` are the operator's; `token_out` is sealed."""

    id: int = 0
    partner: int
    name: str = ""
    state: str
    version: str | None = None
    pinned: str | None = None
    versions_url: str = ""
    our_role: str | None = None
    our_country: str | None = None
    our_party: str | None = None
    base64_out: int | None = None
    credentials: dict[str, Any] | None = None
    endpoints: list[dict[str, Any]] = []
    hosts: list[str] = []
    allow: list[str] | None = None
    flags: dict[str, Any] = {}
    token_out: bytes | None = None
    created_at: int
    registered_at: int | None = None


class TokenRow(msgspec.Struct, frozen=True):
    """A token that we issued. `state` is one of `partners.states.TOKEN_STATES`; `expires_at` is set on those that retire."""

    hash: bytes
    connection: int
    state: str
    issued_at: int
    expires_at: int | None = None


class Partners:
    def __init__(self, db: Database) -> None:
        self._db = db

    # --- partners and connections

    async def partner(self, name: str, now: int) -> int:
        """The number of the company with this name, made when absent."""
        row = await self._db.one(PARTNER, name) or await self._db.one(NEW_PARTNER, name, now)
        assert row is not None
        return int(row[0])

    async def add(self, row: ConnectionRow) -> int:
        """Stores a new connection and returns its number, which is taken from the audiences."""
        taken = await self._db.one(NEW_AUDIENCE, row.name)
        assert taken is not None
        row.id = int(taken[0])
        await self._db.execute(INSERT, *(_column(name, getattr(row, name)) for name in COLUMNS))
        await self._db.execute(MOVED)
        return row.id

    async def get(self, connection: int) -> ConnectionRow | None:
        row = await self._db.one(f"{SELECT} where c.id = ?", connection)
        return None if row is None else _row(row)

    async def all(self) -> list[ConnectionRow]:
        return [_row(row) for row in await self._db.all(f"{SELECT} order by c.id")]

    async def change(self, connection: int, **columns: object) -> None:
        """Sets the named columns."""
        unknown = columns.keys() - set(COLUMNS)
        if unknown:
            raise ValueError(f"connection has no column {', '.join(sorted(unknown))}")
        names = ", ".join(f"{name} = ?" for name in columns)
        values = (_column(name, value) for name, value in columns.items())
        await self._db.execute(f"update connection set {names} where id = ?", *values, connection)
        await self._db.execute(MOVED)

    # --- tokens that we issued

    async def issue(self, hash: bytes, connection: int, state: str, now: int, expires_at: int | None = None) -> None:
        await self._db.execute(ISSUE, hash, connection, state, now, expires_at)
        await self._db.execute(MOVED)

    async def tokens(self) -> list[TokenRow]:
        return [TokenRow(*row) for row in await self._db.all(TOKENS)]

    async def token(self, hash: bytes) -> TokenRow | None:
        row = await self._db.one(f"{TOKENS} where hash = ?", hash)
        return None if row is None else TokenRow(*row)

    async def mark(self, hash: bytes, state: str, expires_at: int | None = None) -> None:
        await self._db.execute(MARK, state, expires_at, hash)
        await self._db.execute(MOVED)

    async def retire_others(self, connection: int, hash: bytes, until: int) -> None:
        """Every working token of the connection but this one is accepted only until then."""
        await self._db.execute(RETIRE, until, connection, hash)
        await self._db.execute(MOVED)

    async def end_overlap(self, connection: int, until: int) -> None:
        """Retiring tokens of the connection end then at the latest."""
        await self._db.execute(END_OVERLAP, until, connection, until)
        await self._db.execute(MOVED)

    async def drop_expired(self, now: int) -> None:
        await self._db.execute("delete from token where expires_at <= ?", now)
        await self._db.execute(MOVED)

    async def drop_tokens(self, connection: int, *states: str) -> None:
        """The tokens in these states, or all, are gone."""
        chosen = f" and state in ({', '.join('?' * len(states))})" if states else ""
        await self._db.execute(f"delete from token where connection = ?{chosen}", connection, *states)
        await self._db.execute(MOVED)

    async def drop_token(self, hash: bytes) -> None:
        await self._db.execute("delete from token where hash = ?", hash)
        await self._db.execute(MOVED)

    # --- parties behind a hub

    async def put_client(self, connection: int, document: dict[str, Any], last_updated: int) -> bool:
        """A party that the hub reaches, as a ClientInfo document in the newest form. True when it is new; older news change nothing."""
        key = (connection, *_client_key(document))
        text = encode_json(document).decode()
        created = await self._db.execute(NEW_CLIENT, *key, last_updated, text) > 0
        if not created:
            await self._db.execute(PUT_CLIENT, last_updated, text, *key, last_updated)
        await self._db.execute(MOVED)
        return created

    async def keep_clients(self, connection: int, listed: list[dict[str, Any]], before: int) -> None:
        """Forgets the others, but for those of whom the hub said something since `before`."""
        known = {_client_key(document) for document in (await self.clients()).get(connection, ())}
        gone = known - {_client_key(document) for document in listed}
        await self._db.many(DROP_CLIENT, [(connection, *key, before) for key in gone])
        await self._db.execute(MOVED)

    async def clients(self) -> dict[int, list[dict[str, Any]]]:
        """The ClientInfo documents of each connection."""
        found: dict[int, list[dict[str, Any]]] = {}
        for connection, document in await self._db.all(CLIENTS):
            found.setdefault(int(connection), []).append(decode_json(document.encode()))
        return found

    async def client(self, connection: int, country: str, party: str) -> dict[str, Any] | None:
        """What the hub said last about a party."""
        row = await self._db.one(CLIENT, connection, fold(country), fold(party))
        return None if row is None else decode_json(row[0].encode())


def _client_key(document: dict[str, Any]) -> tuple[str, str, str]:
    return str(document["role"]), fold(str(document["country_code"])), fold(str(document["party_id"]))


def _column(name: str, value: object) -> object:
    return encode_json(value).decode() if name in JSON and value is not None else value


def _row(row: Row) -> ConnectionRow:
    values = dict(zip(COLUMNS, row[1:], strict=True))
    for name in JSON:
        if values[name] is not None:
            values[name] = decode_json(values[name].encode())
    return ConnectionRow(name=row[0], **values)

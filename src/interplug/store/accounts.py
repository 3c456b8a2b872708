"""Accounts of drivers: an account belongs to one driver, and is signed in to with a password, a passkey or another service's word.

Secrets are kept as hashes. A ticket is what a link in an e-mail, a challenge or a way to another service refers to: it is good until its
time has come or it is taken, which only one can do. Attempts are counted for names that stand for a person or an address.
"""

from __future__ import annotations

import msgspec

from interplug.store.database import Database, Row
from interplug.store.sessions import Sessions

ACCOUNT = "driver, email, password, language, created_at"
ADD = f"insert into account ({ACCOUNT}) values (?, ?, ?, ?, ?)"
GET = f"select {ACCOUNT} from account where driver = ?"
BY_EMAIL = f"select {ACCOUNT} from account where email = ?"
UPDATE = "update account set email = ?, password = ?, language = ? where driver = ?"
ALL = f"select {ACCOUNT} from account order by created_at desc, driver limit ?"
PASSKEY = "id, driver, public_key, uses, label, created_at, used_at"
ADD_PASSKEY = f"insert into passkey ({PASSKEY}) values (?, ?, ?, ?, ?, ?, ?) on conflict (id) do nothing"
GET_PASSKEY = f"select {PASSKEY} from passkey where id = ?"
PASSKEYS = f"select {PASSKEY} from passkey where driver = ? order by created_at"
USED = "update passkey set uses = ?, used_at = ? where id = ?"
DROP_PASSKEY = "delete from passkey where id = ? and driver = ?"
IDENTITY = "issuer, subject, driver, label, created_at"
ADD_IDENTITY = f"insert into identity ({IDENTITY}) values (?, ?, ?, ?, ?) on conflict (issuer, subject) do nothing"
GET_IDENTITY = f"select {IDENTITY} from identity where issuer = ? and subject = ?"
IDENTITIES = f"select {IDENTITY} from identity where driver = ? order by created_at"
DROP_IDENTITY = "delete from identity where driver = ? and issuer = ?"
TICKET = "id, kind, driver, document, until"
ADD_TICKET = f"insert into ticket ({TICKET}) values (?, ?, ?, ?, ?)"
GET_TICKET = f"select {TICKET} from ticket where id = ? and kind = ? and until > ?"
TAKE_TICKET = "delete from ticket where id = ?"
FORGET_TICKETS = "delete from ticket where until <= ?"
DROP_TICKETS = "delete from ticket where driver = ? and kind = ?"
OF_ACCOUNT = ("account", "driver_session", "passkey", "identity", "ticket", "favourite", "watch", "browser", "mailed")
"""Tables of which nothing is left when an account is erased."""
ATTEMPTS = "select count(*) from attempt where name = ? and at > ?"
TRY = "insert into attempt (name, at) values (?, ?)"
FORGET_ATTEMPTS = "delete from attempt where at <= ?"
LONGEST = 86_400_000_000
"""Microseconds that attempts are remembered; longer than anybody counts."""


class Account(msgspec.Struct, frozen=True):
    """`email` is confirmed, and kept folded."""

    driver: str
    email: str | None
    password: str
    language: str
    created_at: int


class Passkey(msgspec.Struct, frozen=True):
    """`uses` is the counter of the authenticator, 0 where it has none."""

    id: str
    driver: str
    public_key: bytes
    uses: int
    label: str
    created_at: int
    used_at: int = 0


class Identity(msgspec.Struct, frozen=True):
    """Whom another service says that the driver is."""

    issuer: str
    subject: str
    driver: str
    label: str
    created_at: int


class Ticket(msgspec.Struct, frozen=True):
    id: str
    kind: str
    driver: str
    document: bytes
    until: int


class Accounts:
    def __init__(self, db: Database) -> None:
        self._db = db
        self.sessions = Sessions(db, "driver_session", "driver")

    async def add(self, account: Account) -> None:
        await self._db.execute(ADD, *msgspec.structs.astuple(account))

    async def get(self, driver: str) -> Account | None:
        return _account(await self._db.one(GET, driver))

    async def by_email(self, email: str) -> Account | None:
        return _account(await self._db.one(BY_EMAIL, email))

    async def update(self, account: Account) -> None:
        await self._db.execute(UPDATE, account.email, account.password, account.language, account.driver)

    async def newest(self, limit: int) -> list[Account]:
        return [Account(*row) for row in await self._db.all(ALL, limit)]

    async def erase(self, driver: str) -> None:
        for table in OF_ACCOUNT:
            await self._db.execute(f"delete from {table} where driver = ?", driver)

    # --- passkeys

    async def add_passkey(self, passkey: Passkey) -> bool:
        """False: this passkey is known already."""
        return await self._db.execute(ADD_PASSKEY, *msgspec.structs.astuple(passkey)) > 0

    async def passkey(self, id: str) -> Passkey | None:
        row = await self._db.one(GET_PASSKEY, id)
        return None if row is None else _passkey(row)

    async def passkeys(self, driver: str) -> list[Passkey]:
        return [_passkey(row) for row in await self._db.all(PASSKEYS, driver)]

    async def used_passkey(self, id: str, uses: int, now: int) -> None:
        await self._db.execute(USED, uses, now, id)

    async def drop_passkey(self, driver: str, id: str) -> bool:
        return await self._db.execute(DROP_PASSKEY, id, driver) > 0

    # --- identities

    async def add_identity(self, identity: Identity) -> bool:
        """False: it belongs to somebody already."""
        return await self._db.execute(ADD_IDENTITY, *msgspec.structs.astuple(identity)) > 0

    async def identity(self, issuer: str, subject: str) -> Identity | None:
        row = await self._db.one(GET_IDENTITY, issuer, subject)
        return None if row is None else Identity(*row)

    async def identities(self, driver: str) -> list[Identity]:
        return [Identity(*row) for row in await self._db.all(IDENTITIES, driver)]

    async def drop_identity(self, driver: str, issuer: str) -> bool:
        return await self._db.execute(DROP_IDENTITY, driver, issuer) > 0

    # --- tickets

    async def add_ticket(self, ticket: Ticket, now: int) -> None:
        await self._db.execute(FORGET_TICKETS, now)
        await self._db.execute(ADD_TICKET, *msgspec.structs.astuple(ticket))

    async def ticket(self, id: str, kind: str, now: int) -> Ticket | None:
        row = await self._db.one(GET_TICKET, id, kind, now)
        return None if row is None else Ticket(row[0], row[1], row[2], bytes(row[3]), int(row[4]))

    async def take_ticket(self, id: str, kind: str, now: int) -> Ticket | None:
        """None: there is none, its time has come, or somebody has taken it."""
        found = await self.ticket(id, kind, now)
        return found if found is not None and await self._db.execute(TAKE_TICKET, id) > 0 else None

    async def drop_tickets(self, driver: str, kind: str) -> None:
        await self._db.execute(DROP_TICKETS, driver, kind)


class Attempts:
    """How often something was tried under a name, by whatever process."""

    def __init__(self, db: Database) -> None:
        self._db = db

    async def allows(self, name: str, most: int, since: int, now: int) -> bool:
        """At most `most` since that time. Counts the attempt when it is allowed."""
        await self._db.execute(FORGET_ATTEMPTS, now - LONGEST)
        row = await self._db.one(ATTEMPTS, name, since)
        if row is not None and int(row[0]) >= most:
            return False
        await self._db.execute(TRY, name, now)
        return True


def _account(row: Row | None) -> Account | None:
    return None if row is None else Account(*row)


def _passkey(row: Row) -> Passkey:
    return Passkey(row[0], row[1], bytes(row[2]), *row[3:])

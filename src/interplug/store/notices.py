"""What drivers want to be told, and how: browsers with their push services, and whether by e-mail. A notice waits until it is sent or until
it is too late for it. What has been told of a drive is told once."""

from __future__ import annotations

import msgspec

from interplug.store.database import Database

BROWSER = "endpoint, driver, public_key, secret, language, created_at"
PUT = (
    f"insert into browser ({BROWSER}) values (?, ?, ?, ?, ?, ?) on conflict (endpoint) do update set driver = excluded.driver, "
    "public_key = excluded.public_key, secret = excluded.secret, language = excluded.language"
)
GET = f"select {BROWSER} from browser where endpoint = ?"
OF_DRIVER = f"select {BROWSER} from browser where driver = ? order by created_at, endpoint"
DROP = "delete from browser where endpoint = ?"
MAIL = "insert into mailed (driver, language) values (?, ?) on conflict (driver) do update set language = excluded.language"
NO_MAIL = "delete from mailed where driver = ?"
MAILED = "select language from mailed where driver = ?"
WANTED = (
    "select id from drive where created_at > ? and (driver in (select driver from browser) or driver in (select driver from mailed)) "
    "order by created_at"
)
NOTICE = "no, endpoint, document, tries"
ADD = "insert into notice (endpoint, document, tries, due_at, until) values (?, ?, 0, ?, ?)"
DUE = f"select {NOTICE} from notice where due_at <= ? order by due_at, no limit ?"
SENT = "delete from notice where no = ?"
LATER = "update notice set tries = tries + 1, due_at = ? where no = ?"
FORGET = "delete from notice where until <= ?"
DROP_TO = "delete from notice where endpoint = ?"
TELL = "insert into told (drive, what, at) values (?, ?, ?) on conflict (drive, what) do nothing"
TOLD = "select what from told where drive = ?"
FORGET_TOLD = "delete from told where at <= ?"


class Browser(msgspec.Struct, frozen=True):
    endpoint: str
    driver: str
    public_key: str
    secret: str
    language: str
    created_at: int


class Notice(msgspec.Struct, frozen=True):
    no: int
    endpoint: str
    document: str
    tries: int


class Notices:
    def __init__(self, db: Database) -> None:
        self._db = db

    # --- who wants to be told

    async def put(self, browser: Browser) -> None:
        await self._db.execute(PUT, *msgspec.structs.astuple(browser))

    async def get(self, endpoint: str) -> Browser | None:
        row = await self._db.one(GET, endpoint)
        return None if row is None else Browser(*row)

    async def of_driver(self, driver: str) -> list[Browser]:
        return [Browser(*row) for row in await self._db.all(OF_DRIVER, driver)]

    async def drop(self, endpoint: str) -> None:
        await self._db.execute(DROP, endpoint)
        await self._db.execute(DROP_TO, endpoint)

    async def mail(self, driver: str, language: str) -> None:
        await self._db.execute(MAIL, driver, language)

    async def no_mail(self, driver: str) -> None:
        await self._db.execute(NO_MAIL, driver)

    async def mailed(self, driver: str) -> str | None:
        """The language of the e-mails that a driver wants."""
        row = await self._db.one(MAILED, driver)
        return None if row is None else str(row[0])

    async def wanted(self, since: int) -> list[str]:
        """The drives that began after `since`, of those who want to be told."""
        return [str(row[0]) for row in await self._db.all(WANTED, since)]

    # --- what waits

    async def add(self, endpoint: str, document: str, now: int, until: int) -> None:
        await self._db.execute(ADD, endpoint, document, now, until)

    async def due(self, now: int, limit: int) -> list[Notice]:
        return [Notice(*row) for row in await self._db.all(DUE, now, limit)]

    async def sent(self, no: int) -> None:
        await self._db.execute(SENT, no)

    async def later(self, no: int, due_at: int) -> None:
        await self._db.execute(LATER, due_at, no)

    async def forget(self, now: int, told_before: int) -> None:
        """What is too late."""
        await self._db.execute(FORGET, now)
        await self._db.execute(FORGET_TOLD, told_before)

    # --- what was told

    async def tell(self, drive: str, what: str, now: int) -> bool:
        """False: it has been told."""
        return await self._db.execute(TELL, drive, what, now) > 0

    async def told(self, drive: str) -> set[str]:
        return {str(row[0]) for row in await self._db.all(TOLD, drive)}

"""The mailbox of everybody in the demo: a mail server that tells what it is sent, so that links in letters to drivers can be followed.

It takes whatever comes from this machine, and keeps nothing.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from email.message import EmailMessage
from email.parser import BytesParser
from email.policy import default

LARGEST = 1 << 20


@asynccontextmanager
async def mailbox(tell: Callable[[str], None]) -> AsyncIterator[dict[str, str]]:
    """The settings of a node that sends its letters here."""
    open_now: set[asyncio.StreamWriter] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        open_now.add(writer)
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            await _talk(reader, writer, tell)
        open_now.discard(writer)
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, limit=LARGEST)
    try:
        yield {
            "INTERPLUG__ALERTS__SMTP_HOST": "127.0.0.1",
            "INTERPLUG__ALERTS__SMTP_PORT": str(server.sockets[0].getsockname()[1]),
            "INTERPLUG__ALERTS__SMTP_SECURITY": "none",
            "INTERPLUG__ACCOUNTS__MAIL_FROM": "demo@interplug.invalid",
            "INTERPLUG__ACCOUNTS__CARDS": "true",
        }
    finally:
        server.close()
        for writer in open_now:
            writer.close()


async def _talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, tell: Callable[[str], None]) -> None:
    """RFC 5321, as much of it as a polite client needs."""
    writer.write(b"220 demo\r\n")
    while line := await reader.readline():
        verb = line[:4].upper()
        if verb == b"DATA":
            writer.write(b"354 go on\r\n")
            raw = await reader.readuntil(b"\r\n.\r\n")
            tell(_told(raw[:-3].replace(b"\r\n..", b"\r\n.")))
        elif verb == b"QUIT":
            writer.write(b"221 bye\r\n")
            return
        writer.write(b"250 yes\r\n")
        await writer.drain()


def _told(raw: bytes) -> str:
    """To whom, and all links."""
    mail = BytesParser(EmailMessage, policy=default).parsebytes(raw)
    links = [line.strip() for line in str(mail.get_content()).splitlines() if line.startswith("http") and line.count("/") > 3]
    return f"e-mail to {mail['To']}: {mail['Subject']}{''.join(f'  {link}' for link in links)}"

"""Alerts as e-mails: what has happened since the last one, in plain words and in one message."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import UTC, datetime
from email.message import EmailMessage
from email.utils import format_datetime, parseaddr
from typing import Any

from interplug.config import AlertSettings
from interplug.model.types import decode_json
from interplug.store.alerts import Message

from .smtp import hand_over
from .targets import Away, Refused

MOST = 100
SUBJECT = 150
Document = dict[str, Any]


class Mail:
    name = "mail"
    together = MOST

    def __init__(self, settings: AlertSettings, page: str = "") -> None:
        """`page` is where a person sees more."""
        self.settings, self.page = settings, page
        self.spacing = settings.mail_every

    async def send(self, messages: Sequence[Message]) -> None:
        try:
            await hand_over(self.settings, self.written(messages))
        except Refused as error:
            raise Away(str(error)) from None  # these addresses are ours: somebody has to mend that, and nothing is dropped meanwhile

    async def aclose(self) -> None:
        """No connection is kept."""

    def written(self, messages: Sequence[Message]) -> EmailMessage:
        said = [decode_json(one.doc) for one in messages]
        mail = EmailMessage()
        mail["From"] = self.settings.mail_from
        mail["To"] = ", ".join(self.settings.mail_to)
        mail["Subject"] = _subject(said)
        mail["Date"] = format_datetime(datetime.now(UTC))
        mail["Message-ID"] = self._id(messages)
        mail["Auto-Submitted"] = "auto-generated"
        more = f"\n{self.page}\n" if self.page else ""
        mail.set_content("\n".join(_lines(one) for one in said) + more)
        return mail

    def _id(self, messages: Sequence[Message]) -> str:
        """The same for the same messages: one that is sent again after a crash is known by it."""
        named = hashlib.sha256(",".join(str(one.no) for one in messages).encode()).hexdigest()[:24]
        domain = parseaddr(self.settings.mail_from)[1].rpartition("@")[2] or "interplug.invalid"
        return f"<alert-{named}@{domain}>"


def _subject(said: Sequence[Document]) -> str:
    if len(said) == 1:
        alert = said[0]["alert"]
        text = f"{'' if alert['open'] else 'over: '}{alert['code']} ({alert['severity']}) at {_where(alert)}"
    else:
        over = sum(not one["alert"]["open"] for one in said)
        counts = [(len(said) - over, "opened"), (over, "over")]
        text = "station alerts: " + ", ".join(f"{n} {what}" for n, what in counts if n)
    return " ".join(text.split())[:SUBJECT]


def _where(alert: Document) -> str:
    parts = [alert["location"]["name"] if alert["location"] else None, alert["evse_uid"], f"station {alert['station']}"]
    return ", ".join(part for part in parts if part)


def _lines(said: Document) -> str:
    """What a station says of itself is text here, and nothing more."""
    alert = said["alert"]
    times = f", came {alert['times']} times" if alert["times"] > 1 else ""
    when = f"since {alert['opened_at']}" if alert["open"] else f"from {alert['opened_at']} to {alert['closed_at']}{times}"
    vendor = " ".join(f"{alert['vendor_code'] or ''} {alert['info'] or ''}".split())
    lines = [
        f"{'OPEN' if alert['open'] else 'OVER'}  {alert['code']} ({alert['severity']}), alert {alert['number']}",
        f"      {alert['text']}",
        f"      {_where(alert)}, {when}",
        *([f"      the station says: {vendor}"] if vendor else []),
    ]
    return "\n".join(lines) + "\n"

"""Alerts as signed POSTs to a URL of the operator's own, as Standard Webhooks have it (standardwebhooks.com).

`webhook-id` stays the same when a message is sent again, `webhook-signature` is `v1,` and the Base64 of HMAC-SHA256 over
`id.timestamp.body`. Any 2xx means that it was taken; redirects are not followed, and of the answer nothing but its status counts.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import time
from collections.abc import Callable, Sequence
from urllib.parse import urlsplit

import msgspec

from interplug.config import AlertSettings, BadSettings, Network
from interplug.partners.transport import HttpTransport
from interplug.protocol.http import Request, Unreachable
from interplug.store.alerts import Message

from .targets import Away, Refused

LARGEST = 65_536
"""Bytes of an answer beyond which nobody reads on."""
LATER = frozenset({408, 425, 429})
"""Of 4xx those that say nothing about the message."""
PREFIX = "whsec_"


def secret_of(text: str) -> bytes:
    """`whsec_` and Base64, as Standard Webhooks write a secret; else the text itself."""
    if not text.startswith(PREFIX):
        return text.encode()
    try:
        return base64.b64decode(text.removeprefix(PREFIX), validate=True)
    except binascii.Error:
        raise BadSettings(f"alerts.webhook_secret begins with {PREFIX}, and what follows is no Base64") from None


def signature(secret: bytes, id: str, timestamp: str, body: bytes) -> str:
    mac = hmac.digest(secret, f"{id}.{timestamp}.".encode() + body, "sha256")
    return f"v1,{base64.b64encode(mac).decode()}"


class Webhook:
    together = 1
    spacing = 0.0

    def __init__(self, url: str, settings: AlertSettings, network: Network, *, now: Callable[[], float] = time.time) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise BadSettings(f"alerts.webhooks: {url!r} is no http or https URL")
        self.name = url
        self._host = parts.hostname
        self._secret = secret_of(settings.webhook_secret)
        self._now = now
        # It is the operator's own choice where this leads; a partner has no say in it.
        own = msgspec.structs.replace(network, allow_private=True, timeout=settings.timeout, largest_answer=LARGEST)
        self._transport = HttpTransport(own)

    async def send(self, messages: Sequence[Message]) -> None:
        [message] = messages
        name, timestamp = f"alert-message-{message.no}", str(int(self._now()))
        headers = {
            "content-type": "application/json",
            "webhook-id": name,
            "webhook-timestamp": timestamp,
            "webhook-signature": signature(self._secret, name, timestamp, message.doc),
        }
        try:
            answer = await self._transport(Request("POST", self.name, headers, message.doc))
        except Unreachable as error:
            raise Away(f"webhook at {self._host}: {error}") from None
        if 200 <= answer.status < 300:
            return
        text = f"webhook at {self._host} answers {answer.status}"
        if answer.status < 300 or (answer.status >= 500 or answer.status in LATER):
            raise Away(text)
        raise Refused(f"{text}; redirects are not followed" if answer.status < 400 else text)

    async def aclose(self) -> None:
        await self._transport.close()

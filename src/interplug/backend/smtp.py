"""The mail server: one message, handed over or not."""

from __future__ import annotations

from email.message import EmailMessage

import aiosmtplib

from interplug.config import AlertSettings

from .targets import Away, Refused


async def hand_over(settings: AlertSettings, mail: EmailMessage) -> None:
    """Raises `Refused` where the server does not want to bring it to anybody, `Away` where it may at another time."""
    try:
        await aiosmtplib.send(
            mail,
            hostname=settings.smtp_host,
            port=settings.smtp_port,
            use_tls=settings.smtp_security == "tls",
            start_tls=settings.smtp_security == "starttls",
            username=settings.smtp_user or None,
            password=settings.smtp_password or None,
            timeout=settings.timeout,
        )
    except aiosmtplib.SMTPRecipientsRefused as error:
        if all(500 <= one.code < 600 for one in error.recipients):
            raise Refused(f"mail server {settings.smtp_host}: nobody there takes it") from None
        raise Away(f"mail server {settings.smtp_host}: {type(error).__name__}: {error}") from None
    except (aiosmtplib.SMTPException, OSError, ValueError) as error:
        raise Away(f"mail server {settings.smtp_host}: {type(error).__name__}: {error}") from None

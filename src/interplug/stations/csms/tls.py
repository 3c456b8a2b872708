"""The TLS of the line to stations: whom it believes, and its own certificate, which may be renewed while the node runs."""

from __future__ import annotations

import contextlib
import logging
import ssl
from pathlib import Path

from interplug.config import BadSettings
from interplug.config import Stations as Settings

log = logging.getLogger(__name__)


class _Handshake(ssl.SSLObject):
    """One that fails says why, for a station whose certificate has expired gets no further, and nobody else tells of it."""

    def do_handshake(self) -> None:
        try:
            super().do_handshake()
        except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
            raise
        except ssl.SSLCertVerificationError as error:
            log.warning("a station is not let in: its certificate is not believed: %s", error.verify_message)
            raise
        except ssl.SSLError as error:
            log.warning("a TLS connection did not come about: %s", error.reason or error)
            raise


class Tls:
    def __init__(self, settings: Settings) -> None:
        """Raises BadSettings."""
        self._settings, self._seen = settings, _files(settings)
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.minimum_version, self.context.sslobject_class = ssl.TLSVersion.TLSv1_2, _Handshake
        _load(self.context, settings)

    def renew(self) -> None:
        """What has changed in its files counts from the next handshake on. Files that do not go together go on to be what they were,
        until they change again."""
        seen = _files(self._settings)
        if seen == self._seen:
            return
        self._seen = seen
        try:
            _load(ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), self._settings)
            _load(self.context, self._settings)
        except BadSettings as error:
            log.warning("%s; stations are shown the certificate of before", error)
        else:
            log.info("stations are shown a renewed certificate")


def _load(context: ssl.SSLContext, settings: Settings) -> None:
    if not settings.tls_certificate or not settings.tls_key:
        raise BadSettings("stations.tls_port needs stations.tls_certificate and stations.tls_key")
    try:
        context.load_cert_chain(settings.tls_certificate, settings.tls_key)
        if settings.client_ca:
            context.load_verify_locations(settings.client_ca)
            context.verify_mode = ssl.CERT_OPTIONAL
    except (OSError, ssl.SSLError) as error:
        raise BadSettings(f"stations: TLS cannot be set up: {error}") from None


def _files(settings: Settings) -> list[tuple[int, int]]:
    """How old and how large they are; links are followed."""
    found = []
    for name in (settings.tls_certificate, settings.tls_key, settings.client_ca):
        with contextlib.suppress(OSError):
            said = Path(name).stat()
            found.append((said.st_mtime_ns, said.st_size))
    return found

"""The node key, and everything that is derived from it.

Tokens that we issue are stored as HMAC-SHA256 under this key, tokens that we hold are sealed with AES-GCM, so a copied database
opens no door. The key stands in a file of its own beside the database (mode 0600, made when absent) or in the settings. Losing
it means that every partner must register anew; there is no way around that, and there should be none.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import os
import secrets
import tempfile
from collections.abc import Mapping
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from interplug.config import StoreSettings

LENGTH = 32
NONCE = 12


class BadKey(Exception):
    """The node key cannot be read, or it is not the one with which this database was written."""


def new_token() -> str:
    """256 random bits as 43 printable ASCII characters (7.3.1 allows 64)."""
    return secrets.token_urlsafe(32)


class NodeKey:
    __slots__ = ("_aead", "_key", "_tokens")

    def __init__(self, key: bytes) -> None:
        if len(key) != LENGTH:
            raise BadKey(f"the node key has {len(key)} bytes, not {LENGTH}")
        self._key = key
        self._tokens = self.derive("tokens that we issue")
        self._aead = AESGCM(self.derive("tokens that we hold"))

    def __repr__(self) -> str:
        return "NodeKey(…)"

    @classmethod
    def load(cls, settings: StoreSettings) -> NodeKey:
        """The key of the settings, of the file that they name, or of the file beside the database."""
        if settings.key:
            return cls(_decoded(settings.key, "store.key"))
        path = key_path(settings)
        if not path.exists():
            cls(os.urandom(LENGTH)).save(path)
        try:
            return cls(_decoded(path.read_text(encoding="ascii"), str(path)))
        except (OSError, UnicodeDecodeError) as error:
            raise BadKey(f"{path}: {error}") from None

    def save(self, path: Path) -> None:
        """To a file for the owner's eyes alone, if there is none. Of two processes that start together one wins, and neither reads half
        a key."""
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor, name = tempfile.mkstemp(prefix=f".{path.name}-", dir=path.parent)  # mode 0600
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(base64.b64encode(self._key) + b"\n")
                file.flush()
                os.fsync(file.fileno())
            try:
                os.link(name, path)
            except FileExistsError:
                pass
        finally:
            os.unlink(name)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, NodeKey) and hmac.compare_digest(self._key, other._key)

    __hash__ = None  # type: ignore[assignment]

    def opens(self, sealed: Mapping[int, bytes]) -> bool:
        """Whether the tokens of these connections were sealed with this key."""
        try:
            return all(self.open(token, connection) for connection, token in sealed.items())
        except BadKey:
            return False

    def derive(self, purpose: str) -> bytes:
        """A key of its own for each purpose; none of them tells another."""
        return hmac.digest(self._key, b"interplug/" + purpose.encode(), hashlib.sha256)

    def hash_token(self, token: str) -> bytes:
        return hmac.digest(self._tokens, token.encode(), hashlib.sha256)

    def seal(self, token: str, owner: int) -> bytes:
        """`owner` is the connection: sealed bytes that were moved to another row do not open."""
        nonce = os.urandom(NONCE)
        return nonce + self._aead.encrypt(nonce, token.encode(), str(owner).encode())

    def open(self, sealed: bytes, owner: int) -> str:
        try:
            return self._aead.decrypt(sealed[:NONCE], sealed[NONCE:], str(owner).encode()).decode()
        except (InvalidTag, ValueError):
            raise BadKey("a stored token does not open: this is not the node key with which it was sealed") from None


def key_path(settings: StoreSettings) -> Path:
    if settings.key_file:
        return Path(settings.key_file)
    _, _, path = settings.url.partition("sqlite:///")
    return Path(f"{path}.key" if path else "interplug.key")


def _decoded(text: str, where: str) -> bytes:
    try:
        return base64.b64decode(text.strip(), validate=True)
    except (binascii.Error, ValueError):
        raise BadKey(f"{where}: not Base64") from None

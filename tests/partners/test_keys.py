"""The node key: made once, for this user alone, and without it nothing opens."""

import base64
import stat
from pathlib import Path

import pytest

from interplug.config import StoreSettings
from interplug.partners.keys import BadKey, NodeKey, new_token

SETTINGS = StoreSettings(key=base64.b64encode(b"k" * 32).decode())


def test_the_key_is_made_beside_the_database_and_read_again(tmp_path: Path) -> None:
    settings = StoreSettings(url=f"sqlite:///{tmp_path}/node.db")
    made = NodeKey.load(settings)
    path = tmp_path / "node.db.key"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert NodeKey.load(settings).hash_token("a") == made.hash_token("a")
    assert [file.name for file in tmp_path.iterdir()] == ["node.db.key"]


def test_the_key_may_stand_elsewhere_or_in_the_settings(tmp_path: Path) -> None:
    path = tmp_path / "secrets" / "key"
    NodeKey.load(StoreSettings(key_file=str(path)))
    assert path.exists()
    assert NodeKey.load(SETTINGS).hash_token("a") == NodeKey(b"k" * 32).hash_token("a")


@pytest.mark.parametrize("text", ["short", "not base64 !", base64.b64encode(b"x" * 31).decode()])
def test_a_key_that_is_none_is_refused_by_name(text: str) -> None:
    with pytest.raises(BadKey) as caught:
        NodeKey.load(StoreSettings(key=text))
    assert text not in str(caught.value)


def test_a_sealed_token_opens_for_its_connection_and_its_key_alone() -> None:
    key = NodeKey.load(SETTINGS)
    sealed = key.seal("secret", 7)
    assert key.open(sealed, 7) == "secret"
    assert b"secret" not in sealed and key.seal("secret", 7) != sealed
    for other, owner in ((key, 8), (NodeKey(b"o" * 32), 7)):
        with pytest.raises(BadKey):
            other.open(sealed, owner)


@pytest.mark.req("CRD-030")
def test_tokens_are_long_random_and_printable() -> None:
    tokens = {new_token() for _ in range(100)}
    assert len(tokens) == 100
    assert all(43 <= len(token) <= 64 and all("!" <= letter <= "~" for letter in token) for token in tokens)


def test_derived_keys_differ_by_purpose_and_the_key_prints_nothing() -> None:
    key = NodeKey(b"k" * 32)
    assert key.derive("cursors") != key.derive("callbacks") and len(key.derive("cursors")) == 32
    assert repr(key) == "NodeKey(…)"

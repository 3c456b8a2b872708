"""Tokens of 2.1.1: `auth_id` in place of contract_id, two types, and no owner inside.

2.1.1 objects that name a Token name only its auth_id. Which Token that is, the caller knows (`facts.token`); without it the uid is `#NA`.
"""

from typing import Any

from interplug.model import tokens
from interplug.model.types import fold

from .facts import Document, Facts
from .lens import fields, lens, only
from .spelling import whole_seconds
from .v221 import type_again

TYPES = frozenset({"OTHER", "RFID"})

TOKEN = lens(
    fields(tokens.Token, "country_code", "party_id", "group_id", "default_profile_type", "energy_contract"),
    rename={"contract_id": "auth_id"},
    each={"type": only(TYPES, "OTHER"), "last_updated": whole_seconds},
)
TOKEN_UP = type_again(TYPES, {"auth_id": "contract_id"})


def with_owner(document: Document, owner: tuple[str, str] | None) -> Document:
    """A copy that says whose it is; what the document itself says goes before."""
    if owner is None:
        return dict(document)
    filled = dict(document)
    for key, value in zip(("country_code", "party_id"), owner, strict=True):
        if filled.get(key) is None:
            filled[key] = value
    return filled


def command_token(token: Any, facts: Facts) -> Any:
    """The whole Token inside a command. It belongs to the partner who sends the command."""
    raised = TOKEN_UP(token, facts)
    return with_owner(raised, facts.token_owner or facts.owner) if isinstance(raised, dict) else raised


def contract(token: Any, facts: Facts) -> Any:
    return token.get("contract_id") if isinstance(token, dict) else token


def cdr_token(auth_id: Any, facts: Facts) -> Any:
    """The CdrToken behind an auth_id. It is the receiver's own, so an owner is known even where the Token is not."""
    stored = facts.token
    if stored is not None and fold(str(stored.get("contract_id"))) == fold(str(auth_id)):
        return {key: stored[key] for key in ("country_code", "party_id", "uid", "type", "contract_id") if key in stored}
    return with_owner({"uid": "#NA", "type": "OTHER", "contract_id": auth_id}, facts.token_owner or facts.owner)

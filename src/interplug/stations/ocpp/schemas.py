"""Whether a payload is what OCPP says it is: the schemas of the package `ocpp`, compiled when they are first asked for.

Times are not looked at here (`format`): stations write them in more ways than the schema allows, and who needs one reads it.
"""

from __future__ import annotations

from functools import cache
from importlib import resources
from typing import Any

import jsonschema_rs
import msgspec

from .dialects import Dialect

Kind = jsonschema_rs.ValidationErrorKind
CODES: tuple[tuple[type | tuple[type, ...], str], ...] = (
    (Kind.Type, "TypeConstraintViolation"),
    ((Kind.Required, Kind.MinItems, Kind.MaxItems, Kind.MinProperties), "OccurrenceConstraintViolation"),
    (Kind.AdditionalProperties, "FormatViolation"),
)


class Problem(msgspec.Struct, frozen=True):
    """Why a payload is not what the schema says; `code` is that of the CALLERROR, named as 2.x does."""

    code: str
    description: str


@cache
def actions(dialect: Dialect) -> frozenset[str]:
    """Every action that the version knows."""
    names = {entry.name.removesuffix(".json") for entry in _folder(dialect).iterdir() if entry.name.endswith(".json")}
    requests = {name for name in names if not name.endswith("Response")}
    return frozenset(name.removesuffix(dialect.request) if dialect.request else name for name in requests)


def check_request(dialect: Dialect, action: str, payload: dict[str, Any]) -> Problem | None:
    """The first thing that is wrong, None where nothing is. The action has to be one of `actions`."""
    return _check(_validator(dialect, action, dialect.request), payload)


def first(dialect: Dialect, action: str, payload: dict[str, Any]) -> jsonschema_rs.ValidationError | None:
    """The first thing that is wrong with a request, as the validator sees it."""
    validator = _validator(dialect, action, dialect.request)
    return None if validator is None or validator.is_valid(payload) else next(iter(validator.iter_errors(payload)))


def check_response(dialect: Dialect, action: str, payload: dict[str, Any]) -> Problem | None:
    return _check(_validator(dialect, action, "Response"), payload)


def _check(validator: jsonschema_rs.Validator | None, payload: dict[str, Any]) -> Problem | None:
    if validator is None or validator.is_valid(payload):
        return None
    error = next(iter(validator.iter_errors(payload)))
    code = next((code for kinds, code in CODES if isinstance(error.kind, kinds)), "PropertyConstraintViolation")
    path = "/".join(map(str, error.instance_path))
    return Problem(code, f"{path}: {error.message}"[:255] if path else error.message[:255])


@cache
def _validator(dialect: Dialect, action: str, suffix: str) -> jsonschema_rs.Validator | None:
    """None: an action without an answer (2.1 SEND), or whose request has no suffix."""
    for name in (f"{action}{suffix}.json", f"{action}.json"):
        file = _folder(dialect) / name
        if file.is_file() and (suffix != "Response" or name.endswith("Response.json")):
            return jsonschema_rs.validator_for(msgspec.json.decode(file.read_bytes()), validate_formats=False)
    return None


@cache
def _folder(dialect: Dialect) -> Any:
    return resources.files("ocpp") / dialect.package / "schemas"

"""What the engine has to say besides a price.

A problem is a value: a code, a JSON pointer to the place (relative to the line `{"cdr": …, "tariffs": […]}`) and a severity.
Only what makes a price impossible is raised, as `TariffError`; nothing else may escape from this room.
"""

from collections.abc import Callable
from typing import Literal, NamedTuple

Severity = Literal["error", "warning", "note"]


class Problem(NamedTuple):
    code: str
    path: str
    severity: Severity = "warning"

    def to_document(self) -> dict[str, str]:
        return {"code": self.code, "path": self.path, "severity": self.severity}


Note = Callable[[Problem], object]


class TariffError(Exception):
    """No price can be given. Codes: no_valid_tariff, unknown_tariff, timezone_required, out_of_range, invalid_field, unknown_version."""

    def __init__(self, code: str, message: str, path: str = "") -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.path = path

    def to_document(self) -> dict[str, dict[str, str]]:
        return {"error": {"code": self.code, "message": self.message}}

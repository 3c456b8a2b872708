"""What differs between the versions of OCPP-J on the wire, as a table; what the messages mean stands elsewhere.

Error codes are named as 2.x names them; `spelled` says what an older version calls them. The subprotocol that both ends agreed
on decides which dialect is spoken, never what a message looks like.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Dialect:
    version: str
    """As OCPP numbers itself: 1.6, 2.0.1, 2.1."""
    package: str
    """Where the package `ocpp` keeps its schemas."""
    request: str = "Request"
    """What the names of the schemas of requests end in."""
    spelled: Mapping[str, str] = field(default_factory=dict)
    """What an error code is called here, where that is not its own name."""
    sends: bool = False
    """SEND and CALLRESULTERROR exist."""
    compresses: bool = True
    """Compression has to be offered."""

    @property
    def subprotocol(self) -> str:
        return f"ocpp{self.version}"

    def code(self, code: str) -> str:
        return self.spelled.get(code, code)


V16 = Dialect(
    version="1.6",
    package="v16",
    request="",
    spelled={
        "FormatViolation": "FormationViolation",
        "OccurrenceConstraintViolation": "OccurenceConstraintViolation",
        "MessageTypeNotSupported": "NotSupported",
        "RpcFrameworkError": "FormationViolation",
    },
    compresses=False,
)
V201 = Dialect(version="2.0.1", package="v201")
V21 = Dialect(version="2.1", package="v21", sends=True)

DIALECTS: dict[str, Dialect] = {dialect.subprotocol: dialect for dialect in (V21, V201, V16)}
"""By subprotocol, the one that is preferred first."""

"""A partner that a test plays: it remembers what it was told and answers as the test wants."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import Any

from interplug.model.types import decode_json, encode_json
from interplug.protocol.http import Request, Response, Unreachable

OK = Response(200, encode_json({"status_code": 1000, "timestamp": "2026-01-01T00:00:00Z"}))


def says(code: int, http: int = 200, **headers: str) -> Response:
    return Response(http, encode_json({"status_code": code, "timestamp": "2026-01-01T00:00:00Z"}), dict(headers))


@dataclass
class Played:
    told: list[tuple[str, str, Any]] = field(default_factory=list)
    """Method, path below the version, document."""
    answers: deque[Response | None] = field(default_factory=deque)
    """What to answer next; None: nobody is there. Empty: a success."""
    broken: str = "\0"
    """What a path must end with to be answered 500."""
    down: bool = False

    async def __call__(self, request: Request) -> Response:
        if self.down:
            raise Unreachable("refused")
        path = request.url.split("/receiver/", 1)[-1]
        self.told.append((request.method, path, decode_json(request.body) if request.body else None))
        if path.endswith(self.broken):
            return says(3000, 500)
        answer = self.answers.popleft() if self.answers else OK
        if answer is None:
            raise Unreachable("reset")
        return answer

    def verbs(self) -> list[tuple[str, str]]:
        return [(method, path) for method, path, _ in self.told]

"""The status codes of OCPI (chapter 5), and the one exception that carries them.

Whatever goes wrong between the door and a handler is raised as `OcpiError` and becomes an envelope in one place
(`envelope.failure`). Valid JSON with bad content is HTTP 200 with 2001, in every version; HTTP errors are kept for
what the transport itself refuses.
"""

from __future__ import annotations

SUCCESS = 1000
CLIENT_ERROR = 2000
INVALID = 2001
NOT_ENOUGH = 2002
UNKNOWN_LOCATION = 2003
UNKNOWN_TOKEN = 2004
SERVER_ERROR = 3000
CANNOT_USE_CLIENT = 3001
UNSUPPORTED_VERSION = 3002
NO_MATCHING_ENDPOINTS = 3003
HUB_ERROR = 4000
UNKNOWN_RECEIVER = 4001
RECEIVER_TIMEOUT = 4002
RECEIVER_PROBLEM = 4003

MESSAGES = {
    SUCCESS: "Success",
    CLIENT_ERROR: "Client error",
    INVALID: "Invalid or missing parameters",
    NOT_ENOUGH: "Not enough information",
    UNKNOWN_LOCATION: "Unknown Location",
    UNKNOWN_TOKEN: "Unknown Token",
    SERVER_ERROR: "Server error",
    CANNOT_USE_CLIENT: "Unable to use the client's API",
    UNSUPPORTED_VERSION: "Unsupported version",
    NO_MATCHING_ENDPOINTS: "No matching endpoints",
    HUB_ERROR: "Hub error",
    UNKNOWN_RECEIVER: "Unknown receiver",
    RECEIVER_TIMEOUT: "Timeout on forwarded message",
    RECEIVER_PROBLEM: "Connection problem with the receiver",
}


class OcpiError(Exception):
    """An answer that is not a success: OCPI `code`, a `message` for the partner's engineer, and the HTTP `status`."""

    def __init__(self, code: int, message: str | None = None, *, http: int = 200, headers: dict[str, str] | None = None) -> None:
        self.code = code
        self.message = message or MESSAGES.get(code, "Error")
        self.http = http
        self.headers = headers or {}
        super().__init__(f"{code} {self.message}")


def invalid(message: str) -> OcpiError:
    """2001 at HTTP 200: the JSON was fine, what it says is not."""
    return OcpiError(INVALID, message)


def malformed(message: str) -> OcpiError:
    """2001 at HTTP 400: not JSON at all, or not readable within our limits."""
    return OcpiError(INVALID, message, http=400)


def unauthorized(message: str) -> OcpiError:
    return OcpiError(INVALID, message, http=401, headers={"www-authenticate": "Token"})


def not_found(message: str, code: int = CLIENT_ERROR) -> OcpiError:
    return OcpiError(code, message, http=404)


def method_not_allowed(method: str, allowed: list[str]) -> OcpiError:
    names = ", ".join(allowed)
    return OcpiError(CLIENT_ERROR, f"{method} is not available here; available: {names}", http=405, headers={"allow": names})

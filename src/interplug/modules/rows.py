"""Every module that this node serves: the one visible list."""

from __future__ import annotations

from .cdrs import CDRS
from .chargingprofiles import CHARGINGPROFILES
from .commands import COMMANDS
from .confirmations import CONFIRMATIONS
from .credentials import CREDENTIALS
from .hubclientinfo import HUBCLIENTINFO
from .locations import LOCATIONS
from .sessions import SESSIONS
from .tariffs import TARIFFS
from .terminals import TERMINALS
from .tokens import TOKENS
from .versions import VERSION_DETAILS, VERSIONS

MODULES = (
    VERSIONS,
    VERSION_DETAILS,
    CREDENTIALS,
    LOCATIONS,
    TARIFFS,
    TOKENS,
    SESSIONS,
    CDRS,
    COMMANDS,
    CHARGINGPROFILES,
    TERMINALS,
    CONFIRMATIONS,
    HUBCLIENTINFO,
)

"""What the failures of each room mean as an exit code."""

from __future__ import annotations

from interplug.charges.corrections import NotCreditable
from interplug.charges.holding import NotPossible as CdrNotPossible
from interplug.drivers.plugs import NotPossible as DriveNotPossible
from interplug.modules.assigning import NotPossible as TerminalNotPossible
from interplug.modules.assigning import NotTaken
from interplug.partners.audiences import NoAudience
from interplug.partners.registration import HandshakeFailed
from interplug.partners.states import NotPossible
from interplug.store.backup import Damaged, InUse
from interplug.store.schema import SchemaTooNew
from interplug.store.urls import failures as failures

from .ending import CONFIGURATION, FAILED, NETWORK, Codes
from .opening import MISCONFIGURED

CODES: Codes = (
    (MISCONFIGURED, CONFIGURATION),
    (SchemaTooNew, CONFIGURATION),
    (HandshakeFailed, NETWORK),
    (NotPossible, FAILED),
    (NoAudience, FAILED),
    (CdrNotPossible, FAILED),
    (NotTaken, NETWORK),
    (TerminalNotPossible, FAILED),
    (DriveNotPossible, FAILED),
    (NotCreditable, FAILED),
    ((Damaged, InUse), FAILED),
    (OSError, FAILED),
)

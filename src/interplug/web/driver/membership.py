"""All pages that have to do with accounts, put together: what is there depends on the settings."""

from __future__ import annotations

from starlette.routing import BaseRoute

from interplug.drivers.paying import Desk

from .account import Accounts
from .elsewhere import Elsewhere
from .entering import Entering
from .favourites import Favourites
from .history import History
from .invoices import Invoices
from .lending import Lending
from .members import Members
from .methods import Methods
from .noticing import Noticing
from .passkeys import Passkeys
from .surface import Surface


class Membership:
    def __init__(self, surface: Surface, desk: Desk | None) -> None:
        self.members, self.desk = Members(surface), desk
        self.noticing = Noticing(self.members)
        surface.told = surface.told or self.noticing.pushes is not None
        self.favourites = Favourites(self.members, self.noticing.pushes)
        self._enabled = surface.node.settings.accounts.enabled

    def routes(self) -> list[BaseRoute]:
        """Before those of a drive: `/drives/live` is none."""
        always = [*History(self.members.surface).routes(), *Lending(self.members).routes(), *self.noticing.routes()]
        if not self._enabled:
            return always
        elsewhere = Elsewhere(self.members)
        return [
            *always,
            *Entering(self.members, list(elsewhere.services)).routes(),
            *Passkeys(self.members).routes(),
            *elsewhere.routes(),
            *Accounts(self.members, elsewhere).routes(),
            *Invoices(self.members).routes(),
            *Methods(self.members, self.desk).routes(),
            *self.favourites.routes(),
        ]

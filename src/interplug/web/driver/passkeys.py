"""Passkeys (WebAuthn): a key that stays on the driver's device, and proves itself for this site alone.

The challenge is a ticket, so it is answered once, in time, by the browser that was asked. A passkey signs in by itself, so the device has
to have made sure who holds it. Who has no account yet makes one with a passkey and nothing else.
"""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import urlsplit

import webauthn
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route
from webauthn.helpers import base64url_to_bytes, bytes_to_base64url, structs
from webauthn.helpers.exceptions import WebAuthnException

from interplug.drivers.plugs import NotPossible
from interplug.partners.presentation import root
from interplug.store.accounts import Passkey
from interplug.store.tx import Tx
from interplug.web.languages import N_, _
from interplug.web.session import Visitor

from .members import MINUTE, Members

Document = dict[str, Any]
ADD, PROVE = "passkey to add", "passkey to prove"
GOOD_FOR = 5 * MINUTE
MOST = 20
NOT_PROVED = N_("This passkey could not be used here. Try again, or sign in another way.")
SURE = structs.UserVerificationRequirement.REQUIRED


class Passkeys:
    def __init__(self, members: Members) -> None:
        self.members, self.surface, self.node = members, members.surface, members.node
        self.origin = root(self.node.settings)
        self.site = urlsplit(self.origin).hostname or ""

    def routes(self) -> list[BaseRoute]:
        return [
            Route("/account/passkeys/new", self.wanted, methods=["POST"]),
            Route("/account/passkeys", self.add, methods=["POST"]),
            Route("/account/passkeys/asked", self.asked, methods=["POST"]),
            Route("/account/passkeys/sign-in", self.sign_in, methods=["POST"]),
            Route("/account/passkeys/{id}/remove", self.remove, methods=["POST"]),
        ]

    # --- a new one

    async def wanted(self, request: Request) -> Response:
        """What the device is asked to make."""
        await self.surface.form(request)
        visitor = self.surface.visitor(request)
        await self.members.slow(request, "passkey")
        account = await self.members.account(request) if visitor.account else None
        known = await self.node.store.read(lambda tx: tx.accounts.passkeys(visitor.driver)) if account is not None else []
        options = webauthn.generate_registration_options(
            rp_id=self.site,
            rp_name="Interplug",
            user_name=(account.email if account is not None else None) or _("Charging"),
            authenticator_selection=structs.AuthenticatorSelectionCriteria(
                resident_key=structs.ResidentKeyRequirement.REQUIRED, user_verification=SURE
            ),
            exclude_credentials=[structs.PublicKeyCredentialDescriptor(id=base64url_to_bytes(one.id)) for one in known],
        )
        await self._ask(visitor, ADD, options.challenge)
        return self._options(visitor, webauthn.options_to_json(options))

    async def add(self, request: Request) -> Response:
        form = await self.surface.form(request)
        visitor = self.surface.visitor(request)
        challenge = await self._challenge(visitor, ADD, form)
        try:
            made = webauthn.verify_registration_response(
                credential=form.get("credential") or {},
                expected_challenge=challenge,
                expected_rp_id=self.site,
                expected_origin=self.origin,
                require_user_verification=True,
            )
        except (WebAuthnException, ValueError, TypeError, KeyError):
            raise NotPossible(_(NOT_PROVED)) from None
        name, label = bytes_to_base64url(made.credential_id), " ".join(str(form.get("label", "")).split())[:60]
        if await self.node.store.read(lambda tx: tx.accounts.passkey(name)) is not None:
            raise NotPossible(_("This passkey is known already."))
        if not visitor.account:
            visitor = await self.members.open(request)
        now, driver = self.node.clock(), visitor.driver

        async def work(tx: Tx) -> bool:
            if len(await tx.accounts.passkeys(driver)) >= MOST:
                return False
            return await tx.accounts.add_passkey(Passkey(name, driver, made.credential_public_key, made.sign_count, label, now))

        if not await self.node.store.write(work):
            raise NotPossible(_("There is no room for another passkey. Remove one that you do not use."))
        return self._done(visitor, "/account/security")

    # --- signing in

    async def asked(self, request: Request) -> Response:
        """What a device has to sign. Which passkeys there are is not told: the device knows its own."""
        await self.surface.form(request)
        visitor = self.surface.visitor(request)
        await self.members.slow(request, "passkey")
        options = webauthn.generate_authentication_options(rp_id=self.site, user_verification=SURE)
        await self._ask(visitor, PROVE, options.challenge)
        return self._options(visitor, webauthn.options_to_json(options))

    async def sign_in(self, request: Request) -> Response:
        form = await self.surface.form(request)
        visitor = self.surface.visitor(request)
        challenge, credential = await self._challenge(visitor, PROVE, form), form.get("credential")
        name = str(credential.get("id", "")) if isinstance(credential, dict) else ""
        passkey = await self.node.store.read(lambda tx: tx.accounts.passkey(name))
        if passkey is None:
            raise NotPossible(_(NOT_PROVED))
        try:
            proved = webauthn.verify_authentication_response(
                credential=credential or {},
                expected_challenge=challenge,
                expected_rp_id=self.site,
                expected_origin=self.origin,
                credential_public_key=passkey.public_key,
                credential_current_sign_count=passkey.uses,
                require_user_verification=True,
            )
        except (WebAuthnException, ValueError, TypeError, KeyError):
            raise NotPossible(_(NOT_PROVED)) from None
        await self.node.store.write(lambda tx: tx.accounts.used_passkey(name, proved.new_sign_count, self.node.clock()))
        return self._done(await self.members.begin(visitor, passkey.driver), "/account")

    async def remove(self, request: Request) -> Response:
        await self.surface.form(request)
        account = await self.members.account(request)

        async def work(tx: Tx) -> bool:
            left = len(await tx.accounts.passkeys(account.driver)) - 1
            if not left and not account.password and not await tx.accounts.identities(account.driver):
                return False
            return await tx.accounts.drop_passkey(account.driver, request.path_params["id"])

        if not await self.node.store.write(work):
            raise NotPossible(_("This is the last way into your account. Add another one first."))
        return self.members.go(self.surface.visitor(request), "/account/security")

    # --- challenges

    async def _ask(self, visitor: Visitor, kind: str, challenge: bytes) -> None:
        whose = {"visitor": self.surface.cookies.session(visitor)}
        await self.members.ticket(kind, whose, GOOD_FOR, secret=bytes_to_base64url(challenge))

    async def _challenge(self, visitor: Visitor, kind: str, form: Document) -> bytes:
        """The challenge that the answer says it is to, if this browser was asked it."""
        try:
            told = form["credential"]["response"]["clientDataJSON"]
            text = str(json.loads(base64url_to_bytes(told))["challenge"])
            challenge = base64url_to_bytes(text)
        except (KeyError, TypeError, ValueError):
            raise HTTPException(400, _(NOT_PROVED)) from None
        found = await self.members.take(kind, bytes_to_base64url(challenge))
        if found is None or found[1]["visitor"] != self.surface.cookies.session(visitor):
            raise NotPossible(_(NOT_PROVED))
        return challenge

    def _options(self, visitor: Visitor, text: str) -> Response:
        return self.surface.with_cookie(Response(text, media_type="application/json"), visitor)

    def _done(self, visitor: Visitor, where: str) -> Response:
        return self.surface.with_cookie(Response(json.dumps({"go": where}), media_type="application/json"), visitor)

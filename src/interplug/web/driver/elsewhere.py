"""Signing in by what another service says (OpenID Connect, code flow): any number of services, each by its issuer.

What is sent along and has to come back (state, nonce, the verifier of PKCE) is a ticket of the browser that was sent away: an answer is
used once, by that browser, and by nobody who has overheard it. A service says who somebody is; which account that is, we know by issuer
and subject alone. An e-mail address that it has confirmed begins a new account, but never opens one that is there: its driver connects the
two.
"""

from __future__ import annotations

import base64
import hashlib
import secrets
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote_plus, urlencode, urlsplit

import aiohttp
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from interplug.config import BadSettings, Settings
from interplug.drivers.accounts import Taken, email_of
from interplug.drivers.plugs import NotPossible
from interplug.model.types import BadJson, decode_json
from interplug.store.accounts import Identity
from interplug.store.tx import Tx
from interplug.web.languages import N_, _

from .members import MINUTE, Members

Document = dict[str, Any]
AWAY, CONNECT = "sent to a service", "identity to connect"
GOOD_FOR = 10 * MINUTE
TIMEOUT = 15.0
LEEWAY = 60
ALGORITHMS = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"]
FAILED = N_("Signing in there did not work. Try again, or sign in another way.")


class NoAnswer(Exception):
    """The service does not answer, or not as it should; why is for the log."""


@dataclass(slots=True, frozen=True)
class Service:
    name: str
    issuer: str
    client: str
    secret: str


def services(settings: Settings) -> dict[str, Service]:
    """Raises BadSettings."""
    accounts, found = settings.accounts, dict[str, Service]()
    for name, issuer in accounts.oidc.items():
        parts = urlsplit(issuer)
        if parts.scheme != "https" and not (parts.scheme == "http" and settings.network.allow_http):
            raise BadSettings(f"accounts.oidc: {name}: an issuer begins with https://")
        if name not in accounts.oidc_clients:
            raise BadSettings(f"accounts.oidc: {name} needs a client id in accounts.oidc_clients")
        found[name] = Service(name, issuer, accounts.oidc_clients[name], accounts.oidc_secrets.get(name, ""))
    return found


class Elsewhere:
    def __init__(self, members: Members) -> None:
        self.members, self.surface, self.node = members, members.surface, members.node
        self.services = services(self.node.settings)
        self.back = members.link("/account/with")

    def routes(self) -> list[BaseRoute]:
        if not self.services:
            return []
        return [
            Route("/account/with", self.returned),
            Route("/account/with/{name}", self.leave),
            Route("/account/connect/{secret}", self.connect_page),
            Route("/account/connect/{secret}", self.connect, methods=["POST"]),
            Route("/account/disconnect/{name}", self.disconnect, methods=["POST"]),
        ]

    # --- there

    async def leave(self, request: Request) -> Response:
        service = self.services.get(request.path_params["name"])
        if service is None:
            raise HTTPException(404)
        await self.members.slow(request, "service")
        visitor = self.surface.visitor(request)
        nonce, verifier = secrets.token_urlsafe(24), secrets.token_urlsafe(48)
        whose = self.surface.cookies.session(visitor)
        known = {"service": service.name, "nonce": nonce, "verifier": verifier, "visitor": whose}
        try:
            where = (await self._metadata(service))["authorization_endpoint"]
        except (NoAnswer, KeyError):
            raise HTTPException(503, _("{name} does not answer at the moment.").format(name=service.name)) from None
        digest = hashlib.sha256(verifier.encode()).digest()
        query = {
            "response_type": "code",
            "client_id": service.client,
            "redirect_uri": self.back,
            "scope": "openid email",
            "state": await self.members.ticket(AWAY, known, GOOD_FOR),
            "nonce": nonce,
            "code_challenge": base64.urlsafe_b64encode(digest).rstrip(b"=").decode(),
            "code_challenge_method": "S256",
        }
        mark = "&" if urlsplit(where).query else "?"
        return self.surface.with_cookie(RedirectResponse(f"{where}{mark}{urlencode(query)}", 303), visitor)

    # --- and back

    async def returned(self, request: Request) -> Response:
        visitor, query = self.surface.visitor(request), request.query_params
        found = await self.members.take(AWAY, query.get("state", ""))
        if found is None or found[1]["visitor"] != self.surface.cookies.session(visitor):
            raise HTTPException(400, _(FAILED))
        known, service = found[1], self.services.get(found[1]["service"])
        if service is None or "code" not in query or query.get("iss", service.issuer) != service.issuer:
            raise HTTPException(400, _(FAILED))
        try:
            claims = await self._claims(service, query["code"], known)
        except NoAnswer:
            raise HTTPException(502, _(FAILED)) from None
        subject, email = str(claims["sub"]), self._confirmed(claims)
        identity = await self.node.store.read(lambda tx: tx.accounts.identity(service.issuer, subject))
        if identity is not None:
            return self.members.go(await self.members.begin(visitor, identity.driver), "/account")
        told = {"service": service.name, "subject": subject, "label": email or service.name}
        if visitor.account:
            # Whom the service knows need not be who is signed in here: that is asked, on a page of ours.
            secret = await self.members.ticket(CONNECT, told, GOOD_FOR, visitor.driver)
            return self.members.go(visitor, f"/account/connect/{secret}")
        try:
            fresh = await self.members.open(request, email=email)
        except Taken:
            text = _("There is an account with your e-mail address already. Sign in to it first, then connect {name} there.")
            raise NotPossible(text.format(name=service.name)) from None
        await self._connect(service, subject, fresh.driver, email or service.name)
        return self.members.go(fresh, "/account")

    async def connect_page(self, request: Request) -> Response:
        account = await self.members.account(request)
        found = await self.members.look(CONNECT, request.path_params["secret"])
        if found is None or found.driver != account.driver:
            raise HTTPException(404, _(FAILED))
        return self.surface.answer(
            request, self.surface.visitor(request), "driver/account/connect.html", {}, told=decode_json(found.document)
        )

    async def connect(self, request: Request) -> Response:
        await self.surface.form(request)
        account = await self.members.account(request)
        found = await self.members.take(CONNECT, request.path_params["secret"])
        service = self.services.get(found[1]["service"]) if found is not None else None
        if found is None or service is None or found[0] != account.driver:
            raise HTTPException(404, _(FAILED))
        await self._connect(service, found[1]["subject"], account.driver, found[1]["label"])
        return self.members.go(self.surface.visitor(request), "/account/security")

    async def _connect(self, service: Service, subject: str, driver: str, label: str) -> None:
        identity = Identity(service.issuer, subject, driver, label, self.node.clock())
        if not await self.node.store.write(lambda tx: tx.accounts.add_identity(identity)):
            raise NotPossible(_("This belongs to another account already."))

    async def disconnect(self, request: Request) -> Response:
        await self.surface.form(request)
        account, service = await self.members.account(request), self.services.get(request.path_params["name"])
        if service is None:
            raise HTTPException(404)

        async def work(tx: Tx) -> bool:
            others = [one for one in await tx.accounts.identities(account.driver) if one.issuer != service.issuer]
            if not others and not account.password and not await tx.accounts.passkeys(account.driver):
                return False
            return await tx.accounts.drop_identity(account.driver, service.issuer)

        if not await self.node.store.write(work):
            raise NotPossible(_("This is the last way into your account. Add another one first."))
        return self.members.go(self.surface.visitor(request), "/account/security")

    # --- what the service says

    def _confirmed(self, claims: Document) -> str | None:
        email = claims.get("email")
        return email_of(email) if isinstance(email, str) and claims.get("email_verified") is True else None

    async def _metadata(self, service: Service) -> Document:
        found = await self._asked("GET", f"{service.issuer.rstrip('/')}/.well-known/openid-configuration")
        if found.get("issuer") != service.issuer:
            raise NoAnswer(f"{service.issuer} says that it is {found.get('issuer')!r}")
        return found

    async def _claims(self, service: Service, code: str, known: Document) -> Document:
        """What the ID token says, once it is proved to be the service's, for us, fresh, and the answer to what this browser asked."""
        metadata = await self._metadata(service)
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self.back,
            "code_verifier": known["verifier"],
            "client_id": service.client,
        }
        basic = service.secret and "client_secret_post" not in metadata.get("token_endpoint_auth_methods_supported", [])
        if service.secret and not basic:
            form["client_secret"] = service.secret
        headers = {"authorization": _basic(service)} if basic else {}
        try:
            answer = await self._asked("POST", metadata["token_endpoint"], headers, data=form)
            keys = KeySet.import_key_set(await self._asked("GET", metadata["jwks_uri"]))  # type: ignore[arg-type]
            claims = jwt.decode(str(answer["id_token"]), keys, algorithms=ALGORITHMS).claims
            _check(claims, service, known["nonce"], self.node.clock() // 1_000_000)
        except (JoseError, KeyError, ValueError, TypeError) as error:
            raise NoAnswer(f"{service.issuer}: {error!r}") from None
        return dict(claims)

    async def _asked(self, method: str, url: str, headers: dict[str, str] | None = None, **more: Any) -> Document:
        said = {"accept": "application/json", **(headers or {})}
        try:
            async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=TIMEOUT)) as session:
                async with session.request(method, url, headers=said, allow_redirects=False, **more) as answer:
                    raw = await answer.read()
                    if answer.status != 200:
                        raise NoAnswer(f"{url} answers {answer.status}")
            found = decode_json(raw)
        except (TimeoutError, aiohttp.ClientError, BadJson, ValueError) as error:
            raise NoAnswer(f"{url}: {error!r}") from None
        if not isinstance(found, dict):
            raise NoAnswer(f"{url} answers no object")
        return found


def _basic(service: Service) -> str:
    """RFC 6749, 2.3.1."""
    return "Basic " + base64.b64encode(f"{quote_plus(service.client)}:{quote_plus(service.secret)}".encode()).decode()


def _check(claims: Document, service: Service, nonce: str, now: int) -> None:
    """OpenID Connect Core 3.1.3.7."""
    registry = jwt.JWTClaimsRegistry(
        now=lambda: now,
        leeway=LEEWAY,
        iss={"essential": True, "value": service.issuer},
        sub={"essential": True},
        aud={"essential": True, "value": service.client},
        exp={"essential": True},
        nonce={"essential": True, "value": nonce},
    )
    registry.validate(claims)
    several = isinstance(claims["aud"], list) and len(claims["aud"]) > 1
    if claims.get("azp", None if several else service.client) != service.client:
        raise ValueError("azp is somebody else")

"""A small OpenID provider, that drivers sign in with: over loopback, with keys of its own, and able to answer wrongly in every way."""

from __future__ import annotations

import base64
import hashlib
import secrets
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import parse_qs, quote_plus, urlencode, urlsplit

from aiohttp import web
from joserfc import jwt
from joserfc.jwk import KeySet, RSAKey

CLIENT, SECRET = "interplug", "what only the two know"
Claims = dict[str, Any]


class Provider:
    """`who` is who is signed in there. `wrong` makes the claims of the next token others; `key` signs them."""

    def __init__(self, clock: Callable[[], int]) -> None:
        self.clock = clock
        self.url = ""
        self.who: Claims = {"sub": "s1", "email": "ann@example.org", "email_verified": True}
        self.wrong: Claims = {}
        self.keys = KeySet([RSAKey.generate_key(2048, {"kid": "k1"})])
        self.key = self.keys.keys[0]
        self.codes: dict[str, dict[str, str]] = {}
        self.down = False

    async def metadata(self, _request: web.Request) -> web.Response:
        if self.down:
            return web.Response(status=503)
        told = {"authorization_endpoint": "authorize", "token_endpoint": "token", "jwks_uri": "keys"}
        return web.json_response({"issuer": self.url} | {name: f"{self.url}/{path}" for name, path in told.items()})

    async def authorize(self, request: web.Request) -> web.Response:
        """Whoever comes is signed in already, and goes back at once."""
        return web.Response(status=303, headers={"location": self.back(str(request.url))})

    def back(self, url: str) -> str:
        """Where the browser goes that was sent here."""
        query = {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}
        code = secrets.token_urlsafe(8)
        self.codes[code] = query
        return f"{query['redirect_uri']}?{urlencode({'code': code, 'state': query['state']})}"

    async def token(self, request: web.Request) -> web.Response:
        form = await request.post()
        asked = self.codes.pop(str(form["code"]), None)
        basic = base64.b64encode(f"{CLIENT}:{quote_plus(SECRET)}".encode()).decode()
        if asked is None or request.headers.get("authorization") != f"Basic {basic}":
            return web.json_response({"error": "invalid_grant"}, status=400)
        digest = hashlib.sha256(str(form["code_verifier"]).encode()).digest()
        if base64.urlsafe_b64encode(digest).rstrip(b"=").decode() != asked["code_challenge"]:
            return web.json_response({"error": "invalid_grant"}, status=400)
        now = self.clock() // 1_000_000
        claims = {"iss": self.url, "aud": CLIENT, "iat": now, "exp": now + 60, "nonce": asked["nonce"], **self.who, **self.wrong}
        text = jwt.encode({"alg": "RS256", "kid": "k1"}, {name: one for name, one in claims.items() if one is not None}, self.key)
        return web.json_response({"access_token": "a", "token_type": "Bearer", "id_token": text})

    async def public(self, _request: web.Request) -> web.Response:
        return web.json_response(self.keys.as_dict(private=False))


@asynccontextmanager
async def provider(clock: Callable[[], int]) -> AsyncIterator[Provider]:
    made = Provider(clock)
    app = web.Application()
    app.router.add_get("/.well-known/openid-configuration", made.metadata)
    app.router.add_get("/authorize", made.authorize)
    app.router.add_post("/token", made.token)
    app.router.add_get("/keys", made.public)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    [(host, port)] = runner.addresses
    made.url = f"http://{host}:{port}"
    yield made
    await runner.cleanup()

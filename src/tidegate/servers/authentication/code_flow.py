"""Login at a trusted issuer: OpenID Connect's authorization code flow with PKCE, for people in front of a browser.

    cookie, url = await flow.begin("google", redirect_uri)      # send the browser there, with the cookie
    principal = await flow.finish(cookie, query, redirect_uri)  # it is back, with a code

Nothing is kept between the two. The cookie names the issuer and the moment; state, nonce and verifier follow from it by
a secret of this process, so only the browser in which a login began can end it, within ten minutes.
"""

from __future__ import annotations

import hmac
import logging
import secrets
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Iterable, Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote_plus, urlencode, urlsplit

from tidegate.core.access import Principal
from tidegate.engine.ports.world import MachineClock
from tidegate.operator_errors import OperatorError
from tidegate.servers.authentication.fetching import FetchError, fetch_json
from tidegate.servers.authentication.issuers import Issuer
from tidegate.servers.authentication.jwt import Jwt
from tidegate.servers.authentication.refused import RefusedError
from tidegate.servers.authentication.throttle import Throttle

LASTS: Final = 600.0
"""Seconds that somebody may take to show the issuer who they are."""
DISCOVERED_FOR: Final = 600.0
"""Seconds for which an issuer's discovery document is used."""
TRIES_MAX: Final = 60
"""Logins of an address, begun or ended, in ``TRIES_SPAN``: each may ask the issuer something."""
TRIES_SPAN: Final = 60.0
SHOWN_MAX: Final = 200
"""Characters of what the issuer says that are shown."""

logger = logging.getLogger(__name__)


class LoginError(Exception):
    """Nobody was logged in; the text is for the person who tried."""


class CodeFlow:
    """Logins at those issuers that know this server by a client ID. Raises OperatorError for a secret that cannot be
    read.
    """

    def __init__(self, issuers: Iterable[Issuer], clock: MachineClock) -> None:
        self._issuers = {each.name: each for each in issuers if each.setup.client_id}
        self._clock = clock
        self._key = secrets.token_bytes(32)
        self._found: dict[str, tuple[float, Mapping[str, Any]]] = {}
        self._tries = Throttle(TRIES_MAX, TRIES_SPAN)
        for issuer in self._issuers.values():
            _secret(issuer)

    @property
    def names(self) -> list[str]:
        """The issuers at which one can log in."""
        return list(self._issuers)

    async def begin(self, name: str, redirect_uri: str, address: str) -> tuple[str, str]:
        """A cookie's value, and where the browser goes with it. Raises LoginError."""
        issuer = self._issuers.get(name)
        if issuer is None:
            raise LoginError("There is no such issuer here.")
        self._count(address)
        about = await self._about(issuer)
        cookie = f"{name}!{self._clock.monotonic():.0f}!{secrets.token_urlsafe(16)}"
        challenge = urlsafe_b64encode(sha256(self._derived("verifier", cookie).encode()).digest()).rstrip(b"=").decode()
        asked = {
            "response_type": "code",
            "client_id": issuer.setup.client_id,
            "redirect_uri": redirect_uri,
            "scope": _scope(issuer, about),
            "state": self._derived("state", cookie),
            "nonce": self._derived("nonce", cookie),
            "code_challenge": challenge,
            "code_challenge_method": "S256",
        }
        url = _endpoint(issuer, about, "authorization_endpoint")
        return cookie, f"{url}{'&' if urlsplit(url).query else '?'}{urlencode(asked)}"

    async def finish(self, cookie: str, query: Mapping[str, str], redirect_uri: str, address: str) -> Principal:
        """Who came back from the issuer with these fields in the address. Raises LoginError."""
        state = query.get("state", "").encode("utf-8", "replace")
        name, _, rest = cookie.partition("!")
        issuer = self._issuers.get(name)
        if issuer is None or not hmac.compare_digest(self._derived("state", cookie).encode(), state):
            raise LoginError("This login was not begun in this browser, or before the server was started. Try again.")
        if self._clock.monotonic() - float(rest.partition("!")[0]) > LASTS:
            raise LoginError("The login took longer than ten minutes. Try again.")
        if query.get("iss", issuer.urls[0]) not in issuer.urls:
            raise LoginError("The answer is of another issuer. Try again.")
        if "error" in query:
            said = f"{query['error']} {query.get('error_description', '')}".strip()
            raise LoginError(f"{name} did not log you in: {said[:SHOWN_MAX]}")
        self._count(address)
        try:
            token = Jwt(await self._redeem(issuer, query.get("code", ""), cookie, redirect_uri))
            return await self._principal(issuer, token, cookie)
        except (RefusedError, FetchError, OperatorError) as error:
            logger.info("refused a login at issuer %s: %s", name, error)
            raise LoginError(f"What {name} said of you was not taken; the server's log has the reason.") from None

    async def _redeem(self, issuer: Issuer, code: str, cookie: str, redirect_uri: str) -> bytes:
        """The ID token for a code. Raises FetchError and RefusedError."""
        about, secret, client = await self._about(issuer), _secret(issuer), issuer.setup.client_id or ""
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": redirect_uri,
            "code_verifier": self._derived("verifier", cookie),
        }
        basic = None
        if secret is None:
            form["client_id"] = client
        elif "client_secret_basic" in _texts(about, "token_endpoint_auth_methods_supported", ("client_secret_basic",)):
            basic = b64encode(f"{quote_plus(client)}:{quote_plus(secret)}".encode()).decode()  # RFC 6749, 2.3.1
        else:
            form |= {"client_id": client, "client_secret": secret}
        url = _endpoint(issuer, about, "token_endpoint")
        answer = await fetch_json(url, issuer.setup.ca_file, urlencode(form).encode(), basic=basic)
        token = answer.get("id_token")
        if not isinstance(token, str) or not token.isascii():
            raise RefusedError("the issuer gave no ID token for the code")
        return token.encode()

    async def _principal(self, issuer: Issuer, token: Jwt, cookie: str) -> Principal:
        """Whom an ID token stands for that must have been made for this login. Raises RefusedError."""
        client = issuer.setup.client_id or ""
        if token.claim("iss") not in issuer.urls or token.header.get("typ") == "at+jwt":
            raise RefusedError("no ID token of this issuer")
        if not hmac.compare_digest(token.claim("nonce").encode(), self._derived("nonce", cookie).encode()):
            raise RefusedError("made for another login")
        if token.claims.get("azp", client) != client or (len(token.audiences()) > 1 and "azp" not in token.claims):
            raise RefusedError("meant for another client")
        principal, _ = await issuer.principal(token, self._clock.now().timestamp(), audiences=(client,))
        return principal

    async def _about(self, issuer: Issuer) -> Mapping[str, Any]:
        """The issuer's discovery document. Raises LoginError."""
        now = self._clock.monotonic()
        kept = self._found.get(issuer.name)
        if kept is None or now - kept[0] > DISCOVERED_FOR:
            try:
                kept = now, await issuer.discovery()
            except FetchError as error:
                logger.warning("cannot ask issuer %s where people log in: %s", issuer.name, error)
                raise LoginError(f"{issuer.name} does not answer just now. Try again later.") from None
            self._found[issuer.name] = kept
        return kept[1]

    def _derived(self, what: str, cookie: str) -> str:
        made = hmac.new(self._key, f"{what} {cookie}".encode("utf-8", "replace"), sha256).digest()
        return urlsafe_b64encode(made).rstrip(b"=").decode()

    def _count(self, address: str) -> None:
        now = self._clock.monotonic()
        if self._tries.wait(address, now):
            raise LoginError("Too many logins from your address. Try again in a minute.")
        self._tries.note(address, now)


def _endpoint(issuer: Issuer, about: Mapping[str, Any], name: str) -> str:
    """Raises LoginError."""
    url = about.get(name)
    secure = issuer.urls[0].startswith("https:") or issuer.urls[0] == "accounts.google.com"
    if not isinstance(url, str) or not url.startswith(("https://",) if secure else ("https://", "http://")):
        logger.warning("the discovery document of issuer %s has no %s of use", issuer.name, name)
        raise LoginError(f"One cannot log in at {issuer.name}; the server's log has the reason.")
    return url


def _scope(issuer: Issuer, about: Mapping[str, Any]) -> str:
    """What the ID token shall say: as much as members and groups are made of."""
    offered = _texts(about, "scopes_supported", ("email", "profile"))
    wanted = ("email", "profile", *(("groups",) if issuer.setup.groups else ()))
    return " ".join(["openid", *(each for each in wanted if each in offered)])


def _texts(about: Mapping[str, Any], name: str, default: tuple[str, ...]) -> tuple[str, ...]:
    said = about.get(name)
    return tuple(str(each) for each in said) if isinstance(said, list) else default


def _secret(issuer: Issuer) -> str | None:
    """The client's secret, read anew each time; None for a client without one. Raises OperatorError."""
    file = issuer.setup.client_secret_file
    if file is None:
        return None
    try:
        return Path(file).read_text().strip()
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is no text"
        raise OperatorError(
            f"cannot read the client secret of issuer {issuer.name} in {file}: {why}; name another client_secret_file"
        ) from None

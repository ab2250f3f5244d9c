"""The token endpoints, where clients trade what shows who they are for an access token.

- ``POST /token``: a token that a service account signed, for an access token or an ID token (RFC 7523).
- ``POST /v1/token``: a token of a trusted issuer, for an access token (RFC 8693).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

from tidegate.api.status import json_bytes
from tidegate.core.access import Principal
from tidegate.core.errors import ApiError
from tidegate.engine.ports.world import MachineClock
from tidegate.schema.transcoding.options import split_query
from tidegate.servers.authentication.authenticator import address_of
from tidegate.servers.authentication.issuers import Issuer
from tidegate.servers.authentication.jwt import SELF_SIGNED_LIFE, Jwt
from tidegate.servers.authentication.own_tokens import LIFE, OwnTokens
from tidegate.servers.authentication.refused import RefusedError
from tidegate.servers.authentication.self_signed import SelfSigned, has_scope
from tidegate.servers.authentication.throttle import Throttle
from tidegate.servers.call import Disconnected, Receive, Scope, Send
from tidegate.servers.in_flight import InFlight
from tidegate.servers.mounts import Mount
from tidegate.servers.respond import respond
from tidegate.servers.rest.body import drop_body, read_body

PATH: Final = "/token"
EXCHANGE_PATH: Final = "/v1/token"
GOOGLE: Final = "https://oauth2.googleapis.com/token"
"""What clients name as the audience of their assertion, wherever they send it."""
BODY_MAX: Final = 64 * 1024
"""Bytes of a form: it holds at most two tokens."""
CALLS_MAX: Final = 20
"""Calls a second of one address."""

JWT_BEARER: Final = "urn:ietf:params:oauth:grant-type:jwt-bearer"
TOKEN_EXCHANGE: Final = "urn:ietf:params:oauth:grant-type:token-exchange"  # noqa: S105 - a name
ACCESS_TOKEN: Final = "urn:ietf:params:oauth:token-type:access_token"  # noqa: S105 - a name
_SUBJECTS: Final = ("urn:ietf:params:oauth:token-type:jwt", "urn:ietf:params:oauth:token-type:id_token")

Form = Mapping[str, str]
IdToken = Callable[[str, str], Awaitable[str]]
"""Signs an ID token for an email and an audience, as tasks carry them."""


class OAuthError(Exception):
    """Refuses a call in OAuth's words (RFC 6749, 5.2)."""

    def __init__(self, error: str, description: str) -> None:
        super().__init__(description)
        self.error = error
        self.description = description


class TokenEndpoints:
    """Both endpoints. ``audiences`` are what an assertion may be meant for, beside Google's own endpoint."""

    def __init__(
        self,
        clock: MachineClock,
        self_signed: SelfSigned,
        own: OwnTokens,
        issuers: Mapping[str, Issuer],
        id_token: IdToken,
        audiences: frozenset[str],
        in_flight: InFlight,
    ) -> None:
        self._clock = clock
        self._self_signed = self_signed
        self._own = own
        self._issuers = issuers
        self._id_token = id_token
        self._audiences = audiences | {GOOGLE}
        self._in_flight = in_flight
        self._calls = Throttle(CALLS_MAX, 1.0)

    def mounts(self) -> list[Mount]:
        """The endpoints with their paths."""
        return [
            Mount(PATH, self._serve(self._grant), {"POST"}),
            Mount(EXCHANGE_PATH, self._serve(self._exchange), {"POST"}),
        ]

    def _serve(self, answer: Callable[[Form], Awaitable[dict[str, Any]]]) -> Any:
        async def app(scope: Scope, receive: Receive, send: Send) -> None:
            address, now = address_of(scope), self._clock.monotonic()
            if self._calls.wait(address, now):
                await drop_body(receive)
                await respond("POST", send, 429, _error("slow_down", f"At most {CALLS_MAX} calls a second."))
                return
            self._calls.note(address, now)
            held = self._in_flight.hold()
            try:
                form = await self._read(scope, receive, held)
                said = await answer(form)
            except OAuthError as error:
                await respond("POST", send, 400, _error(error.error, error.description))
            except RefusedError as refused:
                await respond("POST", send, 400, _error("invalid_grant", f"Invalid JWT: {refused.reason}."))
            except ApiError as error:
                await respond("POST", send, 400, _error("invalid_request", error.message))
            except Disconnected:
                return
            else:
                await respond("POST", send, 200, json_bytes(said))
            finally:
                held.close()

        return app

    async def _read(self, scope: Scope, receive: Receive, held: Any) -> Form:
        body = await read_body(dict(scope["headers"]), receive, BODY_MAX, held)
        try:
            fields = split_query(bytes(body).decode())
        except UnicodeDecodeError:
            raise OAuthError("invalid_request", "The form is not UTF-8.") from None
        form: dict[str, str] = {}
        for name, value in fields:
            if name in form:
                raise OAuthError("invalid_request", f"{name[:100]} is there twice.")
            form[name] = value or ""
        return form

    async def _grant(self, form: Form) -> dict[str, Any]:
        if form.get("grant_type") != JWT_BEARER:
            raise OAuthError("unsupported_grant_type", f"grant_type must be {JWT_BEARER}.")
        assertion = Jwt(form.get("assertion", "").encode())
        if not self._self_signed.is_assertion(assertion):
            raise OAuthError("invalid_grant", "Invalid grant: account not found.")
        email = self._self_signed.signer(assertion)
        if not any(each in self._audiences for each in assertion.audiences()):
            raise RefusedError("its audience is another service")
        now = self._clock.now().timestamp()
        assertion.check_times(now, longest=SELF_SIGNED_LIFE)
        audience = assertion.claim("target_audience")
        if audience:
            return {"id_token": await self._id_token(email, audience)}
        if not has_scope(assertion.claims.get("scope")):
            raise OAuthError("invalid_scope", "The scope must have cloud-platform or cloud-tasks.")
        token = await self._own.issue(Principal(f"serviceAccount:{email}"), f"key:{email}/{assertion.kid}")
        return {"access_token": token, "token_type": "Bearer", "expires_in": LIFE}

    async def _exchange(self, form: Form) -> dict[str, Any]:
        if form.get("grant_type") != TOKEN_EXCHANGE:
            raise OAuthError("unsupported_grant_type", f"grant_type must be {TOKEN_EXCHANGE}.")
        if form.get("subject_token_type") not in _SUBJECTS:
            raise OAuthError("invalid_request", f"subject_token_type must be one of {', '.join(_SUBJECTS)}.")
        if form.get("requested_token_type", ACCESS_TOKEN) != ACCESS_TOKEN:
            raise OAuthError("invalid_request", f"requested_token_type must be {ACCESS_TOKEN}.")
        if "scope" in form and not has_scope(form["scope"]):
            raise OAuthError("invalid_scope", "The scope must have cloud-platform or cloud-tasks.")
        subject = Jwt(form.get("subject_token", "").encode())
        issuer = self._issuers.get(subject.claim("iss"))
        if issuer is None:
            raise OAuthError("invalid_grant", "The issuer of subject_token is not trusted.")
        principal, _ = await issuer.principal(subject, self._clock.now().timestamp())
        token = await self._own.issue(principal, f"issuer:{issuer.name}")
        return {
            "access_token": token,
            "issued_token_type": ACCESS_TOKEN,
            "token_type": "Bearer",
            "expires_in": LIFE,
        }


def _error(error: str, description: str) -> bytes:
    return json_bytes({"error": error, "error_description": description})

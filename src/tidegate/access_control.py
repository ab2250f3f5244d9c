"""Access control put together from the settings: who may be an admin, which credentials count, and the door.

Files of tokens, keys and the policy are read at start, on SIGHUP and when they change. A file that is wrong by then
changes nothing, and a line of the log says so.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, Final

import yaml

from tidegate.api.door import Audit, Door
from tidegate.core.access import Roles
from tidegate.core.errors import ApiError, Unavailable
from tidegate.core.policy import NO_POLICY, Binding, Policy, settle_policy
from tidegate.core.queue import OidcToken
from tidegate.delivery.token_mint import Mint
from tidegate.engine.access import Access
from tidegate.engine.ports.store import Store
from tidegate.engine.ports.world import MachineClock, MintError
from tidegate.operator_errors import OperatorError
from tidegate.servers.address import Address
from tidegate.servers.authentication.authenticator import Authenticator
from tidegate.servers.authentication.certificates import Certificates
from tidegate.servers.authentication.code_flow import CodeFlow
from tidegate.servers.authentication.issuers import Issuer
from tidegate.servers.authentication.own_tokens import OwnTokens
from tidegate.servers.authentication.self_signed import SelfSigned, audiences_of
from tidegate.servers.authentication.tokens_file import StaticTokens, read_tokens
from tidegate.servers.in_flight import InFlight
from tidegate.servers.lifespan import version_of
from tidegate.servers.mounts import Mount
from tidegate.servers.oauth import EXCHANGE_PATH, PATH, IdToken, TokenEndpoints
from tidegate.settings import Settings

LOOKED_AT: Final = 10.0
"""Seconds between two checks whether a file has changed."""
POLICY_FILE_MAX: Final = 1024 * 1024
"""Bytes of a policy's file."""
NO_ADMIN: Final = (
    "access is on, but nobody could say who may do what: name yourself with --admin, such as --admin"
    " user:ann@example.com, or give roles/owner in a --policy"
)
PLAIN_TEXT: Final = (
    "access is on without TLS on a host that is not loopback, so tokens could be read on the way: set --tls-cert and"
    " --tls-key, or allow it with --plain-text-tokens"
)

logger = logging.getLogger("tidegate")


class AccessControl:
    """The parts of a server that checks who calls. ``access`` hears the engine's events."""

    def __init__(
        self, settings: Settings, address: Address, store: Store, clock: MachineClock, *, own_issuer: str
    ) -> None:
        """Raises OperatorError for settings that cannot be."""
        if not settings.loopback and settings.tls_cert is None and not settings.plain_text_tokens:
            raise OperatorError(PLAIN_TEXT)
        for issuer in settings.issuer:
            if issuer.url.rstrip("/") == own_issuer.rstrip("/"):
                raise OperatorError(
                    f"issuer {issuer.name} is this server itself, whose ID tokens do not show who calls: take it out"
                )
        self._settings = settings
        self._clock = clock
        roles = Roles({role.name: frozenset(role.permissions) for role in settings.role})
        self.access = Access(store, clock, roles, settings.admin, self._read_policy())
        self._urls = urls_of(settings, address, own_issuer)
        audiences = audiences_of(self._urls)
        self._self_signed = SelfSigned(self.access, audiences)
        self._own = OwnTokens(store, clock, self.access)
        self._issuers = [Issuer(each, clock, audiences) for each in settings.issuer]
        self.authenticator = Authenticator(
            clock,
            static=StaticTokens(read_tokens(settings.tokens) if settings.tokens else {}),
            self_signed=self._self_signed,
            own=self._own,
            issuers=self._issuers,
            certificates=self._certificates(),
        )
        self.logins = CodeFlow(self._issuers, clock)
        """Logins for people in front of a browser."""
        self.access.on_change.append(self.authenticator.forget)
        self._reloading = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []

    def door(self, audit: Audit | None = None) -> Door:
        known = self._settings.service_accounts == "known"
        return Door(self.authenticator, self.access, known_accounts=known, audit=audit)

    def mounts(self, id_token: IdToken, in_flight: InFlight) -> list[Mount]:
        """The token endpoints. ``id_token`` signs ID tokens for service accounts."""
        audiences = frozenset(f"{url.rstrip('/')}{path}" for url in self._urls for path in (PATH, EXCHANGE_PATH))
        issuers = self.authenticator.issuers
        return TokenEndpoints(
            self._clock, self._self_signed, self._own, issuers, id_token, audiences, in_flight
        ).mounts()

    async def start(self) -> None:
        """Read policies and keys, and follow their changes. Raises OperatorError when there is no admin."""
        await self.access.load()
        if not self.access.has_admin:
            raise OperatorError(NO_ADMIN)
        for issuer in self._issuers:
            await issuer.start()
        running: list[Callable[[], Awaitable[None]]] = [self.access.watch, self._follow_files]
        running += [issuer.keep_fetching for issuer in self._issuers]
        self._tasks = [asyncio.ensure_future(run()) for run in running]

    def stop(self) -> None:
        for task in self._tasks:
            task.cancel()

    def reload(self) -> None:
        """Read the files anew."""
        self._reloading.set()

    async def _follow_files(self) -> None:
        settings = self._settings
        files = [file for file in (settings.tokens, settings.policy) if file]
        files += [issuer.jwks_file for issuer in settings.issuer if issuer.jwks_file]
        seen = [version_of(file) for file in files]
        while True:
            try:
                await asyncio.wait_for(self._reloading.wait(), LOOKED_AT)
            except TimeoutError:
                if (found := [version_of(file) for file in files]) == seen:
                    continue
                seen = found
            self._reloading.clear()
            for read in (self._renew_tokens, self._renew_policy, *(issuer.read_file for issuer in self._issuers)):
                try:
                    read()
                except OperatorError as error:
                    logger.warning("what was read before holds: %s", error.message)

    def _renew_tokens(self) -> None:
        if self._settings.tokens:
            self.authenticator.use_tokens(StaticTokens(read_tokens(self._settings.tokens)))

    def _renew_policy(self) -> None:
        self.access.use_policy(self._read_policy())

    def _read_policy(self) -> Policy | None:
        return read_policy(self._settings.policy) if self._settings.policy else None

    def _certificates(self) -> Certificates | None:
        if self._settings.asks_certificates == "off":
            return None
        return Certificates({each.certificate: each.member for each in self._settings.identity})


def access_control(
    settings: Settings, address: Address, store: Store, clock: MachineClock, own_issuer: str
) -> AccessControl | None:
    """What checks who calls; None where nobody is asked."""
    return AccessControl(settings, address, store, clock, own_issuer=own_issuer) if settings.access else None


def id_tokens(mint: Mint) -> IdToken:
    """What signs ID tokens as tasks carry them. It raises Unavailable when there is none to be had."""

    async def id_token(email: str, audience: str) -> str:
        try:
            return (await mint.authorization(OidcToken(email, audience))).removeprefix("Bearer ")
        except MintError as error:
            raise Unavailable(str(error)) from error

    return id_token


def urls_of(settings: Settings, address: Address, own_issuer: str) -> set[str]:
    """Under which URLs callers may know this server."""
    hosts = {address.url.partition("://")[2].rpartition(":")[0], "localhost", "127.0.0.1", *settings.allow_hosts}
    hosts = {host for host in hosts if not host.startswith("*")}
    schemes = ("https",) if address.tls else ("http", "https")  # a proxy may have ended TLS
    urls = {f"{scheme}://{host}:{address.port}" for scheme in schemes for host in hosts}
    return urls | {f"https://{host}" for host in hosts} | {own_issuer, *settings.audience}


def read_policy(file: str) -> Policy:
    """The policy in a file, JSON or YAML in Google's form. Raises OperatorError."""
    try:
        data = Path(file).read_bytes()
        if len(data) > POLICY_FILE_MAX:
            raise ValueError(f"it has more than {POLICY_FILE_MAX} bytes")
        sent = policy_of(yaml.safe_load(data))
        return settle_policy(sent, NO_POLICY, b"file", conditions=True)
    except OSError as error:
        raise OperatorError(f"cannot read the policy {file}: {error.strerror}; name another with --policy") from None
    except ApiError as error:
        raise OperatorError(f"the policy {file} cannot be: {error.message}") from None
    except (ValueError, TypeError, AttributeError, yaml.YAMLError, RecursionError) as error:
        why = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise OperatorError(f"the policy {file} cannot be read: {why}") from None


def policy_of(document: Any) -> Policy:
    """A policy of plain data: ``{"bindings": [{"role", "members", "condition"}]}``. Raises ValueError."""
    if not isinstance(document, dict) or not isinstance(document.get("bindings", []), list):
        raise ValueError("it must have a list of bindings")  # noqa: TRY004 - the file is wrong
    bindings = []
    for each in document.get("bindings", []):
        if not isinstance(each, dict) or not isinstance(each.get("members", []), list):
            raise ValueError("a binding must have a role and a list of members")  # noqa: TRY004 - as above
        condition = each.get("condition") or {}
        bindings.append(
            Binding(
                str(each.get("role", "")),
                tuple(str(member) for member in each.get("members", [])),
                bool(condition),
                str(condition.get("expression", "")),
                str(condition.get("title", "")),
                str(condition.get("description", "")),
            )
        )
    return Policy(3, tuple(bindings))

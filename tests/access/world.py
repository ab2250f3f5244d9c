"""A whole server in memory that checks who calls: the real door, credentials and servers, on a clock of the tests'."""

from __future__ import annotations

import json
from base64 import urlsafe_b64encode
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any
from urllib.parse import urlencode

from joserfc import jwt
from joserfc.jwk import RSAKey
from tests.ids import CountingIds
from tests.servers.api import Silence
from tests.servers.driving import GRPC, TRAILERS, Answer, Client, framed

from tidegate.api.audit import AuditTrail, Entry
from tidegate.api.door import Door
from tidegate.api.iam import iam_answers
from tidegate.api.operator import OperatorApi, Parts
from tidegate.api.rpcs import Api
from tidegate.core.access import Principal, Roles
from tidegate.core.access.accounts import account_email
from tidegate.core.access.permissions import METRICS_GET, SERVER_RESET
from tidegate.core.names import QueueName
from tidegate.core.policy import Binding, Policy
from tidegate.core.queue import Queue
from tidegate.engine.access import Access
from tidegate.engine.accounts import NewAccount
from tidegate.engine.engine import Engine
from tidegate.engine.ports.world import Timer, World
from tidegate.schema import v2
from tidegate.schema.limits import ENTRY_MAX
from tidegate.schema.rpc import Rpc
from tidegate.schema.transcoding.outgoing import write_request
from tidegate.servers.asgi import App
from tidegate.servers.authentication.authenticator import Authenticator
from tidegate.servers.authentication.certificates import Certificates
from tidegate.servers.authentication.issuers import Issuer
from tidegate.servers.authentication.own_tokens import OwnTokens
from tidegate.servers.authentication.self_signed import SelfSigned, audiences_of
from tidegate.servers.authentication.tokens_file import StaticToken, StaticTokens
from tidegate.servers.grpc import GrpcMethod
from tidegate.servers.guards import guarded
from tidegate.servers.mounts import Mount
from tidegate.servers.oauth import TokenEndpoints
from tidegate.servers.operator import operator_mounts
from tidegate.servers.reflection import reflection_mounts
from tidegate.servers.rest import RestServer
from tidegate.servers.rest.answers import cloud_tasks_answers
from tidegate.servers.streams import Streams
from tidegate.storage.sqlite import MemoryStore

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)
PROJECT = "projects/shop"
LOCATION = f"{PROJECT}/locations/here"
QUEUE = f"{LOCATION}/queues/mail"
TASK = f"{QUEUE}/tasks/t"
ADMIN = "user:admin@example.com"
OWN_URL = "https://tasks.test:8123"
KEY = RSAKey.generate_key(2048)
"""One key for all accounts of the tests: making one takes long."""
PUBLIC = KEY.as_pem(private=False)
CLOUD_PLATFORM = "https://www.googleapis.com/auth/cloud-platform"


class HandClock:
    """Wall and machine time in one, moved by the tests alone."""

    def __init__(self) -> None:
        self.moment = NOON

    def now(self) -> datetime:
        return self.moment

    def monotonic(self) -> float:
        return (self.moment - NOON).total_seconds()

    def advance(self, **span: float) -> None:
        self.moment += timedelta(**span)

    def elapsed(self) -> float:
        return self.monotonic()

    async def sleep(self, seconds: float) -> None:
        raise AssertionError("nobody waits here")

    def call_at(self, moment: datetime, wake: Callable[[], None]) -> Timer:
        raise AssertionError("nobody waits here")

    def call_later(self, seconds: float, wake: Callable[[], None]) -> Timer:
        raise AssertionError("nobody waits here")


class Guarded:
    """The server. ``await Guarded().start()`` first; static tokens are the members themselves."""

    def __init__(
        self,
        *,
        admins: tuple[str, ...] = (ADMIN,),
        issuers: tuple[Issuer, ...] = (),
        roles: Mapping[str, frozenset[str]] | None = None,
        known_accounts: bool = False,
        certificates: Certificates | None = None,
        audit_reads: bool = True,
    ) -> None:
        self.clock = HandClock()
        self.store = MemoryStore()
        self.access = Access(self.store, self.clock, Roles(roles), admins)
        self.self_signed = SelfSigned(self.access, audiences_of([OWN_URL]))
        self.own = OwnTokens(self.store, self.clock, self.access)
        self.tokens: dict[bytes, StaticToken] = {}
        self.authenticator = Authenticator(
            self.clock,
            static=StaticTokens(self.tokens),
            self_signed=self.self_signed,
            own=self.own,
            issuers=issuers,
            certificates=certificates,
        )
        self.access.on_change.append(self.authenticator.forget)
        self.entries: list[Entry] = []
        self.audit = AuditTrail(self.clock, self.entries.append, reads=audit_reads)
        self.door = Door(self.authenticator, self.access, known_accounts=known_accounts, audit=self.audit)
        silence: Any = Silence()
        silence.emit = self.access.emit
        self.engine = Engine(
            World(self.store, silence, silence, self.clock, self.clock, CountingIds(digits=20), silence)
        )
        self.app = App()

    async def start(self) -> Guarded:
        await self.access.load()
        await self.engine.queues.create(Queue(name=QueueName(QUEUE)))
        api = Api(self.engine, door=self.door)
        operator = OperatorApi(Parts(engine=self.engine, dev=True, door=self.door, audit=self.audit))
        in_flight = self.app.bytes_in_flight
        issuers = self.authenticator.issuers
        rest = cloud_tasks_answers(api) | iam_answers(self.engine, self.door, f"{OWN_URL}/token")
        tokens = TokenEndpoints(
            self.clock, self.self_signed, self.own, issuers, self._id_token, frozenset({f"{OWN_URL}/token"}), in_flight
        )
        methods = {
            path: GrpcMethod(each.request, each.answer, each.most, each.insists, ENTRY_MAX)
            for path, each in (api.grpc() | operator.grpc()).items()
        }
        mounts = [
            *tokens.mounts(),
            *operator_mounts(operator, in_flight, Streams(self.app.closing), self.app.calls),
            Mount("/", RestServer(rest, in_flight, self.app.calls), below=True),
            *self._beside(),
        ]
        self.app.serve(methods, mounts)
        return self

    def _beside(self) -> list[Mount]:
        """A page and a helper behind the door, and reflection, as a server has them."""

        async def page(scope: Any, receive: Any, send: Any) -> None:
            await send({"type": "http.response.start", "status": 200, "headers": []})
            await send({"type": "http.response.body", "body": b""})

        return [
            guarded(Mount("/metrics", page, {"GET"}), self.door, METRICS_GET),
            guarded(Mount("/emulator:reset", page, {"POST"}), self.door, SERVER_RESET, changes=True),
            *(guarded(each, self.door, None) for each in reflection_mounts()),
        ]

    async def _id_token(self, email: str, audience: str) -> str:
        return signed({"iss": OWN_URL, "sub": "1", "email": email, "aud": audience, **hour()})

    def token(self, member: str) -> str:
        """A static token of a member: its name."""
        self.tokens[sha256(member.encode()).digest()] = StaticToken(Principal(member), float("inf"))
        return member

    async def account(self, account_id: str = "mailer", key_id: str = "k1") -> str:
        """The email of a new account with a key."""
        email = account_email(account_id, "shop")
        await self.engine.accounts.create(NewAccount(email, "shop"))
        await self.engine.accounts.add_key(email, key_id, PUBLIC)
        return email

    async def allow(self, resource: str, *bindings: tuple[str, str]) -> None:
        """The policy of a resource: roles and members."""
        policy = Policy(1, tuple(Binding(role, (member,)) for role, member in bindings))
        if "/queues/" in resource:
            await self.engine.policies.set(QueueName(resource), policy, None)
        else:
            await self.engine.policies.set_at(resource, policy)

    async def grpc(self, row: Rpc[Any, Any], request: Any, token: str | None = None, **scope: Any) -> Answer:
        """A call over gRPC with a raw request."""
        headers = [GRPC, TRAILERS, *([] if token is None else [(b"authorization", b"Bearer " + token.encode())])]
        return await self._send(
            row.grpc_path, "POST", b"", framed(request.SerializeToString()), headers, http_version="2", **scope
        )

    async def rest(self, row: Rpc[Any, Any], request: Any, token: str | None = None) -> Answer:
        """The same call over REST."""
        made = write_request(row, request)
        query = "&".join(f"{name}={value}" for name, value in made.query)
        return await self.http(made.verb, made.path, made.body or b"", token, query=query)

    async def http(
        self,
        verb: str,
        path: str,
        body: Any = b"",
        token: str | None = None,
        *,
        query: str = "",
        headers: Mapping[str, str] | None = None,
        **scope: Any,
    ) -> Answer:
        """An HTTP request; a body that is no bytes goes as JSON."""
        body = body if isinstance(body, bytes) else json.dumps(body).encode()
        sent = [(name.lower().encode(), value.encode()) for name, value in (headers or {}).items()]
        if token is not None:
            sent.append((b"authorization", b"Bearer " + token.encode()))
        return await self._send(path, verb, query.encode(), body, sent, http_version="1.1", **scope)

    async def _send(
        self, path: str, verb: str, query: bytes, body: bytes, headers: list[tuple[bytes, bytes]], **more: Any
    ) -> Answer:
        client = Client([body])
        scope = {
            "type": "http",
            "method": verb,
            "scheme": "https",
            "path": path,
            "raw_path": path.encode(),
            "query_string": query,
            "headers": headers,
            "client": ("10.0.0.9", 4711),
            **more,
        }
        await self.app(scope, client.receive, client.send)
        return client.answer


OTHER_KEY = RSAKey.generate_key(2048)
"""A key that nobody knows."""

EMAIL = "mailer@shop.iam.gserviceaccount.com"
GET = v2.CloudTasks.get_queue


async def with_accounts() -> Guarded:
    """A server with two accounts, of which the first, ``EMAIL``, may view everything."""
    server = await Guarded().start()
    await server.account()
    await server.account("another", "k2")
    await server.allow("server", ("roles/cloudtasks.viewer", f"serviceAccount:{EMAIL}"))
    return server


async def asked(server: Guarded, token: str, **scope: Any) -> Answer:
    """GetQueue with a bearer token."""
    return await server.grpc(GET, GET.request_pb(name=QUEUE), token, **scope)


async def traded(server: Guarded, path: str = "/token", **form: str) -> tuple[int, Any]:
    """What the token endpoint gives for a form: the HTTP status, and the JSON."""
    answer = await server.http("POST", path, urlencode(form).encode())
    return answer.http_status, json.loads(answer.body)


def b64(value: Any) -> str:
    return urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def hour(start: datetime = NOON) -> dict[str, int]:
    """``iat`` and ``exp`` of a token that is good for an hour."""
    issued = int(start.timestamp())
    return {"iat": issued, "exp": issued + 3600}


def signed(claims: Mapping[str, Any], key: Any = KEY, **header: Any) -> str:
    """A token with these claims, RS256 unless the header says something else."""
    header = {"alg": "RS256", "kid": "k1", **header}
    return jwt.encode(header, dict(claims), key, algorithms=[header["alg"]])


def self_signed(email: str, **claims: Any) -> str:
    """What Google's Python client sends for a service account."""
    audience = {"aud": "https://cloudtasks.googleapis.com/"}
    said = {"iss": email, "sub": email, **audience, **hour(), **claims}
    return signed({name: value for name, value in said.items() if value is not None})


def status_of(answer: Answer) -> int:
    """The code of an answer, over gRPC or REST."""
    if b"grpc-status" in answer.headers or b"grpc-status" in answer.trailers:
        return answer.status
    if answer.http_status == 200:
        return 0
    code: int = CODES.get(answer.http_status, 2)
    return code


CODES = {401: 16, 403: 7, 404: 5, 400: 3, 409: 10, 429: 8, 501: 12}
"""The codes that these tests tell apart, by their HTTP status; 409 is ABORTED here."""

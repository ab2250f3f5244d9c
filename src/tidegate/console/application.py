"""The ASGI application of the console: which requests are answered, and with which headers."""

from __future__ import annotations

import logging
import secrets
from functools import partial
from typing import Any, Final

from tidegate.api.door import Door, May
from tidegate.api.operator import OperatorApi
from tidegate.api.rpcs import Api
from tidegate.api.status import HTTP_STATUS
from tidegate.console.answer import Answer, redirect
from tidegate.console.calls import Calls
from tidegate.console.facts import READ_ONLY, Facts
from tidegate.console.live import Nudges
from tidegate.console.request import FORM_BYTES_MAX, PREFIX, Request, read_form
from tidegate.console.route_names import LIVE, STATIC
from tidegate.console.same_site import TOKEN_FIELD, FormTokens, check_same_site
from tidegate.console.sessions import COOKIE, Credential, Sessions
from tidegate.console.shared_answers import SharedAnswers
from tidegate.console.static_files import static_answer
from tidegate.core.access import SERVER
from tidegate.core.errors import ApiError, Code, FailedPrecondition, Internal, NotFound, PermissionDenied
from tidegate.engine.ports.world import Clock, MachineClock
from tidegate.schema.operator import Operator
from tidegate.servers.authentication.code_flow import CodeFlow
from tidegate.servers.call import Disconnected, Receive, Scope, Send
from tidegate.servers.in_flight import InFlight
from tidegate.servers.mounts import READING, Mount
from tidegate.servers.rest.body import drop_body, read_body

FORM: Final = b"application/x-www-form-urlencoded"
SESSION_PATHS: Final = frozenset({"login", "logout"})
"""Forms that change no more than the session."""
OPEN_PATHS: Final = frozenset({"login", "callback"})
"""Pages for those who are not logged in."""

log = logging.getLogger(__name__)


class Console:
    """The console over both services. ``wall`` is the time by which tasks go."""

    def __init__(
        self,
        api: Api,
        operator: OperatorApi,
        facts: Facts,
        nudges: Nudges,
        in_flight: InFlight,
        wall: Clock,
        machine: MachineClock,
        *,
        door: Door | None = None,
        logins: CodeFlow | None = None,
    ) -> None:
        self._api = api
        self._operator = operator
        self.facts = facts
        self.now = wall.now
        self._nudges = nudges
        self._door = door
        self.logins = logins
        """Logins at issuers; None where there are none."""
        self._in_flight = in_flight
        self._seconds = machine.monotonic
        self._tokens = FormTokens(secrets.token_bytes(32))
        self._shared = SharedAnswers()
        self.sessions = Sessions(machine.monotonic)
        nudges.before_telling = self._shared.clear
        self.kept: dict[str, Any] = {}
        """What views keep between requests, each under a name of its own."""

    def mounts(self) -> list[Mount]:
        """Where it answers."""
        return [Mount(PREFIX.rstrip("/"), self, READING), Mount(PREFIX, self, below=True)]

    @property
    def streams(self) -> int:
        """Pages that look just now."""
        return self._nudges.streams

    def form_token(self, session: str) -> str:
        """What the forms of a page bring back, to show that they are its own."""
        return self._tokens.make(self._seconds(), session)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path: str = scope["path"]
        if path == f"{PREFIX}{LIVE}" and scope["method"] == "GET":
            await drop_body(receive)
            if self.facts.access and self._credential(Request(scope)) is None:
                await Answer(b"", 401).send("GET", send)
                return
            await self._nudges.stream(send, names=not self.facts.access)
            return
        if path.startswith(PREFIX + STATIC):
            await drop_body(receive)
            answer = static_answer(path.removeprefix(PREFIX + STATIC), scope)
        elif path + "/" == PREFIX:
            answer = redirect("console/queues")
        elif path == PREFIX:
            answer = redirect("queues")
        else:
            answer = await self._answer(scope, receive)
        await answer.send(scope["method"], send)

    async def _answer(self, scope: Scope, receive: Receive) -> Answer:
        from tidegate.console.visit import Visit  # noqa: PLC0415 - Jinja2 waits for the first page

        request = Request(scope)
        credential = self._credential(request)
        visit = Visit(self, request, Calls(self._api, self._operator, scope, credential), credential)
        held = self._in_flight.hold()
        try:
            request.form = await self._form(request, receive, held)
            if request.method == "POST":
                self._shared.clear()
            if self._door is not None and request.path not in OPEN_PATHS:
                row, call = Operator.get_server, visit.calls.call
                visit.allowed = May(self._door, await self._door.principal(row, SERVER, call))
            if request.is_fragment:
                return await self._shared.get(request.asked_by, partial(self._view, visit))
            return await self._view(visit)
        except ApiError as error:
            if error.code == Code.UNAUTHENTICATED and self.facts.access and request.method in READING:
                return visit.go("login")
            return visit.error(error, HTTP_STATUS[error.code])
        except Disconnected:
            raise
        except Exception:
            about = {"request": f"{request.method} {scope['path']}"}
            log.exception("%s %s failed", request.method, scope["path"], extra=about)
            return visit.error(Internal("Internal error encountered."), 500)
        finally:
            held.close()

    def _credential(self, request: Request) -> Credential | None:
        """What they showed who is logged in."""
        return self.sessions.credential(request.cookies.get(COOKIE, "")) if self.facts.access else None

    async def _form(self, request: Request, receive: Receive, held: Any) -> dict[str, list[str]]:
        """The form that a request brings, if it may change something. Raises ApiError."""
        if request.method in READING:
            await drop_body(receive)
            return {}
        if request.method != "POST" or request.headers.get(b"content-type", b"").partition(b";")[0].strip() != FORM:
            await drop_body(receive)
            raise FailedPrecondition("Only forms of the console are answered here.")
        try:
            check_same_site(request.headers)
            if self.facts.read_only and request.path not in SESSION_PATHS:
                raise PermissionDenied(READ_ONLY)
        except PermissionDenied:
            await drop_body(receive)
            raise
        form = read_form(bytes(await read_body(request.headers, receive, FORM_BYTES_MAX, held)))
        self._tokens.check(form.get(TOKEN_FIELD, [""])[-1], self._seconds(), request.cookies.get(COOKIE, ""))
        return form

    async def _view(self, visit: Any) -> Answer:
        from tidegate.console.routes import find  # noqa: PLC0415 - with Jinja2

        view = find(visit.request.method, visit.request.path)
        if view is None:
            raise NotFound("There is no such page.")
        answer: Answer = await view(visit)
        return answer

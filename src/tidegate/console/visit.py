"""What a view has in hand: the request, the calls it may make, and the templates."""

from __future__ import annotations

from collections.abc import Awaitable
from datetime import datetime
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import quote, urlencode

from tidegate.api.door import FREE, May
from tidegate.console.answer import Answer, redirect
from tidegate.console.calls import Calls
from tidegate.console.facts import READ_ONLY
from tidegate.console.request import PREFIX, Request
from tidegate.console.sessions import COOKIE, Credential
from tidegate.console.templating import render
from tidegate.core.access import SERVER
from tidegate.core.access.refusals import credentials_missing, permission_denied
from tidegate.core.errors import ApiError, Code, PermissionDenied, Unimplemented

if TYPE_CHECKING:
    from tidegate.console.application import Console

T = TypeVar("T")
THEMES = ("light", "dark")


class Visit:
    """A request on its way through a view."""

    def __init__(self, console: Console, request: Request, calls: Calls, credential: Credential | None = None) -> None:
        self.console = console
        self.request = request
        self.calls = calls
        self.credential = credential
        """What the visitor has logged in with."""
        self.allowed: May = FREE
        """What the visitor may do, as far as it is known by now: a page offers no more."""
        self.now: datetime = console.now()

    @property
    def session(self) -> str:
        """The number of the browser's session; empty when it has none."""
        return self.request.cookies.get(COOKIE, "")

    @property
    def address(self) -> str:
        """Where this request asks for the console: ``https://tasks.example.com/console``."""
        scope = self.request.scope
        host = self.request.headers.get(b"host", b"").decode("latin-1")
        return self.console.facts.url or f"{scope.get('scheme', 'http')}://{host}{PREFIX.rstrip('/')}"

    @property
    def secure(self) -> bool:
        """Whether cookies are for TLS alone."""
        return self.request.scope.get("scheme") == "https" or self.console.facts.url.startswith("https:")

    def may(self, permission: str, resource: str = SERVER) -> bool:
        """Whether a button that needs this permission is offered."""
        return not self.console.facts.read_only and self.allowed.holds(permission, resource)

    def sees(self, permission: str, resource: str = SERVER) -> bool:
        """Whether a link to what needs this permission is offered."""
        return self.allowed.holds(permission, resource)

    def need(self, permission: str, resource: str = SERVER) -> None:
        """Raise PermissionDenied unless ``may``, or Unauthenticated: for a page that is nothing but a form."""
        if self.console.facts.read_only:
            raise PermissionDenied(READ_ONLY)
        if not self.allowed.holds(permission, resource):
            known = self.allowed.principal is not None and self.allowed.principal.known
            raise permission_denied(permission, resource) if known else credentials_missing("console")

    def page(self, template: str, *, code: int = 200, title: str, section: str = "", **values: Any) -> Answer:
        """The page that ``template`` makes of these values, or only its inside when a script asks for that."""
        theme = self.request.cookies.get("tidegate_theme", "")
        text = render(
            template,
            layout="fragment.html" if self.request.is_fragment else "base.html",
            root=self.request.root,
            here=self.request.path.rpartition("/")[2],
            facts=self.console.facts,
            now=self.now,
            token=self.console.form_token(self.session),
            logged_in=self.credential is not None,
            may=self.may,
            sees=self.sees,
            theme=theme if theme in THEMES else "",
            notice=self.request.asked("notice"),
            title=title,
            section=section,
            **values,
        )
        if self.request.is_fragment and code < 500:  # the page is there; a script need not hear what it says again
            code = 200
        return Answer(text.encode("utf-8", "replace"), code, headers=[(b"vary", b"HX-Request, Cookie")])

    def error(self, error: ApiError, status: int) -> Answer:
        """The page that says what went wrong."""
        return self.page("error.html", code=status, title=_TITLES.get(error.code, "Something went wrong"), error=error)

    def go(self, where: str, **query: str) -> Answer:
        """Go on at ``where``, an address relative to the console."""
        asked = f"?{urlencode(query)}" if query else ""
        return redirect(f"{self.request.root}{quote(where, safe='/:')}{asked}")


_TITLES = {
    Code.NOT_FOUND: "Not found",
    Code.PERMISSION_DENIED: "Not allowed",
    Code.UNAUTHENTICATED: "Log in first",
    Code.UNAVAILABLE: "The server is busy",
    Code.RESOURCE_EXHAUSTED: "Too much at once",
    Code.UNIMPLEMENTED: "Not here",
    Code.INVALID_ARGUMENT: "That does not work",
    Code.FAILED_PRECONDITION: "Not just now",
}


async def if_built(answering: Awaitable[T]) -> T | None:
    """The answer, or None where this server has no such method."""
    try:
        return await answering
    except Unimplemented:
        return None

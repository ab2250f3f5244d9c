"""Logging in with a token or at an issuer, and out."""

from __future__ import annotations

from msgspec.structs import replace

from tidegate.console.answer import Answer, redirect
from tidegate.console.sessions import LOGIN_COOKIE, TOKEN_MAX, Credential, cookie, login_cookie
from tidegate.console.visit import Visit
from tidegate.core.errors import ApiError, Code
from tidegate.schema.operator import Operator
from tidegate.servers.authentication.authenticator import address_of
from tidegate.servers.authentication.code_flow import LoginError


async def form(visit: Visit, trouble: str = "") -> Answer:
    """The ways to log in; with ``at`` the way to that issuer."""
    issuer, logins = visit.request.asked("at"), visit.console.logins
    if issuer and logins is not None and not trouble:
        try:
            value, url = await logins.begin(issuer, _redirect_uri(visit), address_of(visit.request.scope))
        except LoginError as error:
            return await form(visit, str(error))
        return _with_cookie(redirect(url), login_cookie(value, secure=visit.secure))
    return visit.page(
        "login.html",
        code=400 if trouble else 200,
        title="Log in",
        trouble=trouble,
        issuers=[] if logins is None else logins.names,
    )


async def log_in(visit: Visit) -> Answer:
    token = visit.request.sent("credential").strip()
    if not token or len(token) > TOKEN_MAX or not token.isascii() or not token.isprintable():
        return await form(visit, "This is no token.")
    try:
        await visit.calls.as_if(token)(Operator.get_server)
    except ApiError as error:
        if error.code in {Code.UNAUTHENTICATED, Code.RESOURCE_EXHAUSTED}:
            return await form(visit, error.message)
    return _begin_session(visit, visit.go("queues"), token)


async def come_back(visit: Visit) -> Answer:
    """Where an issuer's login leads back to."""
    request, logins = visit.request, visit.console.logins
    if logins is None:
        return visit.go("login")
    query = {name: request.asked(name) for name in request.query}
    begun = request.cookies.get(LOGIN_COOKIE, "")
    try:
        principal = await logins.finish(begun, query, _redirect_uri(visit), address_of(request.scope))
    except LoginError as error:
        answer = await form(visit, str(error))
    else:
        # A page, not a redirect: it is our own page then that leads on, so that the browser shows its strict cookie.
        answer = _begin_session(visit, visit.page("logged_in.html", title="Logged in"), principal)
    return _with_cookie(answer, login_cookie("", secure=visit.secure))


async def log_out(visit: Visit) -> Answer:
    visit.console.sessions.end(visit.session)
    return _with_cookie(visit.go("login"), cookie("", secure=visit.secure))


def _begin_session(visit: Visit, answer: Answer, credential: Credential) -> Answer:
    visit.console.sessions.end(visit.session)
    return _with_cookie(answer, cookie(visit.console.sessions.begin(credential), secure=visit.secure))


def _redirect_uri(visit: Visit) -> str:
    return f"{visit.address}/callback"


def _with_cookie(answer: Answer, value: bytes) -> Answer:
    return replace(answer, headers=[*answer.headers, (b"set-cookie", value)])

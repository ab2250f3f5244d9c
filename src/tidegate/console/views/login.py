"""Logging in with a token, and out."""

from __future__ import annotations

from msgspec.structs import replace

from tidegate.console.answer import Answer
from tidegate.console.sessions import TOKEN_MAX, cookie, with_token
from tidegate.console.visit import Visit
from tidegate.core.errors import ApiError, Code
from tidegate.schema.operator import Operator


async def form(visit: Visit, trouble: str = "") -> Answer:
    return visit.page("login.html", code=400 if trouble else 200, title="Log in", trouble=trouble)


async def log_in(visit: Visit) -> Answer:
    token = visit.request.sent("credential").strip()
    if not token or len(token) > TOKEN_MAX or not token.isascii() or not token.isprintable():
        return await form(visit, "This is no token.")
    try:
        await visit.calls.as_if(with_token(visit.request.scope, token))(Operator.get_server)
    except ApiError as error:
        if error.code in {Code.UNAUTHENTICATED, Code.RESOURCE_EXHAUSTED}:
            return await form(visit, error.message)
    number = visit.console.sessions.begin(token)
    return _with_cookie(visit, visit.go("queues"), number)


async def log_out(visit: Visit) -> Answer:
    visit.console.sessions.end(visit.session)
    return _with_cookie(visit, visit.go("login"), "")


def _with_cookie(visit: Visit, answer: Answer, number: str) -> Answer:
    secure = visit.request.scope.get("scheme") == "https"
    return replace(answer, headers=[*answer.headers, (b"set-cookie", cookie(number, secure=secure))])

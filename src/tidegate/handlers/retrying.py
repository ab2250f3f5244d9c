"""Asking Cloud Tasks to try again later."""

from __future__ import annotations

import math
from typing import Any, NoReturn

UNAVAILABLE = 503


class RetryLater(Exception):  # noqa: N818 - it is no error of the handler
    """Ends a handler: the task is to be tried again, in ``seconds`` at the earliest if given.

    How each framework is told of it:

    - FastAPI, Starlette: ``app.add_exception_handler(RetryLater, RetryLater.starlette)``
    - Flask: ``app.register_error_handler(RetryLater, RetryLater.flask)``
    - Django: ``tidegate.handlers.django.RetryLaterMiddleware`` in MIDDLEWARE; or ``return error.django()`` in a view
    """

    def __init__(self, seconds: float | None = None, reason: str = "") -> None:
        super().__init__(reason or "try again later")
        if seconds is not None and (not math.isfinite(seconds) or seconds < 0):
            raise ValueError(f"seconds must be a number from 0 on, not {seconds!r}")
        self.seconds = seconds
        self.status = UNAVAILABLE

    @property
    def headers(self) -> dict[str, str]:
        """The headers of the answer."""
        return {} if self.seconds is None else {"Retry-After": str(math.ceil(self.seconds))}

    @staticmethod
    def flask(error: RetryLater) -> tuple[str, int, dict[str, str]]:
        """The answer as Flask wants it."""
        return str(error), error.status, error.headers

    @staticmethod
    async def starlette(_request: Any, error: Exception) -> Any:
        """The answer as Starlette and FastAPI want it."""
        from starlette.responses import PlainTextResponse  # noqa: PLC0415 - whoever calls it has it

        if not isinstance(error, RetryLater):
            raise error
        return PlainTextResponse(str(error), error.status, error.headers)

    def django(self) -> Any:
        """The answer as Django wants it."""
        from django.http import HttpResponse  # noqa: PLC0415 - whoever calls it has it

        return HttpResponse(str(self), status=self.status, headers=self.headers)


def retry_after(seconds: float, reason: str = "") -> NoReturn:
    """End the handler: try the task again in ``seconds`` at the earliest.

    The whole queue slows down for a 503, as Cloud Tasks documents; the task's own backoff counts if it is longer.

    Raises:
        RetryLater: always.
    """
    raise RetryLater(seconds, reason)

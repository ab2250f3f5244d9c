"""For Django: a middleware that answers ``RetryLater``, so that views need not catch it."""

from __future__ import annotations

from typing import Any

from django.utils.deprecation import MiddlewareMixin

from tidegate.handlers.retrying import RetryLater


class RetryLaterMiddleware(MiddlewareMixin):  # type: ignore[misc] # Django has no types
    """Answers a view that ends with ``RetryLater``; synchronous and asynchronous views alike.

    MIDDLEWARE = ["tidegate.handlers.django.RetryLaterMiddleware", ...]
    """

    def process_exception(self, _request: Any, error: Exception) -> Any:
        """The answer to ``RetryLater``; None leaves other exceptions to Django."""
        return error.django() if isinstance(error, RetryLater) else None

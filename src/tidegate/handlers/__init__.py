"""For those who receive tasks: who sent the request, what its headers say, and how to ask for another try.

Works with requests of any framework: everything takes a mapping of headers. Nothing of the server is imported.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tidegate.handlers.headers import NotATaskError, TaskRequest
    from tidegate.handlers.retrying import RetryLater, retry_after
    from tidegate.handlers.tokens import Claims, Keys, TokenError, verify
else:
    from tidegate.client.lazy import exports

    __getattr__, __dir__ = exports(
        __name__,
        {
            "Claims": "tidegate.handlers.tokens",
            "Keys": "tidegate.handlers.tokens",
            "NotATaskError": "tidegate.handlers.headers",
            "RetryLater": "tidegate.handlers.retrying",
            "TaskRequest": "tidegate.handlers.headers",
            "TokenError": "tidegate.handlers.tokens",
            "retry_after": "tidegate.handlers.retrying",
            "verify": "tidegate.handlers.tokens",
        },
    )

__all__ = ["Claims", "Keys", "NotATaskError", "RetryLater", "TaskRequest", "TokenError", "retry_after", "verify"]

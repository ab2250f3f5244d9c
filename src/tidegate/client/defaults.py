"""What stands for an argument that was not given. Here and not from google-api-core, whose import takes a while."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from google.api_core.gapic_v1.client_info import ClientInfo
    from google.api_core.gapic_v1.method import DEFAULT, _MethodDefault
    from google.api_core.retry import AsyncRetry, Retry

    OptionalRetry = Retry | _MethodDefault | None
    OptionalAsyncRetry = AsyncRetry | _MethodDefault | None
    Timeout = float | _MethodDefault | None
    OptionalClientInfo = ClientInfo | _MethodDefault | None
else:
    import enum

    class _MethodDefault(enum.Enum):
        """The row's own retry or timeout; google-api-core's ``DEFAULT`` means the same."""

        _DEFAULT_VALUE = object()

    (DEFAULT,) = _MethodDefault

__all__ = ["DEFAULT"]

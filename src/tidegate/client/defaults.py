"""The default of arguments that were not given. google-api-core has one too, but its import is slow."""

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
        """Stands for the row's retry or timeout, like google-api-core's ``DEFAULT``."""

        _DEFAULT_VALUE = object()

    (DEFAULT,) = _MethodDefault

__all__ = ["DEFAULT"]

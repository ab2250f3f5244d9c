"""What a caller may do wrong, as the API says it: a code, a text and, where the service gives them, details.

Only the values live here. The texts stand beside the rules that raise them (``names``, ``validation``); the wire form
(``google.rpc.Status``, HTTP numbers) is made in ``api/status``.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from enum import IntEnum

from msgspec import Struct


class Code(IntEnum):
    """The canonical codes of google.rpc.Code."""

    OK = 0
    CANCELLED = 1
    UNKNOWN = 2
    INVALID_ARGUMENT = 3
    DEADLINE_EXCEEDED = 4
    NOT_FOUND = 5
    ALREADY_EXISTS = 6
    PERMISSION_DENIED = 7
    RESOURCE_EXHAUSTED = 8
    FAILED_PRECONDITION = 9
    ABORTED = 10
    OUT_OF_RANGE = 11
    UNIMPLEMENTED = 12
    INTERNAL = 13
    UNAVAILABLE = 14
    DATA_LOSS = 15
    UNAUTHENTICATED = 16


class ErrorInfo(Struct, frozen=True):
    """``google.rpc.ErrorInfo``: the reason, for programs."""

    reason: str
    domain: str
    metadata: Mapping[str, str] = {}


class Help(Struct, frozen=True):
    """``google.rpc.Help`` with one link."""

    description: str
    url: str


class LocalizedMessage(Struct, frozen=True):
    """``google.rpc.LocalizedMessage``."""

    locale: str
    message: str


class FieldViolation(Struct, frozen=True):
    """One line of ``google.rpc.BadRequest``; ``field`` is empty where the service gives none."""

    description: str
    field: str = ""


class BadRequest(Struct, frozen=True):
    """``google.rpc.BadRequest``."""

    violations: tuple[FieldViolation, ...]


class RetryInfo(Struct, frozen=True):
    """``google.rpc.RetryInfo``: when to try again."""

    delay: timedelta


Detail = ErrorInfo | Help | LocalizedMessage | BadRequest | RetryInfo


class ApiError(Exception):
    """An answer other than OK. Raise one of the subclasses below; they fix the code."""

    code: Code = Code.UNKNOWN

    def __init__(self, message: str, *details: Detail) -> None:
        super().__init__(message)
        self.message = message
        self.details = details


class Cancelled(ApiError):
    code = Code.CANCELLED


class InvalidArgument(ApiError):
    code = Code.INVALID_ARGUMENT


class NotFound(ApiError):
    code = Code.NOT_FOUND


class AlreadyExists(ApiError):
    code = Code.ALREADY_EXISTS


class PermissionDenied(ApiError):
    code = Code.PERMISSION_DENIED


class Unauthenticated(ApiError):
    code = Code.UNAUTHENTICATED


class ResourceExhausted(ApiError):
    code = Code.RESOURCE_EXHAUSTED


class FailedPrecondition(ApiError):
    code = Code.FAILED_PRECONDITION


class Aborted(ApiError):
    code = Code.ABORTED


class Unimplemented(ApiError):
    code = Code.UNIMPLEMENTED


class Unavailable(ApiError):
    code = Code.UNAVAILABLE


class DeadlineExceeded(ApiError):
    code = Code.DEADLINE_EXCEEDED


class Internal(ApiError):
    code = Code.INTERNAL

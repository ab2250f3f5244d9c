"""The errors of access control, with Google's texts and details. Why a token was refused goes to the log alone."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from tidegate.core.errors import (
    ErrorInfo,
    NotFound,
    PermissionDenied,
    ResourceExhausted,
    RetryInfo,
    Unauthenticated,
)

SERVICE: Final = "cloudtasks.googleapis.com"
_EXPECTED: Final = (
    "Expected OAuth 2 access token, login cookie or other valid authentication credential. See "
    "https://developers.google.com/identity/sign-in/web/devconsole-project."
)


def credentials_missing(method: str) -> Unauthenticated:
    return Unauthenticated(
        f"Request is missing required authentication credential. {_EXPECTED}", _info("CREDENTIALS_MISSING", method)
    )


def credentials_invalid(method: str, *, expired: bool = False) -> Unauthenticated:
    """A credential that is wrong; ``expired`` when only its time is."""
    reason = "ACCESS_TOKEN_EXPIRED" if expired else "ACCESS_TOKEN_TYPE_UNSUPPORTED"
    return Unauthenticated(f"Request had invalid authentication credentials. {_EXPECTED}", _info(reason, method))


def scope_insufficient(method: str) -> PermissionDenied:
    return PermissionDenied(
        "Request had insufficient authentication scopes.", _info("ACCESS_TOKEN_SCOPE_INSUFFICIENT", method)
    )


def permission_denied(permission: str, resource: str) -> PermissionDenied:
    """``resource`` as the caller named it; the email of a service account."""
    return PermissionDenied(
        f'The principal (user or service account) lacks IAM permission "{permission}" for the resource "{resource}" '
        "(or the resource may not exist).",
        ErrorInfo("IAM_PERMISSION_DENIED", SERVICE, {"permission": permission, "resource": resource}),
    )


def account_unknown(email: str) -> NotFound:
    """A token names an account that was not made here, where only those may be named. The text is ours."""
    return NotFound(f"Service account {email} does not exist.")


def too_many_wrong(wait: timedelta) -> ResourceExhausted:
    """Too many wrong credentials from one address. The text is ours."""
    return ResourceExhausted("Too many requests with invalid authentication credentials.", RetryInfo(wait))


def _info(reason: str, method: str) -> ErrorInfo:
    return ErrorInfo(reason, "googleapis.com", {"method": method, "service": SERVICE})

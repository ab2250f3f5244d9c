"""What shows a server who calls: an access token, or a service account's key file."""

from __future__ import annotations

import time
from pathlib import Path

from tidegate.cli.problems import CommandError
from tidegate.cli.run.place import Access

AUDIENCE = "https://cloudtasks.googleapis.com/"
"""What Google's clients name in the tokens that they sign themselves, whatever the address."""
LIFE = 3600
"""Seconds; the longest that Google takes."""


def authorization(access: Access) -> str | None:
    """The ``Authorization`` header, None without credentials. Raises CommandError for a file that is none."""
    if access.token:
        return f"Bearer {access.token}"
    if access.token_file:
        return f"Bearer {_text(access.token_file).strip()}"
    if access.credential_file:
        return f"Bearer {_signed(access.credential_file)}"
    return None


def _signed(file: str) -> str:
    import json

    from joserfc import jwt
    from joserfc.errors import JoseError
    from joserfc.jwk import RSAKey

    try:
        account = json.loads(_text(file))
        email, key_id = account["client_email"], account["private_key_id"]
        now = int(time.time())
        claims = {"iss": email, "sub": email, "aud": AUDIENCE, "iat": now, "exp": now + LIFE}
        return jwt.encode(
            {"alg": "RS256", "typ": "JWT", "kid": key_id}, claims, RSAKey.import_key(account["private_key"])
        )
    except (ValueError, KeyError, TypeError, JoseError):
        raise CommandError(f"{file} is not the key file of a service account") from None


def _text(file: str) -> str:
    try:
        return Path(file).expanduser().read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise CommandError(f"cannot read {file}: {getattr(error, 'strerror', None) or 'it is not text'}") from None

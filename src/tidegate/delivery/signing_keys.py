"""The keys that sign ID tokens. They are rotated and kept in a file beside the store.

joserfc is imported with the first key, because most servers mint no ID token and it takes 60 ms and 5 MB.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
import secrets
import stat
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from tidegate.operator_errors import OperatorError

if TYPE_CHECKING:
    from joserfc.jwk import RSAKey

ALGORITHM = "RS256"
KEY_BITS = 2048
SIGNS_FOR = timedelta(days=30)
PUBLISHED_AHEAD = timedelta(hours=1)  # verifiers cache the key set, and must know a key before it signs
PUBLISHED_AFTER = timedelta(days=2)  # tokens live for an hour; the rest is a margin for clocks and slow queues
JWKS_PATH = "/oauth2/v3/certs"
PEM_PATH = "/oauth2/v1/certs"
DISCOVERY_PATH = "/.well-known/openid-configuration"
OWNER_ONLY = 0o600

logger = logging.getLogger(__name__)


class SigningKey(Struct, frozen=True):
    created: datetime
    key: RSAKey

    @classmethod
    def fresh(cls, now: datetime) -> SigningKey:
        """A new key; making it takes some 50 ms."""
        from joserfc.jwk import RSAKey

        key = RSAKey.generate_key(KEY_BITS, {"alg": ALGORITHM, "use": "sig"}, auto_kid=True)
        return cls(now, key)

    @property
    def kid(self) -> str:
        return str(self.key.kid)


class KeyRing(Struct, frozen=True):
    """The keys, newest first. One signs at a time; all are published."""

    keys: tuple[SigningKey, ...] = ()

    def signing(self, now: datetime) -> SigningKey:
        """The newest key that has been published for PUBLISHED_AHEAD, or the first key of all, which signs at once."""
        return next((each for each in self.keys if each.created + PUBLISHED_AHEAD <= now), self.keys[-1])

    def is_due(self, now: datetime) -> bool:
        """Whether it is time for a new key."""
        return not self.keys or now >= self.keys[0].created + SIGNS_FOR

    def turned(self, now: datetime) -> KeyRing:
        """The ring with a new key, without keys whose successor has signed for PUBLISHED_AFTER."""
        old = [
            each
            for position, each in enumerate(self.keys)
            if position == 0 or now < self.keys[position - 1].created + PUBLISHED_AHEAD + PUBLISHED_AFTER
        ]
        return KeyRing((SigningKey.fresh(now), *old))

    def dump(self) -> bytes:
        """The ring with its private parts: a JWK set whose keys also have ``created``."""
        keys = [each.key.as_dict(private=True) | {"created": each.created.isoformat()} for each in self.keys]
        return json.dumps({"keys": keys}, indent=1).encode() + b"\n"

    @classmethod
    def load(cls, data: bytes) -> KeyRing:
        """The ring that ``dump`` wrote. Raises ValueError for anything else."""
        from joserfc.errors import JoseError
        from joserfc.jwk import RSAKey

        try:
            entries: list[dict[str, Any]] = json.loads(data)["keys"]
            keys = [
                SigningKey(datetime.fromisoformat(entry.pop("created")), RSAKey.import_key(entry)) for entry in entries
            ]
            usable = all(each.created.tzinfo and each.key.is_private and each.key.kid for each in keys)
        except (ValueError, TypeError, KeyError, AttributeError, JoseError) as error:
            raise ValueError(f"no ring of signing keys: {type(error).__name__}") from None
        if not usable:
            raise ValueError("no ring of signing keys: a key without date, ID or private part")
        return cls(tuple(keys))


def jwks(ring: KeyRing) -> dict[str, Any]:
    """The public keys as a JWK set, for JWKS_PATH."""
    return {"keys": [each.key.as_dict(private=False) for each in ring.keys]}


def pem_keys(ring: KeyRing) -> dict[str, str]:
    """The public keys by ID in PEM, the form that google-auth reads, for PEM_PATH."""
    return {each.kid: each.key.as_pem(private=False).decode() for each in ring.keys}


def discovery(issuer: str) -> dict[str, Any]:
    """The OpenID Connect discovery document for DISCOVERY_PATH, with the fields that verifiers need. There is
    no login.
    """
    return {
        "issuer": issuer,
        "jwks_uri": issuer + JWKS_PATH,
        "response_types_supported": ["id_token"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": [ALGORITHM],
        "claims_supported": ["aud", "azp", "email", "email_verified", "exp", "iat", "iss", "sub"],
    }


class SigningKeys:
    """The ring in use. It is made when first needed and rotated when due, and saved before a new key is published.

    One process owns the file. Without a path the ring lives as long as the process.
    """

    def __init__(self, path: Path | None) -> None:
        """Read the file if there is one. Raises OperatorError when it cannot be read."""
        self._path = path
        self._ring = read(path) if path is not None else KeyRing()
        self._turning = asyncio.Lock()

    async def ring(self, now: datetime) -> KeyRing:
        """The ring at this time; never empty. Raises OSError when a new key cannot be saved."""
        if self._ring.is_due(now):
            async with self._turning:
                if self._ring.is_due(now):
                    self._ring = await asyncio.to_thread(self._turned, now)
        return self._ring

    def _turned(self, now: datetime) -> KeyRing:
        ring = self._ring.turned(now)
        return ring if self._path is None else save(ring, self._path, first=not self._ring.keys)


def read(path: Path) -> KeyRing:
    """The ring in a file, an empty one when there is no file. Raises OperatorError when the file cannot be read."""
    try:
        data = path.read_bytes()
        if stat.S_IMODE(path.stat().st_mode) & ~OWNER_ONLY:
            logger.warning("%s could be read by others than its owner; now it cannot", path)
            path.chmod(OWNER_ONLY)
        return KeyRing.load(data)
    except FileNotFoundError:
        return KeyRing()
    except (OSError, ValueError) as error:
        why = f"cannot read {path}: {error.strerror}" if isinstance(error, OSError) else f"{path}: {error}"
        raise OperatorError(f"{why}; put back a copy of the signing keys, or move it away to have new ones") from error


def save(ring: KeyRing, path: Path, *, first: bool) -> KeyRing:
    """Write the ring to the file atomically, readable by its owner alone. Returns the ring that is in the file.

    A ``first`` ring does not replace one that another process made meanwhile: that one is returned.
    """
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    try:
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, OWNER_ONLY)
        with open(descriptor, "wb") as file:  # noqa: PTH123 - a descriptor, to set the mode before a byte is written
            file.write(ring.dump())
            file.flush()
            os.fsync(descriptor)
        if first:
            try:
                path.hardlink_to(draft)
            except FileExistsError:
                return read(path)
        else:
            draft.replace(path)
    finally:
        with contextlib.suppress(FileNotFoundError):
            draft.unlink()
    sync_directory(path.parent)
    return ring


def sync_directory(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)

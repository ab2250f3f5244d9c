"""Static tokens: a file of members and the SHA-256 of their tokens.

user:ann@example.com sha256:2cf24dba… until=2027-01-31 # her laptop
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime, time
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

from tidegate.core.access import Principal
from tidegate.core.policy import is_member
from tidegate.operator_errors import OperatorError
from tidegate.servers.authentication.refused import RefusedError

_LINE = re.compile(r"(?P<member>\S+)\s+sha256:(?P<digest>[0-9a-fA-F]{64})(?:\s+until=(?P<until>\S+))?")
_NO_ONE = ("allUsers", "allAuthenticatedUsers", "deleted:", "domain:", "principalSet:")


class StaticToken(NamedTuple):
    """Whose token it is, and until when, in seconds since 1970."""

    principal: Principal
    until: float


def read_tokens(file: str | Path) -> Mapping[bytes, StaticToken]:
    """The tokens of a file by their SHA-256. Raises OperatorError, which names the line but no digest."""
    try:
        text = Path(file).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not text"
        raise OperatorError(f"cannot read the tokens in {file}: {why}; name another file with --tokens") from None
    tokens: dict[bytes, StaticToken] = {}
    for number, line in enumerate(text.splitlines(), 1):
        said = line.partition("#")[0].strip()
        if said:
            digest, token = _read(said, f"{file}, line {number}")
            if digest in tokens:
                raise OperatorError(f"{file}, line {number}: this token is there twice; delete one of the lines")
            tokens[digest] = token
    return tokens


def _read(line: str, where: str) -> tuple[bytes, StaticToken]:
    match = _LINE.fullmatch(line)
    if match is None:
        raise OperatorError(f"{where}: a line must be MEMBER sha256:HEX [until=2027-01-31] [# note]")
    member = match["member"]
    if not is_member(member) or member.startswith(_NO_ONE):
        raise OperatorError(f"{where}: {member} cannot have a token; name a user:, serviceAccount: or principal:")
    return bytes.fromhex(match["digest"]), StaticToken(Principal(member), _end(match["until"], where))


def _end(text: str | None, where: str) -> float:
    """The end of that day, or that moment."""
    if text is None:
        return float("inf")
    try:
        moment = datetime.fromisoformat(text)
        if len(text) == len("2027-01-31"):
            moment = datetime.combine(moment, time.max)
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        raise OperatorError(f"{where}: until must be a date such as 2027-01-31, not {text[:40]!r}") from None


class StaticTokens:
    """The tokens in force."""

    def __init__(self, tokens: Mapping[bytes, StaticToken]) -> None:
        self._tokens = tokens

    def find(self, token: bytes, now: float) -> tuple[Principal, float] | None:
        """Whose token it is and until when; None for one that is not there. Raises RefusedError for an old one."""
        found = self._tokens.get(sha256(token).digest())
        if found is None:
            return None
        if found.until <= now:
            raise RefusedError(f"the token of {found.principal.member} is over", expired=True)
        return found

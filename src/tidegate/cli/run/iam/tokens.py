"""Static tokens: made here, and kept as their SHA-256 alone."""

from __future__ import annotations

import os
import secrets
import sys
from datetime import date
from hashlib import sha256
from pathlib import Path

from tidegate.cli.line import Line
from tidegate.cli.problems import CommandError, UsageError

BYTES = 32
"""Random bytes of a token: 256 bits."""


def create(line: Line) -> None:
    """Print a new token on stdout; its line goes to the file, or to stderr."""
    member, until, note = line.words["MEMBER"], line.value("--until"), line.value("--note")
    if ":" not in member or any(letter.isspace() for letter in member):
        raise UsageError(f"argument MEMBER: {member!r} is no member such as user:ann@example.com", usage=False)
    if until is not None:
        try:
            date.fromisoformat(until)
        except ValueError:
            raise UsageError(f"argument --until: {until!r} is no date such as 2027-01-31", usage=False) from None
    token = secrets.token_urlsafe(BYTES)
    entry = f"{member} sha256:{sha256(token.encode()).hexdigest()}"
    entry += f" until={until}" if until else ""
    entry += f" # {' '.join(note.split())}" if note else ""
    file = line.value("--file")
    if file is None:
        print(f"Add this line to the file of --tokens:\n{entry}", file=sys.stderr)
    else:
        _append(Path(file).expanduser(), entry)
    print(token)


def _append(file: Path, entry: str) -> None:
    """Add a line; a new file is for its owner alone."""
    try:
        begun = file.read_bytes() if file.exists() else b""
        with open(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "a", encoding="utf-8") as written:  # noqa: PTH123 - a descriptor, for its mode
            written.write(("\n" if begun and not begun.endswith(b"\n") else "") + entry + "\n")
    except OSError as error:
        raise CommandError(f"cannot write {file}: {error.strerror}") from None

"""``tasks cmek-config update``: the one command whose body is made of parts of a name."""

from __future__ import annotations

import re

from tidegate.cli.line import Line
from tidegate.cli.problems import CommandError
from tidegate.cli.run.calls import the_call
from tidegate.cli.run.session import Session

_FULL = re.compile(r"projects/[^/]+/locations/([^/]+)/keyRings/[^/]+/cryptoKeys/[^/]+")
_CLEAR = "The location or project are undefined. Please set these flags properly."
_UPDATE = (
    "One or more of the --kms-key-name, --kms-keyring, --location, or --project are invalid. Please set these flags"
    " properly or make sure the full KMS key name is valid. (args: kms_key={}, location={}, project={})"
)


def update(session: Session) -> None:
    """Set or clear the key of a location."""
    line = session.line
    project, location = session.place.project(), line.value("--location")
    if line.has("--clear-kms-key"):
        key: str | None = ""
        if not location:
            raise CommandError(_CLEAR)
    else:
        key, location = _key(line, project, location)
        if not key or not location:
            raise CommandError(_UPDATE.format(key, location, project))
    path = the_call(line).path.format(location=f"projects/{project}/locations/{location}")
    answer = session.call("PATCH", path, body={"name": path, "kmsKey": key})
    session.say(line.command.said.format(key=key))
    session.answer(answer)


def _key(line: Line, project: str, location: str | None) -> tuple[str | None, str | None]:
    """The full name of the key, and the location, which a full name knows better than its flag."""
    said, ring = line.value("--kms-key-name"), line.value("--kms-keyring")
    full = _FULL.fullmatch(said or "")
    if full is not None:
        return said, full[1]
    if said and ring and location:
        owner = line.value("--kms-project") or project
        return f"projects/{owner}/locations/{location}/keyRings/{ring}/cryptoKeys/{said}", location
    return None, location

"""Which server, project and location a command means: flags before environment before context."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from typing import NamedTuple

from tidegate.cli.line import Line
from tidegate.cli.problems import CommandError, UsageError
from tidegate.cli.run.contexts import chosen

ADDRESS = "http://127.0.0.1:8123"
LOOPBACK = frozenset({"localhost", "127.0.0.1", "[::1]"})
EMULATOR = "CLOUD_TASKS_EMULATOR_HOST"

PROJECT_VARIABLES = ("TIDEGATE_PROJECT", "CLOUDSDK_CORE_PROJECT", "GOOGLE_CLOUD_PROJECT")


class Access(NamedTuple):
    """Where the server is, and with what to show who calls. ``url`` has no slash at its end; files may be None."""

    url: str
    tls: bool
    host: str
    token: str | None = None
    token_file: str | None = None
    credential_file: str | None = None
    ca: str | None = None
    cert: str | None = None
    key: str | None = None


class Place:
    """What a command line says of where it works. ``locations`` asks the server for those of a project."""

    def __init__(self, line: Line) -> None:
        self._line = line
        _, self._context = chosen(line.value("--context"))
        self.access = _access(line, self._context)
        self.locations: Callable[[str], list[str]] = lambda _project: []

    def project(self) -> str:
        """The project's ID. Raises CommandError where nobody says it."""
        said = self._line.value("--project")
        if said == "":
            raise CommandError("The project property is set to the empty string, which is invalid.\n" + CURE)
        found = said or self.known(*PROJECT_VARIABLES, key="project")
        if not found:
            raise CommandError(f"The required property [project] is not currently set.\n{CURE}")
        return str(found)

    def known(self, *variables: str, key: str) -> str:
        """What the environment or else the context says; empty for nothing."""
        return _variable(*variables) or self._context.get(key, "")

    def location(self) -> str:
        """The location's ID: the only one there is, if nobody says which."""
        found = self._line.value("--location") or self.known("TIDEGATE_LOCATION", key="location")
        if found:
            return str(found)
        known = self.locations(self.project())
        if len(known) != 1:
            raise CommandError("Please use the location flag to manually specify a location.")
        return known[0]


CURE = (
    "It may be set with --project, in TIDEGATE_PROJECT or GOOGLE_CLOUD_PROJECT, or for good with:\n\n"
    "  $ tidegate context set NAME project=PROJECT_ID"
)


def _variable(*names: str) -> str:
    return next((value for name in names if (value := os.environ.get(name, ""))), "")


def _access(line: Line, context: Mapping[str, str]) -> Access:
    flag = line.value("--address")
    said = flag or _variable("TIDEGATE_ADDRESS", EMULATOR) or context.get("address") or ADDRESS
    try:
        url, tls, host = read_address(said)
    except ValueError as error:
        if flag:
            raise UsageError(f"argument --address: {error}", usage=False) from None
        raise CommandError(str(error)) from None
    token_file = line.value("--access-token-file") or _variable("TIDEGATE_TOKEN_FILE")
    token = None if token_file else _variable("TIDEGATE_TOKEN") or None
    google = "" if not tls or host in LOOPBACK else _variable("GOOGLE_APPLICATION_CREDENTIALS")
    key_file = line.value("--credential-file") or google or context.get("credential_file")

    def file(name: str) -> str | None:
        return line.value(f"--{name}") or _variable(f"TIDEGATE_{name.upper()}") or context.get(name)

    return Access(
        url,
        tls,
        host,
        token=token,
        token_file=token_file or (None if token else context.get("token_file")),
        credential_file=None if token or token_file else key_file,
        ca=file("ca"),
        cert=file("cert"),
        key=file("key"),
    )


def read_address(text: str) -> tuple[str, bool, str]:
    """URL, whether it speaks TLS, and host, of ``localhost:8123`` or ``https://example.com``. Raises ValueError."""
    from tidegate.client.emulator import EmulatorAddress

    address = EmulatorAddress.parse(text)
    host = address.target if address.target.endswith("]") else address.target.rpartition(":")[0] or address.target
    return address.url, address.tls, host.lower()

"""``tidegate env``: the lines that point clients at the server of a context."""

from __future__ import annotations

import shlex
from contextlib import suppress
from urllib.parse import urlsplit

from tidegate.cli.problems import CommandError, UsageError
from tidegate.cli.run.place import EMULATOR
from tidegate.cli.run.session import Session

SHELLS = ("sh", "bash", "zsh", "fish")


def exports(session: Session) -> None:
    """Print them for the shell that reads them."""
    shell = session.line.value("--shell")
    if shell not in SHELLS:
        raise UsageError(f"argument --shell: {shell!r} must be {', '.join(SHELLS[:-1])} or {SHELLS[-1]}")
    unset = session.line.has("--unset")
    for name, value in variables(session).items():
        if shell == "fish":
            print(f"set -e {name};" if unset else f"set -gx {name} {shlex.quote(value)};")
        else:
            print(f"unset {name}" if unset else f"export {name}={shlex.quote(value)}")


def variables(session: Session) -> dict[str, str]:
    """The variables, by the names that clients know."""
    access = session.place.access
    netloc = urlsplit(access.url).netloc
    found = {EMULATOR: netloc} if not access.tls else {}
    found["TIDEGATE_ADDRESS"] = access.url
    found["CLOUDSDK_API_ENDPOINT_OVERRIDES_CLOUDTASKS"] = f"{access.url}/"
    if not access.tls:
        found["CLOUDSDK_AUTH_DISABLE_CREDENTIALS"] = "true"
    with suppress(CommandError):  # nobody says which
        found["GOOGLE_CLOUD_PROJECT"] = session.place.project()
    return found

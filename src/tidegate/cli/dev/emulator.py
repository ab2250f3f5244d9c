"""The flags and variables of aertje/cloud-tasks-emulator, so that changing the image is all there is to do."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

FLAGS = {
    "host": "host",
    "port": "port",
    "queue": "queue",
    "openid-issuer": "oidc-issuer",
    "hard-reset-on-purge-queue": "hard-reset-on-purge-queue",
}
"""Its flags, and ours that say the same."""

QUEUES, ISSUER, RESET, APP_ENGINE = (
    "INITIAL_QUEUES",
    "OPENID_ISSUER",
    "HARD_RESET_ON_PURGE_QUEUE",
    "APP_ENGINE_EMULATOR_HOST",
)
OWN_NAMES = (QUEUES, ISSUER, RESET)

_FLAG = re.compile(r"--?([a-z-]+?)(=.*)?", re.DOTALL)
_TRUE = frozenset({"1", "t", "true"})


def translated(arguments: Iterable[str]) -> list[str]:
    """The arguments with its flags in place of ours: ``-queue=NAME`` is ``--queue=NAME``."""
    found = []
    for word in arguments:
        match = _FLAG.fullmatch(word)
        ours = FLAGS.get(match[1]) if match else None
        if match is None or ours is None:
            found.append(word)
        elif ours == RESET.lower().replace("_", "-"):
            if (match[2] or "=true")[1:].lower() in _TRUE:
                found.append(f"--{ours}")
        else:
            found.append(f"--{ours}{match[2] or ''}")
    return found


def from_variables(environment: Mapping[str, str]) -> list[str]:
    """The flags that its variables stand for.

    HOST and PORT are names that others use too, so they count only beside one that is its own.
    """
    found = [f"--queue={name.strip()}" for name in environment.get(QUEUES, "").split(",") if name.strip()]
    if environment.get(ISSUER):
        found.append(f"--oidc-issuer={environment[ISSUER]}")
    if environment.get(RESET, "").lower() in _TRUE:
        found.append("--hard-reset-on-purge-queue")
    if environment.get(APP_ENGINE):
        found.append(f"--app-engine=default={environment[APP_ENGINE]}")
    if any(environment.get(name) for name in OWN_NAMES):
        found += [f"--{name.lower()}={environment[name]}" for name in ("HOST", "PORT") if environment.get(name)]
    return found

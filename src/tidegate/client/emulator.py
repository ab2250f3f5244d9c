"""The address of a server of your own, from CLOUD_TASKS_EMULATOR_HOST."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from typing import Final

VARIABLE = "CLOUD_TASKS_EMULATOR_HOST"
DEFAULT_PORT: Final = 8123
DEFAULT_ADDRESS = f"localhost:{DEFAULT_PORT}"
LARGEST_PORT: Final = 65535

_TARGET: Final = re.compile(r"(\[[0-9A-Fa-f:.]+(?:%[\w.-]+)?\]|[^\s/?#@:\[\]]+)(?::([^:]*))?")
"""A host, in brackets when it is an IPv6 address, and possibly a port."""


@dataclass(frozen=True, slots=True)
class EmulatorAddress:
    """A server: ``host:port``, and whether it speaks TLS."""

    target: str
    tls: bool = False

    @classmethod
    def parse(cls, text: str) -> EmulatorAddress:
        """``localhost:8123``, ``http://localhost:8123`` or ``https://tasks.example.com``, the scheme in any case.

        Without a port it is 8123; with ``https://`` it is left to the transport, which takes 443.

        Raises:
            ValueError: it has no host, more than one host, or an invalid port.
        """
        scheme, separator, rest = text.strip().rpartition("://")
        scheme, target = scheme.lower(), rest.rstrip("/")
        parts = _TARGET.fullmatch(target)
        if parts is None or (separator and scheme not in {"http", "https"}):
            raise ValueError(f"{text!r} is not an address such as {DEFAULT_ADDRESS}")
        tls, port = scheme == "https", parts[2]
        if port is None:
            return cls(target if tls else f"{target}:{DEFAULT_PORT}", tls)
        if not (port.isascii() and port.isdigit() and 0 < int(port[:6]) <= LARGEST_PORT):
            raise ValueError(
                f"{text!r} is not an address such as {DEFAULT_ADDRESS}: its port must be a number from 1 to"
                f" {LARGEST_PORT}, not {port!r}"
            )
        return cls(target, tls)

    @property
    def url(self) -> str:
        return f"{'https' if self.tls else 'http'}://{self.target}"


def emulator_host() -> EmulatorAddress | None:
    """The address in the environment, None when there is none.

    Raises:
        ValueError: the variable holds no address.
    """
    text = os.environ.get(VARIABLE, "").strip()
    if not text:
        return None
    try:
        return EmulatorAddress.parse(text)
    except ValueError as error:
        raise ValueError(f"{VARIABLE}: {error}") from None

"""Where a server of one's own is, as CLOUD_TASKS_EMULATOR_HOST says."""

from __future__ import annotations

import os
from dataclasses import dataclass

VARIABLE = "CLOUD_TASKS_EMULATOR_HOST"
DEFAULT_ADDRESS = "localhost:8123"


@dataclass(frozen=True, slots=True)
class Address:
    """A server: ``host:port``, and whether it speaks TLS."""

    target: str
    tls: bool = False

    @classmethod
    def parse(cls, text: str) -> Address:
        """``localhost:8123``, ``http://localhost:8123`` or ``https://tasks.example.com``, the scheme in any case.

        Raises:
            ValueError: there is no host in it, or more than one.
        """
        scheme, separator, rest = text.strip().rpartition("://")
        scheme, target = scheme.lower(), rest.rstrip("/")
        if not target or "/" in target or (separator and scheme not in {"http", "https"}):
            raise ValueError(f"{text!r} is not an address such as localhost:8123")
        return cls(target, scheme == "https")

    @property
    def url(self) -> str:
        return f"{'https' if self.tls else 'http'}://{self.target}"


def emulator_host() -> Address | None:
    """The address in the environment, None when there is none."""
    text = os.environ.get(VARIABLE, "").strip()
    return Address.parse(text) if text else None

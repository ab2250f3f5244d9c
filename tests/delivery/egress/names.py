"""A name server for tests, and a sender that asks it under rules."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

from tests.delivery.conftest import StoppedClock

from tidegate.core.lifecycle import Outcome
from tidegate.delivery.egress import Egress
from tidegate.delivery.http_sender import HttpSender
from tidegate.delivery.resolver import HostNotFound, Unanswered

FORBIDDEN = Outcome(forbidden=True, reason="address not allowed by the egress rules")


class Names:
    """A name server: each name's answers one after another, the last one stays."""

    def __init__(self) -> None:
        self.answers: dict[str, list[list[str] | type[Unanswered]]] = {}
        self.asked: list[str] = []
        self.first_asked = asyncio.Event()
        self.silent = False
        self.hanging = " "  # names that end so are never answered

    def say(self, name: str, *answers: list[str] | type[Unanswered]) -> None:
        self.answers[name] = list(answers)

    async def __call__(self, name: str) -> list[str]:
        self.asked.append(name)
        self.first_asked.set()
        if self.silent or name.endswith(self.hanging):
            await asyncio.Event().wait()
        answers = self.answers.get(name)
        if answers is None:
            raise HostNotFound
        said = answers[0] if len(answers) == 1 else answers.pop(0)
        if not isinstance(said, list):
            raise said
        return said


@contextlib.asynccontextmanager
async def sender_under(
    rules: str, clock: StoppedClock, names: Names, exempt: str = "", roots: bytes = b""
) -> AsyncIterator[HttpSender]:
    egress = Egress.parse(rules.split(","))
    sender = HttpSender(clock, egress=egress, exempt_origins=exempt.split(), trusted_roots=roots, lookup=names)
    yield sender
    await sender.close()

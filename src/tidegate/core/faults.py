"""Faults on purpose: which attempts of a queue meet one, and in which order what it does comes."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final

from msgspec import Struct


class Refuse(Struct, frozen=True):
    """Nothing is sent; the attempt ends as if nobody listened at the address."""


class StatusAnswer(Struct, frozen=True):
    """Nothing is sent; the attempt gets this answer."""

    code: int
    retry_after: timedelta | None = None


class Delay(Struct, frozen=True):
    """The request is sent so much later."""

    duration: timedelta


class Hang(Struct, frozen=True):
    """Nothing is sent; the attempt ends at its deadline."""


class NoAnswer(Struct, frozen=True):
    """Nothing is sent; the attempt ends as if the connection had broken."""


class Duplicate(Struct, frozen=True):
    """The request is sent so many ``times``, one ``spacing`` after the other; the first answer counts."""

    times: int
    spacing: timedelta


class DropResponse(Struct, frozen=True):
    """The request is sent and answered; the attempt ends as if it had timed out."""


Effect = Refuse | StatusAnswer | Delay | Hang | NoAnswer | Duplicate | DropResponse

ORDER: Final[tuple[type[Effect], ...]] = (Refuse, StatusAnswer, Delay, Hang, NoAnswer, Duplicate, DropResponse)
"""What an attempt meets first when several faults are for it."""

COPIES_MAX: Final = 10
"""How often a request is sent at most."""

ENDS: Final = (Refuse, StatusAnswer, Hang, NoAnswer)
"""Effects after which nothing is sent, so that nothing else is met."""


class FaultMatch(Struct, frozen=True):
    """Which attempts meet a fault: those for which all that is set holds. Numbers of attempts count from 1."""

    task_prefix: str = ""
    url_regex: re.Pattern[str] | None = None
    attempt_from: int = 0
    attempt_to: int = 0


class Fault(Struct, frozen=True, kw_only=True):
    """What some attempts of a queue meet: of those that match the part ``probability``, ``remaining`` more of them, and
    none from ``expire_time`` on. ``hit_count`` have met it.
    """

    id: str
    effect: Effect
    match: FaultMatch = FaultMatch()
    probability: float = 1.0
    remaining: int | None = None
    expire_time: datetime | None = None
    hit_count: int = 0


class FacedAttempt(Struct, frozen=True):
    """An attempt about to be sent: its task's ID, its number from 1, and the URL that it calls."""

    task: str
    number: int
    url: str


def is_over(fault: Fault, now: datetime) -> bool:
    """Whether the fault's time has passed."""
    return fault.expire_time is not None and fault.expire_time <= now


def met_by(attempt: FacedAttempt, faults: Iterable[Fault], now: datetime) -> list[Fault]:
    """The faults that an attempt meets, in their order. The same attempt meets the same faults in every run."""
    met: list[Fault] = []
    for fault in sorted(faults, key=lambda each: (ORDER.index(type(each.effect)), each.id)):
        if is_over(fault, now) or fault.remaining == 0 or not _is_for(fault.match, attempt):
            continue
        if fault.probability < 1 and _dice(fault.id, attempt) >= fault.probability:
            continue
        met.append(fault)
        if isinstance(fault.effect, ENDS):
            break
    return met


def _is_for(match: FaultMatch, attempt: FacedAttempt) -> bool:
    return (
        attempt.task.startswith(match.task_prefix)
        and match.attempt_from <= attempt.number
        and (not match.attempt_to or attempt.number <= match.attempt_to)
        and (match.url_regex is None or match.url_regex.search(attempt.url) is not None)
    )


def _dice(fault_id: str, attempt: FacedAttempt) -> float:
    """A number from 0 up to 1, always the same for a fault, a task and an attempt."""
    digest = hashlib.sha256(f"{fault_id}\n{attempt.task}\n{attempt.number}".encode()).digest()
    return int.from_bytes(digest[:7]) / 2**56

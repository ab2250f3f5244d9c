"""What a fault may say."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import Final

from tidegate.core.backoff import RETRY_AFTER_MAX
from tidegate.core.errors import InvalidArgument
from tidegate.core.faults import COPIES_MAX, Fault, FaultMatch
from tidegate.core.operator_names import FAULT_ID
from tidegate.core.time_text import rfc3339

LONGEST_SPAN: Final = timedelta(minutes=30)
"""Of a delay, and between copies: the longest dispatch deadline."""

USUAL_COPIES: Final = 2
LONGEST_MATCH: Final = 500
"""Characters of a task's ID, and so of a prefix of it; expressions need no more."""

RETRY_AFTER: Final = RETRY_AFTER_MAX


def checked_id(fault_id: str) -> str:
    """The ID of a new fault. Raises InvalidArgument."""
    if not re.fullmatch(FAULT_ID, fault_id):
        raise InvalidArgument(
            "CreateFaultRequest.faultId must be 1 to 100 letters, digits, underscores and hyphens, but it is"
            f' "{fault_id[:200]}".'
        )
    return fault_id


def checked_match(task_prefix: str, url_regex: str, attempt_from: int, attempt_to: int) -> FaultMatch:
    """Which attempts a fault is for. Raises InvalidArgument."""
    if len(task_prefix) > LONGEST_MATCH:
        raise InvalidArgument(f"Fault.match.taskPrefix must have at most {LONGEST_MATCH} characters.")
    if len(url_regex) > LONGEST_MATCH:
        raise InvalidArgument(f"Fault.match.urlRegex must have at most {LONGEST_MATCH} characters.")
    if attempt_from < 0 or attempt_to < 0:
        raise InvalidArgument("Fault.match.attemptFrom and attemptTo cannot be negative.")
    if attempt_to and attempt_to < attempt_from:
        raise InvalidArgument(
            f"Fault.match.attemptTo must not be below attemptFrom, but they are {attempt_to} and {attempt_from}."
        )
    try:
        pattern = re.compile(url_regex) if url_regex else None
    except (re.error, RecursionError, OverflowError) as error:
        raise InvalidArgument(f"Fault.match.urlRegex is not a regular expression: {error}.") from error
    return FaultMatch(task_prefix, pattern, attempt_from, attempt_to)


def checked_fault(fault: Fault, now: datetime) -> Fault:
    """The fault, if its numbers and times can be. Raises InvalidArgument."""
    if not 0 <= fault.probability <= 1:
        raise InvalidArgument(f"Fault.probability must be between 0 and 1, but it is {fault.probability:g}.")
    if fault.remaining is not None and fault.remaining < 1:
        raise InvalidArgument(f"Fault.remaining must be at least 1, but it is {fault.remaining}.")
    if fault.expire_time is not None and fault.expire_time <= now:
        raise InvalidArgument(
            f"Fault.expireTime must be after the server's time, {rfc3339(now)}, but it is {rfc3339(fault.expire_time)}."
        )
    return fault


def checked_status(code: int) -> int:
    """The status of an answer that is made up. Raises InvalidArgument."""
    if not 200 <= code <= 599:
        raise InvalidArgument(f"Fault.status.code must be between 200 and 599, but it is {code}.")
    return code


def checked_copies(times: int) -> int:
    """How often a request is sent altogether; 0 stands for twice. Raises InvalidArgument."""
    times = times or USUAL_COPIES
    if not USUAL_COPIES <= times <= COPIES_MAX:
        raise InvalidArgument(
            f"Fault.duplicate.times must be between {USUAL_COPIES} and {COPIES_MAX}, but it is {times}."
        )
    return times

"""How large a task is: the bytes of its full v2 message as stored, which the service limits.

Worked out from the field numbers of the message, without making one: this runs for every task created.
"""

from __future__ import annotations

from datetime import datetime
from typing import Final

from tidegate.core.queue import AppEngineRouting, OAuthToken, RetryConfig, Token
from tidegate.core.task import AppEngineRequest, HttpRequest, Target, Task
from tidegate.core.times import Duration, micros

TASK_SIZE_MAX: Final = 2**20 - 5
"""Bytes. Recorded: the service accepts a task of this size and refuses one of a byte more."""

# Field numbers up to 15 make a tag of one byte; every field below has such a number.
_TAG: Final = 1
_ENUM: Final = 2  # tag and a small number
_VIEW: Final = _ENUM
_LONGEST_CHARACTER: Final = 4  # bytes of UTF-8
_PER_TASK: Final = 256  # more than the numbers, times and lengths of a task together
_PER_HEADER: Final = 16  # more than the tags and lengths of one header


def is_too_large(task: Task, beside: int) -> bool:
    """Whether the service would say that the task's size is too large; ``beside`` is ``size_bound`` of its target."""
    # Most tasks are far below the limit. For them an upper bound, which needs no encoding, is enough.
    if len(task.body) + _LONGEST_CHARACTER * len(task.name) + beside <= TASK_SIZE_MAX:
        return False
    return stored_size(task) > TASK_SIZE_MAX


def size_bound(target: Target) -> int:
    """An upper bound, in bytes, for a task of this target without its name and body. One call serves many tasks."""
    return _LONGEST_CHARACTER * _characters(target)


def stored_size(task: Task) -> int:
    """Bytes of the serialised v2 Task in the FULL view, as it is right after its creation.

    Pull messages, which v2 does not have, count as in v2beta3; their field number is as short.
    """
    size = _text(task.name)
    size += _block(_target(task.target, task.body))
    size += _block(_timestamp(task.schedule_time)) + _block(_timestamp(task.create_time))
    if task.dispatch_deadline is not None:
        size += _block(_span(Duration.of(task.dispatch_deadline)))
    size += _VIEW
    if task.retry_config is not None:
        size += _block(_retry(task.retry_config))
    return size


def _characters(target: Target) -> int:
    count = _PER_TASK
    if isinstance(target, HttpRequest):
        count += len(target.url)
        if target.token is not None:
            count += len(target.token.service_account_email) + len(_token_text(target.token))
    elif isinstance(target, AppEngineRequest):
        routing = target.routing
        count += len(target.relative_uri) + len(routing.service) + len(routing.version)
        count += len(routing.instance) + len(routing.host)
    else:
        return count + len(target.tag)
    for name, value in target.headers.items():
        count += len(name) + len(value) + _PER_HEADER
    return count


def _target(target: Target, body: bytes) -> int:
    content = _block(len(body)) if body else 0
    if isinstance(target, HttpRequest):
        token = 0 if target.token is None else _block(_token(target.token))
        return _text(target.url) + _ENUM + _headers(target.headers) + content + token
    if isinstance(target, AppEngineRequest):
        routing = _block(_routing(target.routing))
        return _ENUM + routing + _text(target.relative_uri) + _headers(target.headers) + content
    return content + _text(target.tag)


def _headers(headers: dict[str, str]) -> int:
    # An entry of a map always has both its key and its value.
    return sum(_block(_block(_bytes(name)) + _block(_bytes(value))) for name, value in headers.items())


def _token(token: Token) -> int:
    return _text(token.service_account_email) + _text(_token_text(token))


def _token_text(token: Token) -> str:
    return token.scope if isinstance(token, OAuthToken) else token.audience


def _routing(routing: AppEngineRouting) -> int:
    return _text(routing.service) + _text(routing.version) + _text(routing.instance) + _text(routing.host)


def _retry(retry: RetryConfig) -> int:
    size = _number(retry.max_attempts) + _number(retry.max_doublings)
    size += _block(_span(retry.min_backoff)) + _block(_span(retry.max_backoff))
    if retry.max_retry_duration.total_nanos:
        size += _block(_span(retry.max_retry_duration))
    return size


def _timestamp(when: datetime) -> int:
    seconds, rest = divmod(micros(when), 1_000_000)
    return _number(seconds) + _number(rest * 1000)


def _span(span: Duration) -> int:
    return _number(span.seconds) + _number(span.nanos)


def _text(text: str) -> int:
    """Bytes of a string field: 0 when it is empty."""
    return _block(_bytes(text)) if text else 0


def _bytes(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode("utf-8", "replace"))


def _block(length: int) -> int:
    """Bytes of a field whose content has ``length`` bytes: its tag, its length and the content."""
    return _TAG + _varint(length) + length


def _number(value: int) -> int:
    """Bytes of a number field: nothing when it is 0, eleven when it is negative."""
    if not value:
        return 0
    return _TAG + (10 if value < 0 else _varint(value))


def _varint(value: int) -> int:
    return (max(value.bit_length(), 1) + 6) // 7

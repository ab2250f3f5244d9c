"""Reads a queue.yaml, or tells which line breaks which rule.

A key without a value is unset. As in the API, 0 stands for the default where a queue could not work with 0.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, Final, TypeVar

from tidegate.core.errors import InvalidArgument
from tidegate.core.names import QUEUE_ID
from tidegate.core.queue import (
    DEFAULT_CONCURRENT_DISPATCHES,
    DEFAULT_DISPATCHES_PER_SECOND,
    DEFAULT_MAX_BACKOFF,
    DEFAULT_MAX_DOUBLINGS,
    DEFAULT_MIN_BACKOFF,
    UNLIMITED_ATTEMPTS,
    AppEngineRouting,
    Kind,
    RateLimits,
    RetryConfig,
)
from tidegate.core.queue_yaml import values
from tidegate.core.queue_yaml.file import QueueEntry, QueueFile, invalid
from tidegate.core.times import Duration
from tidegate.core.validation.queue import Ceilings, pull_limits

ENTRIES_MAX: Final = 1000  # queues per project and region, https://cloud.google.com/tasks/docs/quotas

T = TypeVar("T")
Path = tuple[str | int, ...]
"""Where something stands in the data: ``("queue", 0, "rate")``."""
Lines = Mapping[Path, int]
"""The line on which each key and each item of a list stands."""

DEFAULT_BUCKET_SIZE: Final = 5

_INT32_MAX: Final = 2**31 - 1
_STORAGE: Final = re.compile(r"[0-9.]+[BKMGT]?")
_TARGET: Final = re.compile(r"(?:(?P<version>[A-Za-z0-9-]{1,63})\.)?(?P<service>[A-Za-z0-9-]{1,63})")

_TOP: Final = frozenset({"application", "total_storage_limit", "resume_paused_queues", "queue"})
_ENTRY: Final = frozenset(
    {"name", "mode", "rate", "bucket_size", "max_concurrent_requests", "target", "acl", "retry_parameters"}
)
_RETRY: Final = frozenset(
    {"task_retry_limit", "task_age_limit", "min_backoff_seconds", "max_backoff_seconds", "max_doublings"}
)
_NOT_FOR_PULL: Final = ("rate", "bucket_size", "max_concurrent_requests", "target")
_NOT_FOR_PULL_RETRY: Final = ("task_age_limit", "min_backoff_seconds", "max_backoff_seconds", "max_doublings")
_ACL: Final = frozenset({"user_email", "writer_email"})


def read_queue_yaml(data: Any, ceilings: Ceilings, lines: Lines | None = None) -> QueueFile:
    """The file that this data describes.

    Raises:
        InvalidArgument: The data breaks a rule. The text names the queue and the rule, and the line if ``lines`` has
            it.
    """
    top = _Part(data, "The file", _TOP, (), lines or {})
    top.read("total_storage_limit", _check_storage)
    listed = top.get("queue")
    if listed is None:
        listed = []
    if not isinstance(listed, list):
        raise top.refused("'queue' must be a list of queues", "queue")
    if len(listed) > ENTRIES_MAX:
        raise top.refused(f"'queue' must list at most {ENTRIES_MAX} queues, but lists {len(listed)}", "queue")
    entries: dict[str, QueueEntry] = {}
    for number, sent in enumerate(listed):
        part = _Part(sent, "Each queue", _ENTRY, ("queue", number), top.lines)
        entry = _read_entry(part, ceilings)
        if entry.name in entries:
            raise part.refused(f"Queue '{entry.name}' is listed more than once", "name")
        entries[entry.name] = entry
    resumes = top.read("resume_paused_queues", values.flag)
    return QueueFile(tuple(entries.values()), top.read("application", values.text) or "", resumes is not False)


class _Part:
    """A mapping of the file. ``of`` says whose it is, once that is known: `` of queue 'mail'``."""

    def __init__(self, data: Any, what: str, known: frozenset[str], path: Path, lines: Lines, of: str = "") -> None:
        self.lines = lines
        self.of = of
        self._path = path
        if not isinstance(data, dict):
            raise self.refused(f"{what} must be a mapping")
        for key in data:
            if key not in known:
                raise self.refused(f"{what} has no key '{key}'", key)
        self._data: Mapping[str, Any] = data

    def get(self, key: str) -> Any:
        return self._data.get(key)

    def read(self, key: str, read: Callable[[Any], T]) -> T | None:
        """The value of a key, None when it is unset. Raises InvalidArgument with its rule."""
        sent = self._data.get(key)
        if sent is None:
            return None
        try:
            return read(sent)
        except values.RuleError as broken:
            raise self.refused(f"{key}{self.of} {broken}", key) from None

    def whole(self, key: str, least: int, most: int | None) -> int | None:
        return self.read(key, lambda sent: values.whole(sent, least, most))

    def within(self, key: str, known: frozenset[str]) -> _Part:
        """The mapping under a key; an empty one when it is unset."""
        sent = self._data.get(key)
        data = {} if sent is None else sent
        return _Part(data, f"{key}{self.of}", known, (*self._path, key), self.lines, self.of)

    @property
    def line(self) -> int:
        return self.lines.get(self._path, 0)

    def refused(self, what: str, key: str | None = None) -> InvalidArgument:
        """The error for a key, or for the whole mapping."""
        line = 0 if key is None else self.lines.get((*self._path, key), 0)
        return invalid(what, line or self.line)


def _read_entry(entry: _Part, ceilings: Ceilings) -> QueueEntry:
    name = entry.read("name", values.text)
    if name is None:
        raise entry.refused("Each queue must have a name")
    if not re.fullmatch(QUEUE_ID, name):
        raise entry.refused(f"Queue name '{name}' must be 1 to 100 letters, digits and hyphens", "name")
    entry.of = f" of queue '{name}'"
    mode = entry.get("mode")
    if mode not in (None, "push", "pull"):
        raise entry.refused(f"mode{entry.of} must be push or pull", "mode")
    retry = entry.within("retry_parameters", _RETRY)
    entry.read("acl", _check_acl)
    if mode == "pull":
        for part, keys in ((entry, _NOT_FOR_PULL), (retry, _NOT_FOR_PULL_RETRY)):
            for key in keys:
                if part.get(key) is not None:
                    raise part.refused(f"{key}{entry.of} cannot be set, for it is a pull queue", key)
        return QueueEntry(name, Kind.PULL, pull_limits(), _read_retry(retry), line=entry.line)
    rate = _read_rate(entry, ceilings)
    limits = RateLimits(
        rate or min(DEFAULT_DISPATCHES_PER_SECOND, ceilings.max_dispatches_per_second),
        entry.whole("bucket_size", 0, ceilings.max_burst_size) or DEFAULT_BUCKET_SIZE,
        min(
            entry.whole("max_concurrent_requests", 0, None) or DEFAULT_CONCURRENT_DISPATCHES,
            ceilings.max_concurrent_dispatches,
        ),
    )
    target = entry.read("target", _read_target)
    return QueueEntry(name, Kind.PUSH, limits, _read_retry(retry), not rate, target, entry.line)


def _read_rate(entry: _Part, ceilings: Ceilings) -> float:
    """Dispatches per second; 0 for a paused queue."""
    rate = entry.read("rate", values.rate)
    if rate is None:
        raise entry.refused(f"rate{entry.of} must be set, for it is a push queue")
    if rate > ceilings.max_dispatches_per_second:
        raise entry.refused(f"rate{entry.of} must be at most {ceilings.max_dispatches_per_second:.15g}/s", "rate")
    return rate


def _read_retry(retry: _Part) -> RetryConfig:
    limit = retry.whole("task_retry_limit", 0, _INT32_MAX - 1)
    shortest = retry.read("min_backoff_seconds", values.backoff)
    longest = retry.read("max_backoff_seconds", values.backoff)
    if shortest is None:
        shortest = DEFAULT_MIN_BACKOFF if longest is None else min(DEFAULT_MIN_BACKOFF, longest)
    if longest is None:
        longest = max(DEFAULT_MAX_BACKOFF, shortest)
    if shortest > longest:
        raise retry.refused(f"min_backoff_seconds{retry.of} must be at most max_backoff_seconds", "min_backoff_seconds")
    doublings = retry.whole("max_doublings", 0, _INT32_MAX)
    return RetryConfig(
        UNLIMITED_ATTEMPTS if limit is None else limit + 1,
        retry.read("task_age_limit", values.age) or Duration(),
        shortest,
        longest,
        DEFAULT_MAX_DOUBLINGS if doublings is None else doublings,
    )


def _read_target(sent: Any) -> AppEngineRouting:
    parts = _TARGET.fullmatch(values.text(sent))
    if parts is None:
        raise values.RuleError("must be SERVICE or VERSION.SERVICE")
    return AppEngineRouting(service=parts["service"], version=parts["version"] or "")


def _check_storage(sent: Any) -> None:
    if not _STORAGE.fullmatch(values.text(sent)):
        raise values.RuleError("must be a number with one of the units B, K, M, G and T")


def _check_acl(sent: Any) -> None:
    """Check who may use a pull queue. The list is not stored: IAM policies take its place."""
    for person in sent if isinstance(sent, list) else [None]:
        if (
            not isinstance(person, dict)
            or not person
            or not person.keys() <= _ACL
            or not all(isinstance(email, str) and email for email in person.values())
        ):
            raise values.RuleError("must be a list of user_email and writer_email")

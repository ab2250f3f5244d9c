"""queue.yaml: what it may say, and what becomes of the queues of its location (behaviour §18).

The file comes as the plain data that a YAML loader makes of it; reading YAML is not for here.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Any, Final

from msgspec import Struct
from msgspec.structs import replace

from tidegate.core.app_engine import with_host
from tidegate.core.errors import InvalidArgument
from tidegate.core.names import QUEUE_ID, LocationName, QueueName
from tidegate.core.queue import (
    DEFAULT_CONCURRENT_DISPATCHES,
    DEFAULT_DISPATCHES_PER_SECOND,
    DEFAULT_MAX_BACKOFF,
    DEFAULT_MAX_DOUBLINGS,
    DEFAULT_MIN_BACKOFF,
    UNLIMITED_ATTEMPTS,
    AppEngineRouting,
    Kind,
    Queue,
    RateLimits,
    RetryConfig,
    State,
)
from tidegate.core.times import NANOS_PER_SECOND, Duration
from tidegate.core.validation.queue import Ceilings, pull_limits

DEFAULT_BUCKET_SIZE: Final = 5
YAML_TASK_TTL: Final = timedelta(days=3650)
YAML_TOMBSTONE_TTL: Final = timedelta(days=9)
ENTRIES_MAX: Final = 1000  # queues per project and region, https://cloud.google.com/tasks/docs/quotas
KEPT_QUEUE: Final = "default"
"""The queue that is never disabled for being left out."""

_SECONDS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_INT32_MAX: Final = 2**31 - 1
_BACKOFF_MAX: Final = 315_576_000_000  # seconds; google.protobuf.Duration

_RATE: Final = re.compile(r"([0-9]{1,9}(?:\.[0-9]{0,9})?)/([smhd])")
_AGE: Final = re.compile(r"([0-9]{1,9}(?:\.[0-9]{0,9})?)([smhd])")
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


class QueueEntry(Struct, frozen=True):
    """One queue of the file. ``paused`` when its rate is 0."""

    name: str
    kind: Kind
    rate_limits: RateLimits
    retry_config: RetryConfig
    paused: bool = False
    routing: AppEngineRouting | None = None

    def queue(self, name: QueueName) -> Queue:
        """The queue as it is made anew."""
        return Queue(
            name=name,
            kind=self.kind,
            state=State.PAUSED if self.paused else State.RUNNING,
            rate_limits=self.rate_limits,
            retry_config=self.retry_config,
            app_engine_routing=None if self.routing is None else with_host(self.routing, name.project),
            task_ttl=YAML_TASK_TTL,
            tombstone_ttl=YAML_TOMBSTONE_TTL,
            from_yaml=True,
        )


class QueueFile(Struct, frozen=True):
    """A whole file. ``application`` is empty when it names none."""

    entries: tuple[QueueEntry, ...] = ()
    application: str = ""
    resumes: bool = True


def read_queue_yaml(data: Any, ceilings: Ceilings) -> QueueFile:
    """What a queue.yaml says.

    Raises:
        InvalidArgument: It says something that no queue.yaml may; the text names the queue and the rule.
    """
    top = _mapping(data, "The file", _TOP)
    storage = top.get("total_storage_limit")
    if storage is not None and not _STORAGE.fullmatch(_text(storage, "total_storage_limit")):
        raise _invalid("total_storage_limit must be a number with one of the units B, K, M, G and T.")
    listed = top.get("queue")
    if listed is None:
        listed = []
    if not isinstance(listed, list):
        raise _invalid("'queue' must be a list of queues.")
    if len(listed) > ENTRIES_MAX:
        raise _invalid(f"'queue' must list at most {ENTRIES_MAX} queues, but lists {len(listed)}.")
    entries = tuple(_read_entry(entry, ceilings) for entry in listed)
    seen: set[str] = set()
    for entry in entries:
        if entry.name in seen:
            raise _invalid(f"Queue '{entry.name}' is listed more than once.")
        seen.add(entry.name)
    application = top.get("application")
    return QueueFile(
        entries,
        "" if application is None else _text(application, "application"),
        _flag(top.get("resume_paused_queues"), "resume_paused_queues"),
    )


def planned(file: QueueFile, location: LocationName, existing: Iterable[Queue]) -> list[Queue]:
    """The queues of a location that a file makes or changes, as they are to be stored.

    Queues that the file leaves out become DISABLED, except ``default``. Listed ones run again, unless their rate is 0;
    one that is paused stays so if the file says ``resume_paused_queues: False``. What a file cannot say (HTTP routing,
    logging) stays.
    """
    before = {queue.name: queue for queue in existing}
    after: dict[QueueName, Queue] = {}
    for entry in file.entries:
        name = QueueName(f"{location}/queues/{entry.name}")
        old = before.get(name)
        after[name] = entry.queue(name) if old is None else _updated(entry, old, resumes=file.resumes)
    for name, queue in before.items():
        if name not in after and name.queue != KEPT_QUEUE:
            after[name] = replace(queue, state=State.DISABLED)
    return [queue for name, queue in after.items() if queue != before.get(name)]


def _updated(entry: QueueEntry, old: Queue, *, resumes: bool) -> Queue:
    if entry.kind is not old.kind:
        raise _invalid(f"The mode of queue '{entry.name}' cannot be changed.")
    new = entry.queue(old.name)
    stays_paused = old.state is State.PAUSED and not resumes
    return replace(
        new,
        state=State.PAUSED if stays_paused else new.state,
        http_target=old.http_target,
        sampling_ratio=old.sampling_ratio,
        purge_time=old.purge_time,
    )


def _read_entry(data: Any, ceilings: Ceilings) -> QueueEntry:
    entry = _mapping(data, "Each queue", _ENTRY)
    if entry.get("name") is None:
        raise _invalid("Each queue must have a name.")
    name = _text(entry["name"], "name")
    if not re.fullmatch(QUEUE_ID, name):
        raise _invalid(f"Queue name '{name}' must be 1 to 100 letters, digits and hyphens.")
    where = f"queue '{name}'"
    mode = entry.get("mode", "push")
    if mode not in ("push", "pull"):
        raise _invalid(f"mode of {where} must be push or pull.")
    retry = entry.get("retry_parameters")
    retry = {} if retry is None else _mapping(retry, f"retry_parameters of {where}", _RETRY)
    _check_acl(entry.get("acl"), where)
    if mode == "pull":
        refused = [key for key in _NOT_FOR_PULL if key in entry] + [key for key in _NOT_FOR_PULL_RETRY if key in retry]
        if refused:
            raise _invalid(f"{refused[0]} of {where} cannot be set, for it is a pull queue.")
        return QueueEntry(name, Kind.PULL, pull_limits(), _read_retry(retry, where))
    rate = _read_rate(entry.get("rate"), where, ceilings)
    limits = RateLimits(
        rate or min(DEFAULT_DISPATCHES_PER_SECOND, ceilings.max_dispatches_per_second),
        # A bucket of size 0 would never let a task out: as everywhere, 0 stands for the default.
        _whole(entry, "bucket_size", where, 0, ceilings.max_burst_size) or DEFAULT_BUCKET_SIZE,
        _whole(entry, "max_concurrent_requests", where, 1, ceilings.max_concurrent_dispatches)
        or min(DEFAULT_CONCURRENT_DISPATCHES, ceilings.max_concurrent_dispatches),
    )
    return QueueEntry(
        name, Kind.PUSH, limits, _read_retry(retry, where), not rate, _read_target(entry.get("target"), where)
    )


def _read_rate(sent: Any, where: str, ceilings: Ceilings) -> float:
    """Dispatches per second; 0 for a paused queue."""
    if sent is None:
        raise _invalid(f"rate of {where} must be set, for it is a push queue.")
    text = _text(sent, "rate")
    if text == "0":
        return 0.0
    parts = _RATE.fullmatch(text)
    if parts is None:
        raise _invalid(f"rate of {where} must be 0 or a number per s, m, h or d, such as 5/s; it is '{text}'.")
    rate = float(parts[1]) / _SECONDS[parts[2]]
    if rate > ceilings.max_dispatches_per_second:
        raise _invalid(f"rate of {where} must be at most {ceilings.max_dispatches_per_second:.15g}/s.")
    return rate


def _read_retry(retry: Mapping[str, Any], where: str) -> RetryConfig:
    limit = _whole(retry, "task_retry_limit", where, 0, _INT32_MAX - 1)
    shortest = _backoff(retry, "min_backoff_seconds", where)
    longest = _backoff(retry, "max_backoff_seconds", where)
    if shortest is None:
        shortest = DEFAULT_MIN_BACKOFF if longest is None else min(DEFAULT_MIN_BACKOFF, longest)
    if longest is None:
        longest = max(DEFAULT_MAX_BACKOFF, shortest)
    if shortest > longest:
        raise _invalid(f"min_backoff_seconds of {where} must be at most max_backoff_seconds.")
    doublings = _whole(retry, "max_doublings", where, 0, _INT32_MAX)
    return RetryConfig(
        UNLIMITED_ATTEMPTS if limit is None else limit + 1,
        _read_age(retry.get("task_age_limit"), where),
        shortest,
        longest,
        DEFAULT_MAX_DOUBLINGS if doublings is None else doublings,
    )


def _read_age(sent: Any, where: str) -> Duration:
    """The age limit, in whole seconds as the API has it; zero without one."""
    if sent is None:
        return Duration()
    text = _text(sent, "task_age_limit")
    parts = _AGE.fullmatch(text)
    seconds = 0 if parts is None else math.ceil(float(parts[1]) * _SECONDS[parts[2]])
    if not seconds:
        raise _invalid(f"task_age_limit of {where} must be more than 0 of s, m, h or d, such as 2d; it is '{text}'.")
    return Duration(seconds)


def _backoff(retry: Mapping[str, Any], key: str, where: str) -> Duration | None:
    sent = retry.get(key)
    if sent is None:
        return None
    if isinstance(sent, bool) or not isinstance(sent, int | float) or not 0 <= sent <= _BACKOFF_MAX:
        raise _invalid(f"{key} of {where} must be a number of seconds, 0 or more.")
    seconds, rest = divmod(round(sent * NANOS_PER_SECOND), NANOS_PER_SECOND)
    return Duration(seconds, rest)


def _read_target(sent: Any, where: str) -> AppEngineRouting | None:
    if sent is None:
        return None
    parts = _TARGET.fullmatch(_text(sent, "target"))
    if parts is None:
        raise _invalid(f"target of {where} must be SERVICE or VERSION.SERVICE.")
    return AppEngineRouting(service=parts["service"], version=parts["version"] or "")


def _check_acl(sent: Any, where: str) -> None:
    """Who may use a pull queue; checked, and then left to the queue's policy."""
    if sent is None:
        return
    people = sent if isinstance(sent, list) else [None]
    for person in people:
        if (
            not isinstance(person, dict)
            or len(person) != 1
            or not person.keys() <= {"user_email", "writer_email"}
            or not all(isinstance(email, str) and email for email in person.values())
        ):
            raise _invalid(f"acl of {where} must be a list of user_email and writer_email.")


def _whole(entry: Mapping[str, Any], key: str, where: str, least: int, most: int) -> int | None:
    sent = entry.get(key)
    if sent is None:
        return None
    if isinstance(sent, bool) or not isinstance(sent, int) or not least <= sent <= most:
        raise _invalid(f"{key} of {where} must be a whole number from {least} to {most}.")
    return sent


def _flag(sent: Any, key: str) -> bool:
    if sent is None or sent is True or sent == "True":
        return True
    if sent is False or sent == "False":
        return False
    raise _invalid(f"{key} must be True or False.")


def _text(sent: Any, key: str) -> str:
    # YAML reads 5 and 2024 as numbers where a text is meant.
    if isinstance(sent, bool) or not isinstance(sent, str | int | float):
        raise _invalid(f"{key} must be a text.")
    return str(sent)


def _mapping(sent: Any, what: str, known: frozenset[str]) -> Mapping[str, Any]:
    if not isinstance(sent, dict):
        raise _invalid(f"{what} must be a mapping.")
    for key in sent:
        if key not in known:
            raise _invalid(f"{what} has no key '{key}'.")
    return sent


def _invalid(what: str) -> InvalidArgument:
    return InvalidArgument(f"Invalid queue configuration. {what}")

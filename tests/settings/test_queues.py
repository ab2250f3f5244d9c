"""Queues made at start: by name, or as tables with the API's field names."""

from datetime import timedelta

from msgspec.structs import replace

from tidegate.core.names import QueueName
from tidegate.core.queue import Kind, Queue, RateLimits, RetryConfig
from tidegate.core.times import Duration
from tidegate.settings import File, QueueSetup, load
from tidegate.settings.queues import QueueSetup as Setup
from tidegate.settings.rows import rows

NAME = QueueName("projects/p/locations/here/queues/mail")


def setup(body: str = "") -> QueueSetup:
    (queue,) = load(file=File("tidegate.toml", f'[[queue]]\nname = "{NAME}"\n{body}')).settings.queue
    return queue


def test_a_queue_of_which_only_the_name_is_said_has_the_defaults_of_the_api() -> None:
    (by_flag,) = load({"queue": (NAME,)}).settings.queue
    assert by_flag == setup()
    assert by_flag.fresh() == Queue(name=NAME)


def test_a_queue_has_the_limits_and_retries_of_its_table() -> None:
    queue = setup("""
        max_dispatches_per_second = 7.5
        max_concurrent_dispatches = 3
        max_attempts = -1
        max_retry_duration = "1h"
        min_backoff = "250ms"
        max_backoff = "10s"
        max_doublings = 4
        sampling_ratio = 0.5
        task_ttl = "20d"
        tombstone_ttl = "2h"
    """).fresh()
    assert queue == Queue(
        name=NAME,
        rate_limits=RateLimits(7.5, 10, 3),
        retry_config=RetryConfig(-1, Duration(3600), Duration(0, 250_000_000), Duration(10), 4),
        sampling_ratio=0.5,
        task_ttl=timedelta(days=20),
        tombstone_ttl=timedelta(hours=2),
    )


def test_a_pull_queue_says_so() -> None:
    assert setup('type = "PULL"').fresh().kind is Kind.PULL


def test_a_burst_that_is_said_stays() -> None:
    assert setup("max_dispatches_per_second = 100\nmax_burst_size = 50").fresh().rate_limits == RateLimits(
        100, 50, 1000
    )
    assert setup("max_dispatches_per_second = 100").fresh().rate_limits == RateLimits(100, 20, 1000)


def test_what_is_not_said_of_a_queue_that_is_there_stays() -> None:
    there = Queue(name=NAME, rate_limits=RateLimits(5, 10, 7), retry_config=RetryConfig(max_attempts=9))
    changed = setup("max_attempts = 3").applied_to(there)
    assert changed == replace(there, retry_config=RetryConfig(max_attempts=3))
    assert setup().applied_to(there) == there


def test_queues_may_be_given_in_one_line_too() -> None:
    loaded = load(file=File("tidegate.toml", f'queue = ["{NAME}", {{ name = "{NAME}2", max_attempts = 2 }}]'))
    assert [queue.name for queue in loaded.settings.queue] == [NAME, f"{NAME}2"]


def test_every_field_of_limits_and_retries_can_be_said() -> None:
    fields = {row.name for row in rows(Setup)}
    assert {*RateLimits.__struct_fields__, *RetryConfig.__struct_fields__} <= fields

"""Queues that the settings set up one by one: what they say of a queue, and what stays as it is."""

from datetime import timedelta

from msgspec.structs import replace
from tests.kit.queue_setup import LIMITS_AND_RETRIES

from tidegate.core.names import QueueName
from tidegate.core.queue import Kind, Queue, RateLimits, RetryConfig
from tidegate.core.times import Duration
from tidegate.core.validation import Ceilings
from tidegate.queues_at_start import set_up
from tidegate.settings import QueueSetup

NAME = QueueName("projects/p/locations/here/queues/mail")


def made(stored: Queue | None = None, **fields) -> Queue:
    return set_up(QueueSetup(name=NAME, **fields), Ceilings(), stored)


def test_a_queue_of_which_only_the_name_is_said_has_the_defaults_of_the_api() -> None:
    assert made() == Queue(name=NAME)


def test_a_queue_has_the_limits_and_retries_of_its_setup() -> None:
    queue = made(**LIMITS_AND_RETRIES)
    assert queue == Queue(
        name=NAME,
        rate_limits=RateLimits(7.5, 10, 3),
        retry_config=RetryConfig(-1, Duration(3600), Duration(0, 250_000_000), Duration(10), 4),
        sampling_ratio=0.5,
        task_ttl=timedelta(days=20),
        tombstone_ttl=timedelta(hours=2),
    )


def test_a_pull_queue_says_so() -> None:
    assert made(type="pull").kind is Kind.PULL


def test_a_burst_that_is_said_stays() -> None:
    assert made(max_dispatches_per_second=100, max_burst_size=50).rate_limits == RateLimits(100, 50, 1000)
    assert made(max_dispatches_per_second=100).rate_limits == RateLimits(100, 20, 1000)


def test_what_is_not_said_of_a_queue_that_is_there_stays() -> None:
    there = replace(made(max_dispatches_per_second=5, max_burst_size=10, max_attempts=9), sampling_ratio=0.25)
    assert made(there, max_attempts=3) == replace(there, retry_config=replace(there.retry_config, max_attempts=3))
    assert made(there) == there


def test_a_queue_that_is_there_keeps_its_type_unless_another_is_said() -> None:
    there = made(type="pull")
    assert made(there).kind is Kind.PULL

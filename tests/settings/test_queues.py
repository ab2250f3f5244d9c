"""Queues made at start, as settings: by name, or as tables with the API's field names."""

from tests.kit.queue_setup import LIMITS_AND_RETRIES

from tidegate.core.names import QueueName
from tidegate.core.queue import RateLimits, RetryConfig
from tidegate.settings import File, QueueSetup, load
from tidegate.settings.rows import rows

NAME = QueueName("projects/p/locations/here/queues/mail")


def setup(body: str = "") -> QueueSetup:
    (queue,) = load(file=File("tidegate.toml", f'[[queue]]\nname = "{NAME}"\n{body}')).settings.queue
    return queue


def test_a_queue_may_be_given_by_its_name_alone() -> None:
    (by_flag,) = load({"queue": (NAME,)}).settings.queue
    assert by_flag == setup() == QueueSetup(name=NAME)


def test_a_table_says_the_limits_and_retries_of_its_queue() -> None:
    queue = setup("""
        type = "PULL"
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
    """)
    assert queue == QueueSetup(name=NAME, type="pull", **LIMITS_AND_RETRIES)


def test_queues_may_be_given_in_one_line_too() -> None:
    loaded = load(file=File("tidegate.toml", f'queue = ["{NAME}", {{ name = "{NAME}2", max_attempts = 2 }}]'))
    assert [queue.name for queue in loaded.settings.queue] == [NAME, f"{NAME}2"]


def test_every_field_of_limits_and_retries_can_be_said() -> None:
    fields = {row.name for row in rows(QueueSetup)}
    assert {*RateLimits.__struct_fields__, *RetryConfig.__struct_fields__} <= fields

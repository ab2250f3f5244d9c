from datetime import timedelta

import pytest
from msgspec.structs import replace
from tests.core.examples import LOCATION, queue

from tidegate.core.names import QueueName
from tidegate.core.queue import AppEngineRouting, HttpTarget, Kind, Queue, RateLimits, RetryConfig, State
from tidegate.core.queue_changes import FieldChange, QueueChange, changes, settings_of
from tidegate.core.times import Duration
from tidegate.core.validation.queue import pull_limits


def named(name: str, **fields: object) -> Queue:
    return queue(name=QueueName(f"{LOCATION}/queues/{name}"), **fields)


def test_the_same_queues_differ_in_nothing() -> None:
    assert changes([named("a"), named("b")], [named("b"), named("a")]) == []


def test_a_change_names_the_field_in_the_words_of_the_api_with_both_values() -> None:
    after = replace(
        named("a"),
        rate_limits=RateLimits(0.5, 10, 1000),
        retry_config=RetryConfig(-1, Duration(60), Duration(0, 50_000_000)),
        state=State.PAUSED,
    )
    (change,) = changes([named("a")], [after])
    assert change == QueueChange(
        after.name,
        (
            FieldChange("state", "RUNNING", "PAUSED"),
            FieldChange("rateLimits.maxDispatchesPerSecond", "500", "0.5"),
            FieldChange("rateLimits.maxBurstSize", "100", "10"),
            FieldChange("retryConfig.maxAttempts", "100", "unlimited"),
            FieldChange("retryConfig.minBackoff", "0.1s", "0.05s"),
            FieldChange("retryConfig.maxRetryDuration", "", "60s"),
        ),
    )


def test_queues_that_come_and_go_are_told_with_all_their_settings() -> None:
    gone, new = changes([named("a")], [named("b", kind=Kind.PULL, rate_limits=pull_limits())])
    assert (gone.queue.queue, gone.created, gone.deleted) == ("a", False, True)
    assert (new.queue.queue, new.created, new.deleted) == ("b", True, False)
    assert [each.field for each in new.fields] == [
        "type",
        "state",
        "retryConfig.maxAttempts",
        "taskTtl",
        "tombstoneTtl",
    ]
    assert {each.before for each in new.fields} == {each.after for each in gone.fields} == {""}


@pytest.mark.parametrize("state", [State.RUNNING, State.PAUSED])
def test_a_queue_that_stands_still_from_now_on_is_disabled(state: State) -> None:
    (change,) = changes([named("a", state=state)], [named("a", state=State.DISABLED)])
    assert change.disabled
    (more,) = changes([named("a")], [named("a", state=State.DISABLED, task_ttl=timedelta(days=10))])
    assert not more.disabled


def test_what_a_queue_yaml_cannot_say_is_not_compared() -> None:
    assert changes([named("a")], [named("a", http_target=HttpTarget(), sampling_ratio=1.0, from_yaml=True)]) == []
    routed = named("a", app_engine_routing=AppEngineRouting("worker", "v1", host="a"))
    assert settings_of(routed)["appEngineRoutingOverride"] == "v1.worker"
    assert changes([routed], [replace(routed, app_engine_routing=AppEngineRouting("worker", "v1", host="b"))]) == []


@pytest.mark.parametrize(
    ("span", "text"),
    [(Duration(100), "100s"), (Duration(0, 1), "0.000000001s"), (Duration(10, 500_000_000), "10.5s")],
)
def test_durations_are_as_in_the_api(span: Duration, text: str) -> None:
    assert settings_of(named("a", retry_config=RetryConfig(min_backoff=span)))["retryConfig.minBackoff"] == text

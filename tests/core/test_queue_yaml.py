"""What a queue.yaml says of queues."""

from typing import Any

import pytest
from msgspec.structs import replace
from tests.core.examples import DAY, NOON, QUEUE, queue
from tests.core.queue_files import DEFAULT_RETRY, made, read, retried

from tidegate.core.errors import InvalidArgument
from tidegate.core.names import QueueName
from tidegate.core.queue import AppEngineRouting, HttpTarget, Kind, Queue, RateLimits, RetryConfig, State
from tidegate.core.queue_yaml import QueueFile, read_queue_yaml
from tidegate.core.times import Duration
from tidegate.core.validation import Ceilings


def test_a_queue_is_made_with_the_defaults_of_the_file() -> None:
    assert made(entry={"name": "q", "rate": "5/s"}) == {
        "q": Queue(
            name=QUEUE,
            rate_limits=RateLimits(5, 5, 1000),
            retry_config=RetryConfig(-1, Duration(), Duration(0, 100_000_000), Duration(3600), 16),
            task_ttl=3650 * DAY,
            tombstone_ttl=9 * DAY,
            from_yaml=True,
        )
    }


def test_every_key_has_its_effect() -> None:
    entry = {
        "name": "q",
        "mode": "push",
        "rate": "30/m",
        "bucket_size": 40,
        "max_concurrent_requests": 7,
        "target": "v2.worker",
        "acl": [{"user_email": "a@b"}, {"writer_email": "c@d"}],
        "retry_parameters": {
            "task_retry_limit": 7,
            "task_age_limit": "2d",
            "min_backoff_seconds": 10,
            "max_backoff_seconds": 200.5,
            "max_doublings": 0,
        },
    }
    top = {"application": "app", "total_storage_limit": "120M", "resume_paused_queues": True}
    assert read(entry, **top).application == "app"
    assert made(entry=entry, **top)["q"] == Queue(
        name=QUEUE,
        rate_limits=RateLimits(0.5, 40, 7),
        retry_config=RetryConfig(8, Duration(172_800), Duration(10), Duration(200, 500_000_000), 0),
        app_engine_routing=AppEngineRouting("worker", "v2", host="v2.worker.p.appspot.com"),
        task_ttl=3650 * DAY,
        tombstone_ttl=9 * DAY,
        from_yaml=True,
    )


@pytest.mark.parametrize(
    ("sent", "rate"), [("5/s", 5), ("500/s", 500), ("90/m", 1.5), ("36/h", 0.01), ("864/d", 0.01), ("1.5/s", 1.5)]
)
def test_a_rate_is_per_second_minute_hour_or_day(sent: str, rate: float) -> None:
    assert read({"name": "q", "rate": sent}).entries[0].rate_limits.max_dispatches_per_second == pytest.approx(rate)


@pytest.mark.parametrize("rate", [0, "0", "0/s"])
def test_a_rate_of_nothing_pauses_the_queue(rate: Any) -> None:
    paused = made(entry={"name": "q", "rate": rate})["q"]
    assert (paused.state, paused.rate_limits.max_dispatches_per_second) == (State.PAUSED, 500)
    assert made(queue(state=State.RUNNING), entry={"name": "q", "rate": rate})["q"].state is State.PAUSED


def test_a_bucket_of_nothing_is_the_default_one() -> None:
    assert read({"name": "q", "rate": "5/s", "bucket_size": 0}).entries[0].rate_limits.max_burst_size == 5


def test_a_missing_backoff_moves_to_match_the_other() -> None:
    assert retried() == DEFAULT_RETRY
    assert retried(min_backoff_seconds=7200) == replace(
        DEFAULT_RETRY, min_backoff=Duration(7200), max_backoff=Duration(7200)
    )
    assert retried(max_backoff_seconds=0.05) == replace(
        DEFAULT_RETRY, min_backoff=Duration(0, 50_000_000), max_backoff=Duration(0, 50_000_000)
    )


@pytest.mark.parametrize("nothing", [0, 0.0, "0", "0.0", "0.0000000001", None])
def test_a_backoff_of_nothing_is_the_default_one(nothing: Any) -> None:
    assert retried(min_backoff_seconds=nothing, max_backoff_seconds=nothing) == DEFAULT_RETRY
    assert retried(min_backoff_seconds=nothing, max_backoff_seconds=5).min_backoff == DEFAULT_RETRY.min_backoff
    assert retried(min_backoff_seconds=7200, max_backoff_seconds=nothing).max_backoff == Duration(7200)


def test_scalars_may_be_text() -> None:
    numbers = {
        "bucket_size": 40,
        "max_concurrent_requests": 7,
        "retry_parameters": {
            "task_retry_limit": 3,
            "min_backoff_seconds": 0.5,
            "max_backoff_seconds": 200,
            "max_doublings": 0,
        },
    }
    texts = {
        "bucket_size": "40",
        "max_concurrent_requests": "7",
        "retry_parameters": {
            "task_retry_limit": "3",
            "min_backoff_seconds": ".5",
            "max_backoff_seconds": "200.",
            "max_doublings": "0",
        },
    }
    assert read({"name": "q", "rate": "5/s", **texts}) == read({"name": "q", "rate": "5/s", **numbers})


@pytest.mark.parametrize(
    ("sent", "most"),
    [(0, 1000), ("0", 1000), (None, 1000), (5000, 5000), (5001, 5000), ("9000", 5000), (10**30, 5000)],
)
def test_concurrent_requests_of_nothing_are_the_default_and_too_many_are_the_ceiling(sent: Any, most: int) -> None:
    (entry,) = read({"name": "q", "rate": "5/s", "max_concurrent_requests": sent}).entries
    assert entry.rate_limits.max_concurrent_dispatches == most


def test_a_key_with_nothing_behind_it_is_unset() -> None:
    empty = dict.fromkeys(["mode", "bucket_size", "max_concurrent_requests", "target", "acl", "retry_parameters"], None)
    assert read({"name": "q", "rate": "5/s", **empty}) == read({"name": "q", "rate": "5/s"})
    assert read({"name": "q", "mode": "pull", "rate": None}) == read({"name": "q", "mode": "pull"})


@pytest.mark.parametrize(
    ("sent", "resumes"), [(True, True), ("true", True), ("Yes", True), ("on", True), ("False", False), ("off", False)]
)
def test_a_switch_may_be_any_word_that_yaml_has_for_one(sent: Any, resumes: bool) -> None:
    assert read(resume_paused_queues=sent).resumes is resumes


def test_an_entry_of_an_acl_may_have_both_emails() -> None:
    acl = [{"user_email": "a@b", "writer_email": "c@d"}]
    assert read({"name": "q", "mode": "pull", "acl": acl}) == read({"name": "q", "mode": "pull"})


@pytest.mark.parametrize(("sent", "seconds"), [("30s", 30), ("2m", 120), ("1h", 3600), ("1d", 86_400), ("0.5s", 1)])
def test_an_age_is_whole_seconds(sent: str, seconds: int) -> None:
    assert retried(task_age_limit=sent).max_retry_duration == Duration(seconds)


def test_no_retry_means_one_attempt() -> None:
    assert retried(task_retry_limit=0).max_attempts == 1


def test_a_pull_queue_has_attempts_and_nothing_else() -> None:
    entry = {"name": "q", "mode": "pull", "acl": [{"user_email": "a@b"}], "retry_parameters": {"task_retry_limit": 3}}
    pull = made(entry=entry)["q"]
    assert (pull.kind, pull.retry_config) == (Kind.PULL, replace(DEFAULT_RETRY, max_attempts=4))
    assert pull.rate_limits.max_concurrent_dispatches == -1


def test_higher_ceilings_let_a_file_ask_for_more() -> None:
    raised = Ceilings(max_dispatches_per_second=1000, max_concurrent_dispatches=9000)
    entry = {"name": "q", "rate": "1000/s", "max_concurrent_requests": 9000}
    assert read_queue_yaml({"queue": [entry]}, raised).entries[0].rate_limits == RateLimits(1000, 5, 9000)


def test_an_empty_list_is_a_file_too() -> None:
    assert read_queue_yaml({"queue": None}, Ceilings()) == read_queue_yaml({}, Ceilings()) == QueueFile()


def test_queues_left_out_are_disabled_but_for_the_default_one() -> None:
    default = queue(name=QueueName.of("p", "us-central1", "default"))
    assert made(default, queue(), queue(name=QueueName.of("p", "us-central1", "off"), state=State.DISABLED)) == {
        "q": queue(state=State.DISABLED)
    }


@pytest.mark.parametrize(
    ("state", "resumes", "after"),
    [
        (State.RUNNING, True, State.RUNNING),
        (State.RUNNING, False, State.RUNNING),
        (State.PAUSED, True, State.RUNNING),
        (State.PAUSED, False, State.PAUSED),
        (State.DISABLED, True, State.RUNNING),
        (State.DISABLED, False, State.RUNNING),
    ],
)
def test_a_listed_queue_runs_again_unless_it_is_to_stay_paused(state: State, resumes: bool, after: State) -> None:
    file = made(queue(state=state), entry={"name": "q", "rate": "5/s"}, resume_paused_queues=resumes)
    assert file["q"].state is after


def test_what_a_file_cannot_say_stays() -> None:
    old = queue(http_target=HttpTarget(), sampling_ratio=0.5, purge_time=NOON)
    new = made(old, entry={"name": "q", "rate": "5/s"})["q"]
    assert (new.http_target, new.sampling_ratio, new.purge_time) == (HttpTarget(), 0.5, NOON)
    assert (new.rate_limits.max_dispatches_per_second, new.from_yaml) == (5, True)


def test_a_queue_that_is_as_the_file_says_is_left_alone() -> None:
    entry = {"name": "q", "rate": "5/s"}
    current = made(entry=entry)["q"]
    assert made(current, entry=entry) == {}


def test_the_mode_of_a_queue_cannot_change() -> None:
    with pytest.raises(InvalidArgument) as caught:
        made(queue(kind=Kind.PULL), entry={"name": "q", "rate": "5/s"})
    assert caught.value.message == "Invalid queue configuration. The mode of queue 'q' cannot be changed."

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from tests.core.examples import DAY, LOCATION, NOON, QUEUE, queue

from tidegate.core.errors import ApiError, InvalidArgument
from tidegate.core.names import LocationName, QueueName
from tidegate.core.queue import AppEngineRouting, HttpTarget, Kind, Queue, RateLimits, RetryConfig, State
from tidegate.core.queue_yaml import QueueFile, planned, read_queue_yaml
from tidegate.core.times import Duration
from tidegate.core.validation import Ceilings

HERE = LocationName(LOCATION)
DEFAULT_RETRY = RetryConfig(max_attempts=-1)


def read(*entries: Any, **top: Any) -> QueueFile:
    return read_queue_yaml({"queue": list(entries), **top}, Ceilings())


def made(*existing: Queue, entry: Any = None, **top: Any) -> dict[str, Queue]:
    entries = [] if entry is None else [entry]
    return {queue.name.queue: queue for queue in planned(read(*entries, **top), HERE, existing)}


def retried(**parameters: Any) -> RetryConfig:
    return read({"name": "q", "rate": "1/s", "retry_parameters": parameters}).entries[0].retry_config


def refusal(data: Any) -> str:
    with pytest.raises(InvalidArgument) as caught:
        read_queue_yaml(data, Ceilings())
    assert caught.value.message.startswith("Invalid queue configuration. ")
    return caught.value.message.removeprefix("Invalid queue configuration. ")


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


def test_a_refusal_names_the_line_as_far_as_it_is_known() -> None:
    lines: dict[Any, int] = {("queue", 0): 3, ("queue", 0, "rate"): 4, ("queue", 0, "retry_parameters"): 5}
    for entry, text in [
        (
            {"name": "q", "rate": "x"},
            "rate of queue 'q' must be 0 or a number per s, m, h or d, such as 5/s; it is 'x'",
        ),
        ({"name": "q", "rate": "900/s"}, "rate of queue 'q' must be at most 500/s"),
    ]:
        with pytest.raises(InvalidArgument) as caught:
            read_queue_yaml({"queue": [entry]}, Ceilings(), lines)
        assert caught.value.message == f"Invalid queue configuration. {text}, line 4."
    with pytest.raises(InvalidArgument, match=r"rate of queue 'q' must be set, for it is a push queue, line 3\."):
        read_queue_yaml({"queue": [{"name": "q"}]}, Ceilings(), lines)
    with pytest.raises(InvalidArgument, match=r"max_doublings of queue 'q' must be .*, line 5\."):
        read_queue_yaml(
            {"queue": [{"name": "q", "rate": "1/s", "retry_parameters": {"max_doublings": "x"}}]}, Ceilings(), lines
        )
    file = read_queue_yaml({"queue": [{"name": "q", "rate": "5/s"}]}, Ceilings(), lines)
    with pytest.raises(InvalidArgument, match=r"The mode of queue 'q' cannot be changed, line 3\."):
        planned(file, HERE, [queue(kind=Kind.PULL)])


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


def one(**entry: Any) -> dict[str, Any]:
    return {"queue": [{"name": "q", "rate": "1/s", **entry}]}


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (None, "The file must be a mapping."),
        ("queue", "The file must be a mapping."),
        ({"queues": []}, "The file has no key 'queues'."),
        ({1: []}, "The file has no key '1'."),
        ({"queue": {"name": "q"}}, "'queue' must be a list of queues."),
        ({"queue": ["q"]}, "Each queue must be a mapping."),
        ({"queue": [{"rate": "1/s"}]}, "Each queue must have a name."),
        ({"queue": [{"name": "a_b", "rate": "1/s"}]}, "Queue name 'a_b' must be 1 to 100 letters, digits and hyphens."),
        ({"queue": [{"name": ["q"]}]}, "name must be a text."),
        ({"queue": [{"name": "q", "rate": "1/s"}] * 2}, "Queue 'q' is listed more than once."),
        ({"queue": [{"name": "q"}]}, "rate of queue 'q' must be set, for it is a push queue."),
        ({"application": []}, "application must be a text."),
        ({"resume_paused_queues": "maybe"}, "resume_paused_queues must be True or False."),
        ({"total_storage_limit": "1X"}, "total_storage_limit must be a number with one of the units B, K, M, G and T."),
        (one(colour="red"), "Each queue has no key 'colour'."),
        (one(mode="poll"), "mode of queue 'q' must be push or pull."),
        (one(rate="5"), "rate of queue 'q' must be 0 or a number per s, m, h or d, such as 5/s; it is '5'."),
        (one(rate="5/w"), "rate of queue 'q' must be 0 or a number per s, m, h or d, such as 5/s; it is '5/w'."),
        (one(rate="501/s"), "rate of queue 'q' must be at most 500/s."),
        (one(bucket_size=501), "bucket_size of queue 'q' must be a whole number from 0 to 500."),
        (one(bucket_size=-1), "bucket_size of queue 'q' must be a whole number from 0 to 500."),
        *(
            (one(bucket_size=sent), "bucket_size of queue 'q' must be a whole number from 0 to 500.")
            for sent in ("501", "-1", "5.0", "", "many", "0x10", "٤", "9" * 5000, 5.0, True, [5])
        ),
        *(
            (
                one(max_concurrent_requests=sent),
                "max_concurrent_requests of queue 'q' must be a whole number, 0 or more.",
            )
            for sent in (-1, "-1", "many", True)
        ),
        (one(target="a.b.c"), "target of queue 'q' must be SERVICE or VERSION.SERVICE."),
        (one(target="http://a"), "target of queue 'q' must be SERVICE or VERSION.SERVICE."),
        (one(acl="a@b"), "acl of queue 'q' must be a list of user_email and writer_email."),
        (one(acl=[{}]), "acl of queue 'q' must be a list of user_email and writer_email."),
        (one(acl=[{"email": "a@b"}]), "acl of queue 'q' must be a list of user_email and writer_email."),
        (one(retry_parameters=[]), "retry_parameters of queue 'q' must be a mapping."),
        (one(retry_parameters={"limit": 1}), "retry_parameters of queue 'q' has no key 'limit'."),
        (
            one(retry_parameters={"task_retry_limit": -1}),
            "task_retry_limit of queue 'q' must be a whole number from 0 to 2147483646.",
        ),
        (
            one(retry_parameters={"task_age_limit": "0s"}),
            "task_age_limit of queue 'q' must be more than 0 of s, m, h or d, such as 2d; it is '0s'.",
        ),
        (
            one(retry_parameters={"task_age_limit": 5}),
            "task_age_limit of queue 'q' must be more than 0 of s, m, h or d, such as 2d; it is '5'.",
        ),
        (
            one(retry_parameters={"min_backoff_seconds": -1}),
            "min_backoff_seconds of queue 'q' must be a number of seconds, 0 or more.",
        ),
        (
            one(retry_parameters={"max_backoff_seconds": math.nan}),
            "max_backoff_seconds of queue 'q' must be a number of seconds, 0 or more.",
        ),
        (
            one(retry_parameters={"min_backoff_seconds": 2, "max_backoff_seconds": 1}),
            "min_backoff_seconds of queue 'q' must be at most max_backoff_seconds.",
        ),
        (
            one(retry_parameters={"max_doublings": -1}),
            "max_doublings of queue 'q' must be a whole number from 0 to 2147483647.",
        ),
        *(
            (
                {"queue": [{"name": "q", "mode": "pull", key: 1}]},
                f"{key} of queue 'q' cannot be set, for it is a pull queue.",
            )
            for key in ("rate", "bucket_size", "max_concurrent_requests", "target")
        ),
        *(
            (
                {"queue": [{"name": "q", "mode": "pull", "retry_parameters": {key: 1}}]},
                f"{key} of queue 'q' cannot be set, for it is a pull queue.",
            )
            for key in ("task_age_limit", "min_backoff_seconds", "max_backoff_seconds", "max_doublings")
        ),
    ],
)
def test_what_a_file_may_not_say_is_named(data: Any, text: str) -> None:
    assert refusal(data) == text


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


KEYS = st.sampled_from(
    ["name", "mode", "rate", "bucket_size", "max_concurrent_requests", "target", "acl", "retry_parameters", "x"]
)
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=4)
    | st.sampled_from(["5/s", "q", "pull"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=4,
)


@given(st.lists(st.dictionaries(KEYS, VALUES, max_size=5) | VALUES, max_size=3))
def test_no_data_ever_raises_anything_but_an_api_error(entries: list[Any]) -> None:
    try:
        planned(read(*entries), HERE, [])
    except ApiError as error:
        assert error.message  # noqa: PT017

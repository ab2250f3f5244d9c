"""What a queue.yaml may not say, and how it is told."""

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.core.examples import queue
from tests.core.queue_files import HERE, one, read, refusal

from tidegate.core.errors import ApiError, InvalidArgument
from tidegate.core.queue import Kind
from tidegate.core.queue_yaml import planned, read_queue_yaml
from tidegate.core.validation import Ceilings


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

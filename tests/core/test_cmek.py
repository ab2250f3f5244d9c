from datetime import timedelta

import pytest
from tests.core.examples import DAY, queue

from tidegate.core.cmek import check_key, check_queue_under_key
from tidegate.core.errors import ErrorInfo, FailedPrecondition, InvalidArgument, NotFound
from tidegate.core.queue import Header, HttpTarget, Queue

KEY = "projects/p/locations/us-central1/keyRings/r/cryptoKeys/k"
OVERRIDING = queue(http_target=HttpTarget(header_overrides=(Header("X-A", "a"),)))


def test_a_key_of_the_location_can_be_set_and_taken_away() -> None:
    harmless = [queue(), queue(http_target=HttpTarget()), queue(task_ttl=60 * DAY)]
    check_key(KEY, "us-central1", harmless)
    check_key(KEY.replace("projects/p", "projects/other"), "us-central1", [])
    check_key("", "us-central1", [OVERRIDING])


@pytest.mark.parametrize("barring", [OVERRIDING, queue(task_ttl=60 * DAY + timedelta(seconds=1))])
@pytest.mark.parametrize("key", [KEY, "nonsense"])
def test_some_queues_bar_a_key_whatever_it_is(barring: Queue, key: str) -> None:
    with pytest.raises(FailedPrecondition) as caught:
        check_key(key, "us-central1", [queue(), barring])
    assert caught.value.message == (
        "CMEK cannot be enabled on any project that has one or more queues with HTTP Target Override headers or tasks "
        "ttl of more than 60 days."
    )
    assert caught.value.details == (ErrorInfo("UNSATISFIED_PRECONDITION_FOR_CMEK", "cloudtasks.googleapis.com", {}),)


@pytest.mark.parametrize(
    "key", ["nonsense", "projects/p", f"{KEY}/", f"{KEY}/cryptoKeyVersions", KEY.replace("/k", "/")]
)
def test_a_key_needs_a_keys_name(key: str) -> None:
    with pytest.raises(InvalidArgument) as caught:
        check_key(key, "us-central1", [])
    assert caught.value.message == f"Resource name [{key}] does not match any known resource name pattern."


@pytest.mark.parametrize("key", ["projects/p/locations/us-central1/keyRings/r", f"{KEY}/cryptoKeyVersions/1"])
def test_a_key_ring_or_version_is_no_key(key: str) -> None:
    with pytest.raises(InvalidArgument, match=r"^Request contains an invalid argument\.$"):
        check_key(key, "us-central1", [])


def test_a_key_of_another_location_is_not_found() -> None:
    with pytest.raises(NotFound, match=r"^Requested entity was not found\.$"):
        check_key(KEY, "europe-west1", [])


def test_under_a_key_a_queue_may_not_override_headers() -> None:
    check_queue_under_key(queue())
    check_queue_under_key(queue(http_target=HttpTarget()))
    with pytest.raises(FailedPrecondition) as caught:
        check_queue_under_key(OVERRIDING)
    assert caught.value.message == "HttpTarget.header_overrides cannot be set in a location with CMEK enabled."

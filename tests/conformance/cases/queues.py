"""Queues: created, listed, changed, deleted, paused."""

from __future__ import annotations

from tests.conformance.cases.tables import HTTP, NOT_FOUND, QUEUE_MISSING, answered, ids, refused
from tests.conformance.cloud import Cloud, Refusal

LIMITS = {"v2beta2": ("max_tasks_dispatched_per_second", "max_concurrent_tasks")}
"""The names of rate and concurrency where they are not the usual ones."""


@answered("CreateQueue", "GetQueue")
def a_queue_is_created_with_the_defaults_filled_in(cloud: Cloud) -> None:
    created = cloud.create_queue()
    assert created.name == cloud.queue
    assert created.state == 1
    retry = created.retry_config
    rate, concurrency = LIMITS.get(cloud.version, ("max_dispatches_per_second", "max_concurrent_dispatches"))
    assert getattr(created.rate_limits, rate) == 500
    assert created.rate_limits.max_burst_size == 100
    assert getattr(created.rate_limits, concurrency) == 1000
    assert (retry.max_attempts, retry.max_doublings) == (100, 16)
    assert (retry.min_backoff.ToJsonString(), retry.max_backoff.ToJsonString()) == ("0.100s", "3600s")
    assert not retry.HasField("max_retry_duration")
    assert cloud("GetQueue", name=cloud.queue) == created


@refused("CreateQueue")
def a_queue_s_name_is_taken_once(cloud: Cloud) -> None:
    cloud.create_queue()
    refusal = cloud.refused("CreateQueue", parent=cloud.location, queue={"name": cloud.queue})
    assert refusal == ("ALREADY_EXISTS", "Queue already exists", [])


@refused("CreateQueue")
def a_deleted_queue_s_name_is_not_free_at_once(cloud: Cloud) -> None:
    cloud.create_queue()
    cloud("DeleteQueue", name=cloud.queue)
    for refusal in (
        cloud.refused("CreateQueue", parent=cloud.location, queue={"name": cloud.queue}),
        cloud.refused("UpdateQueue", queue={"name": cloud.queue}),
    ):
        assert refusal == (
            "FAILED_PRECONDITION",
            "The queue cannot be created because a queue with this name existed too recently.",
            [],
        )


@refused("CreateQueue")
def a_queue_s_name_has_a_form(cloud: Cloud) -> None:
    for name, code, text in (
        ("", "INVALID_ARGUMENT", "Queue name must be formatted"),
        ("q", "INVALID_ARGUMENT", "Queue name must be formatted"),
        (f"{cloud.location}/queues/a_b", "INVALID_ARGUMENT", 'Queue ID "a_b" can contain only letters'),
        ("projects/o/locations/l/queues/q", "INVALID_ARGUMENT", f"must begin with {cloud.location}."),
    ):
        refusal = cloud.refused("CreateQueue", parent=cloud.location, queue={"name": name})
        assert refusal.code == code
        assert text in refusal.message


@answered("ListQueues")
def queues_are_listed_by_name(cloud: Cloud) -> None:
    for queue in ("b", "a", "c"):
        cloud("CreateQueue", parent=cloud.location, queue={"name": f"{cloud.location}/queues/{queue}"})
    assert ids(cloud("ListQueues", parent=cloud.location)) == ["a", "b", "c"]
    first = cloud("ListQueues", parent=cloud.location, page_size=2)
    assert ids(first) == ["a", "b"]
    second = cloud("ListQueues", parent=cloud.location, page_size=2, page_token=first.next_page_token)
    assert ids(second) == ["c"]
    assert second.next_page_token
    last = cloud("ListQueues", parent=cloud.location, page_size=2, page_token=second.next_page_token)
    assert ids(last) == []
    assert not last.next_page_token


@answered("ListQueues")
def a_filter_chooses_queues(cloud: Cloud) -> None:
    for queue in ("a", "b", "c"):
        cloud("CreateQueue", parent=cloud.location, queue={"name": f"{cloud.location}/queues/{queue}"})
    cloud("PauseQueue", name=f"{cloud.location}/queues/b")
    for text, found in (
        ("state: PAUSED", ["b"]),
        ("state != PAUSED", ["a", "c"]),
        ("retryConfig.maxAttempts > 99 AND (state = RUNNING OR rate_limits.max_burst_size < 100)", ["a", "c"]),
        ("http_target: *", []),
    ):
        assert ids(cloud("ListQueues", parent=cloud.location, filter=text)) == found


@refused("ListQueues")
def a_filter_names_fields(cloud: Cloud) -> None:
    refusal = cloud.refused("ListQueues", parent=cloud.location, filter="bogus: 1")
    assert refusal == ("INVALID_ARGUMENT", "Field not found: 'bogus'.", [])


@refused("ListQueues", "ListTasks")
def a_token_belongs_to_its_list(cloud: Cloud) -> None:
    cloud.create_queue()
    token = cloud("ListQueues", parent=cloud.location).next_page_token
    invalid = Refusal("INVALID_ARGUMENT", "Invalid page_token", [])
    assert cloud.refused("ListQueues", parent=cloud.location, page_token=token, filter="q") == invalid
    assert cloud.refused("ListTasks", parent=cloud.queue, page_token=token) == invalid


@refused("ListQueues")
def a_page_has_no_negative_size(cloud: Cloud) -> None:
    refusal = cloud.refused("ListQueues", parent=cloud.location, page_size=-1)
    assert refusal == ("INVALID_ARGUMENT", "ListQueuesRequest.pageSize cannot be negative.", [])


@answered("UpdateQueue")
def a_mask_says_what_is_replaced(cloud: Cloud) -> None:
    cloud.create_queue(retry_config={"max_attempts": 3, "max_doublings": 4}, http_target={"http_method": "PUT"})
    cloud("PauseQueue", name=cloud.queue)
    updated = cloud(
        "UpdateQueue",
        queue={"name": cloud.queue, "retry_config": {"max_attempts": 5}},
        update_mask={"paths": ["retry_config.max_attempts", "http_target"]},
    )
    assert (updated.retry_config.max_attempts, updated.retry_config.max_doublings) == (5, 4)
    assert not updated.HasField("http_target")
    assert updated.state == 2
    assert cloud("GetQueue", name=cloud.queue) == updated


@answered("UpdateQueue")
def without_a_mask_everything_is_replaced(cloud: Cloud) -> None:
    cloud.create_queue(retry_config={"max_attempts": 3}, http_target={"http_method": "PUT"})
    updated = cloud("UpdateQueue", queue={"name": cloud.queue, "rate_limits": {"max_burst_size": 7}})
    assert updated.retry_config.max_attempts == 100
    assert updated.rate_limits.max_burst_size == (100 if cloud.version == "v2" else 7)
    assert not updated.HasField("http_target")


@answered("UpdateQueue")
def an_update_creates_what_is_missing(cloud: Cloud) -> None:
    updated = cloud("UpdateQueue", queue={"name": cloud.queue, "retry_config": {"max_attempts": 3}})
    assert updated.retry_config.max_attempts == 3
    assert cloud("GetQueue", name=cloud.queue) == updated


@answered("UpdateQueue")
def what_only_the_server_sets_is_accepted_and_ignored(cloud: Cloud) -> None:
    created = cloud.create_queue()
    paths = ["name", "state", "purge_time", *(["rate_limits.max_burst_size"] if cloud.version == "v2" else ["stats"])]
    queue = {"name": cloud.queue, "state": "PAUSED", "rate_limits": {"max_burst_size": 7}}
    assert cloud("UpdateQueue", queue=queue, update_mask={"paths": paths}) == created


@answered("UpdateQueue")
def a_leaf_of_a_token_is_replaced_alone(cloud: Cloud) -> None:
    token = {"service_account_email": "a@b.c", "audience": "me"}
    cloud.create_queue(http_target={"oidc_token": token})
    sent = {"name": cloud.queue, "http_target": {"oidc_token": {"service_account_email": "a@b.c", "audience": "you"}}}
    updated = cloud("UpdateQueue", queue=sent, update_mask={"paths": ["http_target.oidc_token.audience"]})
    assert updated.http_target.oidc_token.audience == "you"
    assert updated.http_target.oidc_token.service_account_email == "a@b.c"


@refused("UpdateQueue")
def a_mask_names_fields(cloud: Cloud) -> None:
    cloud.create_queue()
    refusal = cloud.refused("UpdateQueue", queue={"name": cloud.queue}, update_mask={"paths": ["bogus"]})
    assert refusal == ("INVALID_ARGUMENT", "Invalid mask: bogus", [])


@refused("UpdateQueue")
def what_an_update_leaves_is_checked(cloud: Cloud) -> None:
    cloud.create_queue(http_target={"uri_override": {"host": "example.com"}})
    refusal = cloud.refused(
        "UpdateQueue", queue={"name": cloud.queue}, update_mask={"paths": ["http_target.uri_override.host"]}
    )
    text = "Invalid uri_override."
    assert refusal.code == "INVALID_ARGUMENT"
    assert refusal.message == f"Error in parsing HttpTarget. {text}"
    (info,) = refusal.details
    assert info == {
        "@type": "type.googleapis.com/google.rpc.ErrorInfo",
        "reason": "INVALID_INPUT_ON_HTTP_TARGET_OVERRIDE",
        "domain": "cloudtasks.googleapis.com",
        "metadata": {"invalid_field": text},
    }


@answered("DeleteQueue")
def a_deleted_queue_is_gone(cloud: Cloud) -> None:
    cloud.create_queue()
    cloud("DeleteQueue", name=cloud.queue)
    assert ids(cloud("ListQueues", parent=cloud.location)) == []


@refused("DeleteQueue")
def a_missing_queue_cannot_be_deleted(cloud: Cloud) -> None:
    assert cloud.refused("DeleteQueue", name=cloud.queue) == ("NOT_FOUND", NOT_FOUND, [])


@answered("PauseQueue", "ResumeQueue")
def a_queue_is_paused_and_resumed(cloud: Cloud) -> None:
    cloud.create_queue()
    for rpc, state in (("PauseQueue", 2), ("PauseQueue", 2), ("ResumeQueue", 1), ("ResumeQueue", 1)):
        assert cloud(rpc, name=cloud.queue).state == state
        assert cloud("GetQueue", name=cloud.queue).state == state


@answered("PurgeQueue")
def a_purged_queue_is_empty(cloud: Cloud) -> None:
    cloud.create_queue()
    cloud("PauseQueue", name=cloud.queue)
    cloud.create_task()
    assert cloud("PurgeQueue", name=cloud.queue).HasField("purge_time")
    assert ids(cloud("ListTasks", parent=cloud.queue)) == []


@refused("GetQueue", "PauseQueue", "ResumeQueue", "PurgeQueue", "ListTasks", "CreateTask")
def a_missing_queue_is_said_to_be_missing(cloud: Cloud) -> None:
    for rpc in ("GetQueue", "PauseQueue", "ResumeQueue", "PurgeQueue"):
        assert cloud.refused(rpc, name=cloud.queue) == ("NOT_FOUND", QUEUE_MISSING, [])
    assert cloud.refused("ListTasks", parent=cloud.queue) == ("NOT_FOUND", QUEUE_MISSING, [])
    refusal = cloud.refused("CreateTask", parent=cloud.queue, task={"http_request": HTTP})
    assert refusal == ("NOT_FOUND", QUEUE_MISSING, [])

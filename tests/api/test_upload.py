"""UploadQueueYaml."""

import pytest
from google.api.httpbody_pb2 import HttpBody
from tests.api.conftest import LOCATION

from tidegate.api.rpcs import Api
from tidegate.core.errors import FailedPrecondition, InvalidArgument, PermissionDenied

FILE = b"""
queue:
- name: mail
  rate: 5/s
  bucket_size: 20
- name: work
  mode: pull
"""


@pytest.fixture
def upload(call2):
    async def upload(data, app_id="p"):
        return await call2("upload_queue_yaml", app_id=app_id, http_body=HttpBody(data=data))

    return upload


@pytest.fixture
def queues(call2):
    async def queues():
        listed = await call2("list_queues", parent=LOCATION)
        return {queue.name.rsplit("/", 1)[1]: queue for queue in listed.queues}

    return queues


@pytest.mark.parametrize("app_id", ["p", "s~p"])
async def test_a_file_makes_queues(upload, queues, app_id) -> None:
    assert (await upload(FILE, app_id)).ByteSize() == 0
    made = await queues()
    assert set(made) == {"mail", "work"}
    limits = made["mail"].rate_limits
    assert (limits.max_tasks_dispatched_per_second, limits.max_burst_size) == (5, 20)
    assert made["mail"].tombstone_ttl.seconds == 777_600
    assert made["work"].HasField("pull_target")


async def test_queues_that_a_file_leaves_out_are_disabled(call2, upload, queues) -> None:
    for queue in ("default", "old"):
        await call2("create_queue", parent=LOCATION, queue={"name": f"{LOCATION}/queues/{queue}"})
    await upload(FILE)
    assert {name: queue.state for name, queue in (await queues()).items()} == {
        "default": 1,
        "mail": 1,
        "old": 3,
        "work": 1,
    }


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b"queue: [", "The file cannot be read as YAML: "),
        (b"\xff\xfe\x00", "The file cannot be read as YAML: "),
        (b"queue: " + b"[" * 100, "more than 8 lists and mappings stand in each other, line 1."),
        (b"queue: " + b"[" * 5000, ""),  # some readers of YAML refuse so many themselves, in their own words
        (b"queue: [&a {name: b, rate: 1/s}]", "it has an anchor or alias, line 1."),
        (b"queue: &a []\napplication: *a", "it has an anchor or alias, line 1."),
        (b"queue:\n- !!python/object/apply:os.getcwd []", "it has a tag, line 2."),
        (b"queue:\n- name: !!str a\n  rate: 1/s", "it has a tag, line 2."),
        (b"queue:\n- name: a\n  rate: 1/s\n  rate: 2/s", "the key 'rate' is there twice, line 4."),
        (b"queue:\n- <<: {rate: 1/s}\n  name: a", "a key is no plain value, line 2."),
        (b"? [a]\n: b", "a key is no plain value, line 1."),
        (b"queue: []\n---\nqueue: []", "The file cannot be read as YAML: "),
        (b"queue: []\n" + b"#" * 600_000, "it has more than 512 KiB."),
        (b"queue:\n- name: a\n  rate: 2001-02-03", "such as 5/s; it is '2001-02-03', line 3."),
        (b"queue:\n- name: a\n  rate: 2001-02-30", "such as 5/s; it is '2001-02-30', line 3."),
        (b"queue:\n- name: a\n  rate: 1/s\n\n- name: a\n  rate: 1/s", "'a' is listed more than once, line 5."),
        (b"queue:\n-\n", "Each queue must be a mapping, line 2."),
        (b"", "The file must be a mapping."),
        (b"queue: [{name: a_b, rate: 1/s}]", "Queue name 'a_b' must be"),
        (FILE + b"- name: other", "rate of queue 'other' must be set, for it is a push queue, line 8."),
    ],
)
async def test_a_bad_file_changes_nothing(upload, queues, data, text) -> None:
    with pytest.raises(InvalidArgument) as refused:
        await upload(data)
    assert refused.value.message.startswith("Invalid queue configuration. ")
    assert text in refused.value.message
    assert await queues() == {}


AS_GOOGLE_READS_IT = b"""
resume_paused_queues: yes
queue:
- name: 2024-01-01
  mode:
  rate: 5/s
  bucket_size: "40"
  max_concurrent_requests: 9000
  target: ~
  retry_parameters:
    task_retry_limit: "3"
    min_backoff_seconds: 0
    max_backoff_seconds: 0
- name: on
  rate: 1/s
  max_concurrent_requests: 0
- name: 1e3
  rate: 1/s
- name: 010
  mode: pull
  acl:
  - user_email: a@example.com
    writer_email: b@example.com
"""


async def test_scalars_are_text_and_nothing_is_unset(upload, queues) -> None:
    await upload(AS_GOOGLE_READS_IT)
    made = await queues()
    assert set(made) == {"2024-01-01", "on", "1e3", "010"}
    dated = made["2024-01-01"]
    assert (dated.rate_limits.max_burst_size, dated.rate_limits.max_concurrent_tasks) == (40, 5000)
    assert dated.retry_config.max_attempts == 4
    assert dated.retry_config.min_backoff.nanos == 100_000_000
    assert dated.retry_config.max_backoff.seconds == 3600
    assert made["on"].rate_limits.max_concurrent_tasks == 1000


@pytest.mark.parametrize("nothing", [b"", b"~", b"null", b"Null"])
async def test_a_name_of_nothing_is_none(upload, nothing) -> None:
    with pytest.raises(InvalidArgument, match=r"Each queue must have a name, line 3\."):
        await upload(b"application: p\nqueue:\n- rate: 5/s\n  name: " + nothing)


async def test_a_file_with_a_name_that_is_not_free_yet_changes_nothing(call2, upload, queues) -> None:
    for queue in ("work", "old"):
        await call2("create_queue", parent=LOCATION, queue={"name": f"{LOCATION}/queues/{queue}"})
    await call2("delete_queue", name=f"{LOCATION}/queues/work")
    with pytest.raises(
        FailedPrecondition, match="Queue 'work' cannot be created because a queue with this name existed too recently"
    ):
        await upload(FILE)
    assert {name: queue.state for name, queue in (await queues()).items()} == {"old": 1}


async def test_an_upload_names_its_application(upload) -> None:
    with pytest.raises(InvalidArgument, match="Invalid resource field value"):
        await upload(FILE, "")
    with pytest.raises(PermissionDenied, match="resource project a_b"):
        await upload(FILE, "a_b")


async def test_the_operator_says_where_the_queues_are(engine, call2) -> None:
    row = call2.rows["upload_queue_yaml"]
    request = row.request_pb(app_id="p", http_body=HttpBody(data=FILE))
    await Api(engine, location="mars").method(row)(request)
    listed = await call2("list_queues", parent="projects/p/locations/mars")
    assert len(listed.queues) == 2

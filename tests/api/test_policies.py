"""The IAM calls."""

import pytest
from google.iam.v1.policy_pb2 import Policy
from google.protobuf.field_mask_pb2 import FieldMask
from tests.api.conftest import LOCATION, QUEUE

from tidegate.core.errors import Aborted, InvalidArgument, NotFound
from tidegate.core.names import QueueName
from tidegate.engine.policies import KIND, document_of

BINDINGS = [
    {"role": "roles/viewer", "members": ["user:b@c", "allUsers", "user:b@c"]},
    {"role": "roles/editor", "members": []},
    {"role": "roles/viewer", "members": ["user:a@c"]},
]
MERGED = [{"role": "roles/viewer", "members": ["allUsers", "user:a@c", "user:b@c"]}]


@pytest.fixture(autouse=True)
async def _queue(call) -> None:
    await call("create_queue", parent=LOCATION, queue={"name": QUEUE})


async def put(call, mask=None, **policy):
    extra = {} if mask is None else {"update_mask": FieldMask(paths=mask)}
    return await call("set_iam_policy", resource=QUEUE, policy=policy, **extra)


async def get(call):
    return await call("get_iam_policy", resource=QUEUE)


async def test_a_queue_begins_without_a_policy(call) -> None:
    assert await get(call) == Policy(etag=b"\x00\x20\x01")


async def test_a_policy_is_kept_in_order_under_a_fresh_etag(call) -> None:
    stored = await put(call, bindings=BINDINGS, version=3)
    assert stored == Policy(version=1, bindings=MERGED, etag=stored.etag)
    assert len(stored.etag) == 8
    assert await get(call) == stored


async def test_a_policy_that_changed_meanwhile_is_not_overwritten(call) -> None:
    first = await put(call, bindings=BINDINGS)
    await put(call, etag=first.etag)
    with pytest.raises(Aborted, match="There were concurrent policy changes"):
        await put(call, etag=first.etag, bindings=BINDINGS)
    assert not (await get(call)).bindings


async def test_without_an_etag_the_last_write_wins(call) -> None:
    await put(call, bindings=BINDINGS)
    assert not (await put(call)).bindings


async def test_a_mask_without_bindings_leaves_them(call) -> None:
    await put(call, bindings=BINDINGS)
    assert len((await put(call, mask=["etag"])).bindings) == 1


@pytest.mark.parametrize(
    ("policy", "text"),
    [
        ({"version": 4}, "Specified policy version (4) is not supported."),
        ({"bindings": [{"role": "viewer"}]}, "The role name must be in the form"),
        ({"bindings": [{"role": "roles/viewer", "members": ["a@b"]}]}, "The member a@b is of an unknown type."),
        ({"bindings": [{"role": "roles/viewer", "condition": {}}]}, "Can't set conditional policy on this resource"),
    ],
)
async def test_a_bad_policy_is_refused_and_changes_nothing(call, policy, text) -> None:
    with pytest.raises(InvalidArgument) as refused:
        await put(call, **policy)
    assert text in refused.value.message
    assert await get(call) == Policy(etag=b"\x00\x20\x01")


async def test_every_permission_asked_about_is_granted(call) -> None:
    asked = ["cloudtasks.tasks.run", "cloudtasks.queues.get", "cloudtasks.tasks.run"]
    tested = await call("test_iam_permissions", resource=QUEUE, permissions=asked)
    assert list(tested.permissions) == sorted(asked)


@pytest.mark.parametrize(
    ("asked", "text"),
    [
        ([], "At least one permission must be specified."),
        (["cloudtasks.queues.get", "cloudtasks.queues.*"], "The permission cloudtasks.queues.* is invalid."),
        (["cloudtasks.queues.create"], "Permission cloudtasks.queues.create is not valid for this resource."),
    ],
)
async def test_a_bad_permission_is_named(call, asked, text) -> None:
    with pytest.raises(InvalidArgument) as refused:
        await call("test_iam_permissions", resource=QUEUE, permissions=asked)
    assert refused.value.message == text


@pytest.mark.parametrize(
    ("rpc", "fields"),
    [
        ("get_iam_policy", {}),
        ("set_iam_policy", {"policy": {"version": 4}}),
        ("test_iam_permissions", {"permissions": ["bad"]}),
    ],
)
async def test_a_missing_queue_comes_before_bad_arguments(call, rpc, fields) -> None:
    with pytest.raises(NotFound, match="Queue does not exist"):
        await call(rpc, resource=f"{QUEUE}x", **fields)


async def test_a_policy_goes_with_its_queue(call, clock) -> None:
    await put(call, bindings=BINDINGS)
    await call("delete_queue", name=QUEUE)
    clock.advance(days=8)
    await call("create_queue", parent=LOCATION, queue={"name": QUEUE})
    assert await get(call) == Policy(etag=b"\x00\x20\x01")


async def test_a_deleted_queue_leaves_no_policy_behind(call, store, clock) -> None:
    await put(call, bindings=BINDINGS)
    stored = await store.read(lambda reader: reader.queue(QueueName(QUEUE)))
    await call("delete_queue", name=QUEUE)
    assert await store.read(lambda reader: reader.document(KIND, document_of(stored), clock.now())) is None

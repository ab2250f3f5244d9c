"""The key configs."""

import pytest
from google.protobuf.field_mask_pb2 import FieldMask
from tests.api.conftest import LOCATION, QUEUE

from tidegate.core.errors import ErrorInfo, FailedPrecondition, InvalidArgument, NotFound
from tidegate.schema import v2

NAME = f"{LOCATION}/cmekConfig"
KEY = "projects/p/locations/us-central1/keyRings/r/cryptoKeys/k"


def config(key=""):
    return v2.CmekConfig.pb(v2.CmekConfig(name=NAME, kms_key=key))


async def put(call, key, *paths):
    extra = {"update_mask": FieldMask(paths=paths)} if paths else {}
    return await call("update_cmek_config", cmek_config={"name": NAME, "kms_key": key}, **extra)


async def test_a_location_begins_without_a_key(call) -> None:
    assert await call("get_cmek_config", name=NAME) == config()


@pytest.mark.parametrize("paths", [(), ("kms_key",), ("name", "kms_key")])
async def test_a_key_is_set_and_taken_away(call, paths) -> None:
    assert await put(call, KEY, *paths) == config(KEY)
    assert await call("get_cmek_config", name=NAME) == config(KEY)
    assert await put(call, "", *paths) == config()
    assert await call("get_cmek_config", name=NAME) == config()


async def test_a_mask_that_does_not_name_the_key_changes_nothing(call) -> None:
    await put(call, KEY)
    assert await put(call, "", "name") == config(KEY)


@pytest.mark.parametrize(
    ("key", "error", "text"),
    [
        ("k", InvalidArgument, "Resource name [k] does not match any known resource name pattern."),
        (KEY.rsplit("/", 2)[0], InvalidArgument, "Request contains an invalid argument."),
        (f"{KEY}/cryptoKeyVersions/1", InvalidArgument, "Request contains an invalid argument."),
        (KEY.replace("us-central1", "here"), NotFound, "Requested entity was not found."),
    ],
)
async def test_a_bad_key_is_refused(call, key, error, text) -> None:
    with pytest.raises(error) as refused:
        await put(call, key)
    assert refused.value.message == text
    assert await call("get_cmek_config", name=NAME) == config()


async def test_a_bad_mask_is_refused(call) -> None:
    with pytest.raises(InvalidArgument, match="Invalid mask: kmsKey"):
        await put(call, KEY, "kmsKey")


async def test_a_queue_with_header_overrides_bars_every_key(call) -> None:
    target = {"header_overrides": [{"header": {"key": "X-A", "value": "b"}}]}
    await call("create_queue", parent=LOCATION, queue={"name": QUEUE, "http_target": target})
    with pytest.raises(FailedPrecondition, match="CMEK cannot be enabled") as refused:
        await put(call, "not even a key")
    expected = ErrorInfo("UNSATISFIED_PRECONDITION_FOR_CMEK", "cloudtasks.googleapis.com")
    assert refused.value.details == (expected,)

"""Policies of queues."""

from __future__ import annotations

from tests.conformance.cases.tables import QUEUE_MISSING, answered, refused
from tests.conformance.cloud import Cloud


@answered("GetIamPolicy", "SetIamPolicy")
def a_policy_is_kept(cloud: Cloud) -> None:
    cloud.create_queue()
    empty = cloud("GetIamPolicy", resource=cloud.queue)
    assert (empty.version, empty.etag, len(empty.bindings)) == (0, b"\x00\x20\x01", 0)
    bindings = [{"role": "roles/viewer", "members": ["allUsers"]}]
    stored = cloud("SetIamPolicy", resource=cloud.queue, policy={"bindings": bindings})
    assert (stored.version, len(stored.etag), stored.bindings[0].role) == (1, 8, "roles/viewer")
    assert cloud("GetIamPolicy", resource=cloud.queue) == stored


@answered("TestIamPermissions")
def whoever_asks_may_do_everything(cloud: Cloud) -> None:
    cloud.create_queue()
    asked = ["cloudtasks.tasks.run", "cloudtasks.queues.get"]
    tested = cloud("TestIamPermissions", resource=cloud.queue, permissions=asked)
    assert list(tested.permissions) == sorted(asked)


@refused("GetIamPolicy", "SetIamPolicy", "TestIamPermissions")
def a_missing_queue_has_no_policy(cloud: Cloud) -> None:
    for rpc in ("GetIamPolicy", "SetIamPolicy", "TestIamPermissions"):
        assert cloud.refused(rpc, resource=cloud.queue) == ("NOT_FOUND", QUEUE_MISSING, [])


@refused("SetIamPolicy")
def a_policy_that_changed_meanwhile_is_not_overwritten(cloud: Cloud) -> None:
    cloud.create_queue()
    cloud("SetIamPolicy", resource=cloud.queue, policy={})
    refusal = cloud.refused("SetIamPolicy", resource=cloud.queue, policy={"etag": b"\x00\x20\x01"})
    assert refusal.code == "ABORTED"
    assert r"The request's ETag '\000 \001' did not match" in refusal.message

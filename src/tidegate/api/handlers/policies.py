"""IAM policies of queues: get, set, test."""

from __future__ import annotations

from typing import Any

from google.iam.v1 import iam_policy_pb2, policy_pb2

from tidegate.api.dialect import Dialect
from tidegate.core.names import QueueName
from tidegate.core.policy import Binding, Policy, tested_permissions
from tidegate.engine.engine import Engine


async def get_iam_policy(engine: Engine, dialect: Dialect, request: Any, resource: QueueName) -> Any:
    return write_policy(await engine.policies.get(resource, push_only=dialect.push_only))


async def set_iam_policy(engine: Engine, dialect: Dialect, request: Any, resource: QueueName) -> Any:
    mask = set(request.update_mask.paths) or None
    policy = read_policy(request.policy)
    return write_policy(await engine.policies.set(resource, policy, mask, push_only=dialect.push_only))


async def test_iam_permissions(engine: Engine, dialect: Dialect, request: Any, resource: QueueName) -> Any:
    # NOT_FOUND comes before an error about the permissions.
    await engine.queues.get(resource, push_only=dialect.push_only)
    permissions = tested_permissions(request.permissions)
    return iam_policy_pb2.TestIamPermissionsResponse(permissions=permissions)


def read_policy(message: Any) -> Policy:
    return Policy(
        message.version,
        tuple(Binding(each.role, tuple(each.members), each.HasField("condition")) for each in message.bindings),
        message.etag,
    )


def write_policy(policy: Policy) -> Any:
    return policy_pb2.Policy(
        version=policy.version,
        bindings=[policy_pb2.Binding(role=each.role, members=each.members) for each in policy.bindings],
        etag=policy.etag,
    )

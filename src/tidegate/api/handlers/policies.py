"""IAM policies of queues: get, set, test."""

from __future__ import annotations

from typing import Any

from google.iam.v1 import iam_policy_pb2, policy_pb2

from tidegate.api.dialect import Dialect
from tidegate.api.door import May
from tidegate.core.names import QueueName
from tidegate.core.policy import Binding, Policy, tested_permissions
from tidegate.engine.engine import Engine


async def get_iam_policy(engine: Engine, dialect: Dialect, request: Any, resource: QueueName) -> Any:
    return write_policy(await engine.policies.get(resource, push_only=dialect.push_only))


async def set_iam_policy(engine: Engine, dialect: Dialect, request: Any, resource: QueueName) -> Any:
    mask = set(request.update_mask.paths) or None
    policy = read_policy(request.policy)
    return write_policy(await engine.policies.set(resource, policy, mask, push_only=dialect.push_only))


async def test_iam_permissions(engine: Engine, dialect: Dialect, request: Any, resource: QueueName, may: May) -> Any:
    # NOT_FOUND comes before an error about the permissions.
    await engine.queues.get(resource, push_only=dialect.push_only)
    permissions = [each for each in tested_permissions(request.permissions) if may.holds(each, resource)]
    return iam_policy_pb2.TestIamPermissionsResponse(permissions=permissions)


def read_policy(message: Any) -> Policy:
    return Policy(
        message.version,
        tuple(_read_binding(each) for each in message.bindings),
        message.etag,
    )


def write_policy(policy: Policy) -> Any:
    return policy_pb2.Policy(
        version=policy.version,
        bindings=[_write_binding(each) for each in policy.bindings],
        etag=policy.etag,
    )


def _read_binding(sent: Any) -> Binding:
    condition = sent.condition
    return Binding(
        sent.role,
        tuple(sent.members),
        sent.HasField("condition"),
        condition.expression,
        condition.title,
        condition.description,
    )


def _write_binding(binding: Binding) -> Any:
    written = policy_pb2.Binding(role=binding.role, members=binding.members)
    if binding.conditional:
        written.condition.expression = binding.expression
        written.condition.title = binding.title
        written.condition.description = binding.description
    return written

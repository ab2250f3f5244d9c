"""Policies of the server, of projects and of service accounts."""

from __future__ import annotations

from hashlib import sha256
from typing import Any, Final

from google.iam.v1 import iam_policy_pb2

from tidegate.api.door import May
from tidegate.api.handlers.policies import read_policy, write_policy
from tidegate.core.access.names import AccountName
from tidegate.core.access.permissions import ALL
from tidegate.core.errors import InvalidArgument
from tidegate.core.names import ProjectName
from tidegate.core.policy import TESTED_PERMISSIONS_MAX
from tidegate.engine.accounts import found_account
from tidegate.engine.engine import Engine
from tidegate.schema import iam
from tidegate.schema.rpc import raw

_Project: Final = raw(iam.Project)
_ACTIVE: Final = int(iam.Project.LifecycleState.ACTIVE)


async def get_project(engine: Engine, request: Any, name: ProjectName, may: May) -> Any:
    number = int.from_bytes(sha256(name.project.encode()).digest()[:5], "big")  # clients want one; it stays the same
    return _Project(project_number=number, project_id=name.project, lifecycle_state=_ACTIVE, name=name.project)


async def get_policy(engine: Engine, request: Any, name: str, may: May) -> Any:
    return write_policy(await engine.policies.get_at(str(name)))


async def get_account_policy(engine: Engine, request: Any, name: AccountName, may: May) -> Any:
    await engine.accounts.get(name.email)
    return await get_policy(engine, request, name, may)


async def set_policy(engine: Engine, request: Any, name: str, may: May) -> Any:
    mask = set(request.update_mask.paths) or None
    return write_policy(await engine.policies.set_at(str(name), read_policy(request.policy), mask))


async def set_account_policy(engine: Engine, request: Any, name: AccountName, may: May) -> Any:
    mask = set(request.update_mask.paths) or None
    now = engine.clock.now()
    policy = await engine.policies.set_at(
        str(name),
        read_policy(request.policy),
        mask,
        lambda reader: found_account(reader, name.email, now),
    )
    return write_policy(policy)


async def test_permissions(engine: Engine, request: Any, name: ProjectName, may: May) -> Any:
    if len(request.permissions) > TESTED_PERMISSIONS_MAX:
        raise InvalidArgument(f"At most {TESTED_PERMISSIONS_MAX} permissions can be tested.")
    held = [each for each in request.permissions if each in ALL and may.holds(each, name)]
    return iam_policy_pb2.TestIamPermissionsResponse(permissions=held)

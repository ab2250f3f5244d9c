"""Who may do what with a queue: its own policy, shown and changed."""

from __future__ import annotations

from typing import Any, Final

from google.iam.v1.iam_policy_pb2 import GetIamPolicyRequest, SetIamPolicyRequest

from tidegate.console.answer import Answer
from tidegate.console.queue_head import head_of
from tidegate.console.visit import Visit
from tidegate.core.access import ROLES
from tidegate.core.errors import ApiError, InvalidArgument
from tidegate.core.names import QueueName
from tidegate.schema.v2beta3 import CloudTasks

SET: Final = "cloudtasks.queues.setIamPolicy"


async def permissions(visit: Visit, name: QueueName, trouble: str = "") -> Answer:
    head = await head_of(visit, name, "permissions")
    policy = await visit.calls(CloudTasks.get_iam_policy, GetIamPolicyRequest(resource=name))
    return visit.page(
        "permissions.html",
        code=400 if trouble else 200,
        title=f"{name.queue}: permissions",
        section="queues",
        head=head,
        bindings=policy.bindings,
        etag=policy.etag.hex(),
        roles=sorted(ROLES),
        trouble=trouble,
        sent={field: visit.request.sent(field) for field in ("member", "role")},
    )


async def change(visit: Visit, name: QueueName) -> Answer:
    """Give a role to a member, or take it away. Another's change since the page was shown is refused, not undone."""
    visit.need(SET, name)
    sent = visit.request.sent
    role, member = sent("role").strip(), sent("member").strip()
    if sent("remove"):
        role, _, member = sent("remove").partition(" ")
    try:
        policy = await visit.calls(CloudTasks.get_iam_policy, GetIamPolicyRequest(resource=name))
        if sent("remove"):
            _remove(policy, role, member)
        else:
            _add(policy, role, member)
        policy.etag = _etag(sent("etag"))
        await visit.calls(CloudTasks.set_iam_policy, SetIamPolicyRequest(resource=name, policy=policy))
    except ApiError as error:
        return await permissions(visit, name, error.message)
    return visit.go(f"{name}/permissions", notice="saved")


def _etag(text: str) -> bytes:
    try:
        return bytes.fromhex(text)
    except ValueError:
        raise InvalidArgument("The form is none of this page: load it again.") from None


def _add(policy: Any, role: str, member: str) -> None:
    if not role or not member:
        raise InvalidArgument("A role and a member are needed, such as user:ana@example.com.")
    binding = next((each for each in policy.bindings if each.role == role), None) or policy.bindings.add(role=role)
    if member not in binding.members:
        binding.members.append(member)


def _remove(policy: Any, role: str, member: str) -> None:
    for binding in policy.bindings:
        if binding.role == role and member in binding.members:
            binding.members.remove(member)
    kept = [binding for binding in policy.bindings if binding.members]
    del policy.bindings[:]
    policy.bindings.extend(kept)

"""A version of the API as a page: every method over gRPC and REST, every message."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from tidegate.schema.rpc import HttpRule, Rpc, Service
from website.reference.messages import link, reached, section
from website.reference.sources import said
from website.reference.text import prose, table

SHARED = {
    "google.iam.v1.GetIamPolicyRequest": "Who has which role.",
    "google.iam.v1.SetIamPolicyRequest": "Another policy, in place of the one there is.",
    "google.iam.v1.TestIamPermissionsRequest": "Which of some permissions the caller has.",
    "google.cloud.location.ListLocationsRequest": "Where queues can be.",
    "google.cloud.location.GetLocationRequest": "One place where queues can be.",
    "google.longrunning.ListOperationsRequest": "Operations, the newest first.",
    "google.longrunning.GetOperationRequest": "How far an operation is.",
    "google.longrunning.CancelOperationRequest": "Stop an operation; what it has done stays.",
}
"""What methods do whose requests are not ours."""


def page(title: str, intro: str, services: Iterable[type[Service]]) -> str:
    """The whole page."""
    return "\n".join(_lines(title, intro, list(services)))


def _lines(title: str, intro: str, services: list[type[Service]]) -> Iterator[str]:
    yield from (f"# {title}", "", intro, "")
    for service in services:
        yield from (f"## {service.name}", "")
        for row in service.rpcs:
            yield from method(row)
    roots = [kind for service in services for row in service.rpcs for kind in _kinds(row)]
    found = reached(roots)
    if found:
        yield from ("## Messages", "", "The second name of a field is the one it has in JSON.", "")
        for kind in found:
            yield from section(kind)


def method(row: Rpc[Any, Any]) -> Iterator[str]:
    """The lines of one method."""
    request, answer = (kind.DESCRIPTOR for kind in (row.request_pb, row.response_pb))
    says = SHARED.get(request.full_name) or said(request.full_name)
    yield from (f"### {row.rpc_name}", "", prose(says), "")
    yield from table(("what", "value"), _facts(row, request, answer))


def _facts(row: Rpc[Any, Any], request: Any, answer: Any) -> Iterator[tuple[str, str]]:
    if row.grpc:
        yield "gRPC", f"`{row.grpc_path}`"
    for rule in row.bindings:
        yield "REST", _rest(rule)
    yield "takes", link(request)
    yield "answers", f"a stream of {link(answer)}" if row.streams else link(answer)
    if row.long_running:
        yield "its result", f"`{row.long_running.response.__name__}`"
    if row.fields:
        yield "in Python", f"`{row.name}({', '.join(f'{name}=…' for name in row.fields)})`"
    if row.permission:
        yield "needs", ", ".join(f"`{name}`" for name in (row.permission, *row.more_permissions))
    if row.default.timeout:
        yield "clients wait", f"{row.default.timeout:g} s" + (", and call again" if row.default.retry else "")
    if row.dev:
        yield "only", "with `--dev`"


def _rest(rule: HttpRule) -> str:
    body = {None: "", "*": ", the request as body"}.get(rule.body, f", `{rule.body}` as body")
    return f"`{rule.verb} {rule.path}`{body}"


def _kinds(row: Rpc[Any, Any]) -> Iterator[Any]:
    yield row.request_pb.DESCRIPTOR
    yield row.response_pb.DESCRIPTOR
    if row.long_running:
        for kind in (row.long_running.response, row.long_running.metadata):
            yield (kind if hasattr(kind, "DESCRIPTOR") else kind.pb()).DESCRIPTOR

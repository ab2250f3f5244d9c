"""A row as a method of a discovery document: under which resource, by what name, with which parameters."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tidegate.schema.discovery.types import Json, Schemas, single_type
from tidegate.schema.rpc import HttpRule, Rpc
from tidegate.schema.transcoding.path import Template
from tidegate.schema.transcoding.scalars import camel_case

SCOPE = "https://www.googleapis.com/auth/cloud-platform"
OPERATOR = ("operator", "v1")
"""What the paths of the operator's API begin with."""
_BY_VERB = {"PATCH": "patch", "DELETE": "delete"}


@dataclass(frozen=True, slots=True)
class DiscoveryMethod:
    """A method, and the resources it is under, outermost first: ``projects``, ``locations``, ``queues``."""

    resources: tuple[str, ...]
    name: str
    document: Json


def method(
    row: Rpc[Any, Any], rule: HttpRule, schemas: Schemas, description: str | None, api: str = "cloudtasks"
) -> DiscoveryMethod:
    """The method of a row of an API in its published REST form."""
    template = Template.parse(rule.path)
    resources, name = _place(row, rule, template)
    variables = {path: path.rpartition(".")[2] for path, _, _ in template.variables}
    document: Json = {
        "id": ".".join((api, *resources, name)),
        "path": _path(template, variables),
        "flatPath": _flat_path(template),
        "httpMethod": rule.verb,
        "parameterOrder": [camel_case(variable) for variable in variables.values()],
        "parameters": _path_parameters(template, variables) | _query_parameters(row, rule, variables),
        "response": schemas.refer(row.response_pb.DESCRIPTOR),
        "scopes": [SCOPE],
    }
    if rule.body == "*":
        document["request"] = schemas.refer(row.request_pb.DESCRIPTOR, in_path=tuple(variables))
    elif rule.body:
        document["request"] = schemas.refer(row.request_pb.DESCRIPTOR.fields_by_name[rule.body].message_type)
    if description:
        document["description"] = description
    return DiscoveryMethod(resources, name, document)


def _place(row: Rpc[Any, Any], rule: HttpRule, template: Template) -> tuple[tuple[str, ...], str]:
    """Resources are the fixed words of the path; the method is its verb, or what the HTTP verb does there."""
    if template.segments[: len(OPERATOR)] == OPERATOR:
        return _operators_place(row, template)
    words = tuple(segment for segment in template.segments if segment not in {"*", row_version(template)})
    if not template.variables:  # /api/queue/update
        return words[:-1], words[-1]
    _, _, end = template.variables[-1]
    on_one = end == len(template.segments)
    if template.verb:
        return words, template.verb
    if on_one and template.segments[-1] != "*":  # the one thing of its kind, such as a cmekConfig
        return words[:-1], camel_case(row.name)
    return words, _BY_VERB.get(rule.verb) or _read_or_create(rule.verb, on_one=on_one)


def _operators_place(row: Rpc[Any, Any], template: Template) -> tuple[tuple[str, ...], str]:
    """Below the fixed words of the path each method has the name of its row: several may share a path."""
    words = tuple(segment for segment in template.segments[len(OPERATOR) :] if segment != "*")
    return words or ("server",), camel_case(row.name)


def _read_or_create(verb: str, *, on_one: bool) -> str:
    if verb == "POST":
        return "create"
    return "get" if on_one else "list"


def row_version(template: Template) -> str:
    """``v2``; empty for a path without a version."""
    return template.segments[0] if template.variables else ""


def _path(template: Template, variables: dict[str, str]) -> str:
    """``v2/{+parent}/tasks:lease``."""
    parts = list(template.segments)
    for path, start, end in reversed(template.variables):
        name = camel_case(variables[path])
        parts[start:end] = [f"{{{name}}}" if end - start == 1 else f"{{+{name}}}"]
    return "/".join(parts) + _custom(template)


def _flat_path(template: Template) -> str:
    """``v2/projects/{projectsId}/locations``: each star named after the word before it."""
    singles = {start: camel_case(path) for path, start, end in template.variables if end - start == 1}
    parts = [
        f"{{{singles.get(position) or template.segments[position - 1] + 'Id'}}}" if segment == "*" else segment
        for position, segment in enumerate(template.segments)
    ]
    return "/".join(parts) + _custom(template)


def _custom(template: Template) -> str:
    return f":{template.verb}" if template.verb else ""


def _path_parameters(template: Template, variables: dict[str, str]) -> Json:
    parameters = {}
    for path, start, end in template.variables:
        parameter: Json = {"location": "path", "type": "string", "required": True}
        if end - start > 1:
            words = [segment.replace("*", "[^/]+") for segment in template.segments[start:end]]
            parameter["pattern"] = "^" + "/".join(words) + "$"
        parameters[camel_case(variables[path])] = parameter
    return parameters


def _query_parameters(row: Rpc[Any, Any], rule: HttpRule, variables: dict[str, str]) -> Json:
    parameters: Json = {name: {"location": "query", "type": "string", "repeated": True} for name in rule.ignored}
    if rule.body == "*":
        return parameters
    taken = {path.partition(".")[0] for path in variables} | {rule.body}
    for field in row.request_pb.DESCRIPTOR.fields:
        single = single_type(field)
        if field.name not in taken and single is not None:
            parameters[field.json_name] = (
                {"location": "query"} | single | ({"repeated": True} if field.is_repeated else {})
            )
    return parameters

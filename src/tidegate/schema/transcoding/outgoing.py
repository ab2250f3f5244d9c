"""The client's side: a request as an HTTP call, and an answer as a message."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from google.protobuf.json_format import ParseError

from tidegate.core.errors import InvalidArgument
from tidegate.schema.rpc import HttpRule, Rpc
from tidegate.schema.transcoding.json_read import Reading, read_json
from tidegate.schema.transcoding.json_write import encode, to_json
from tidegate.schema.transcoding.path import Template
from tidegate.schema.transcoding.violations import Violations


@dataclass(frozen=True, slots=True)
class RestCall:
    """A call to send: the path percent-encoded, the query as pairs, the body in JSON or None."""

    verb: str
    path: str
    query: tuple[tuple[str, str], ...]
    body: bytes | None


def write_request(row: Rpc[Any, Any], message: Any) -> RestCall:
    """A raw request message as the HTTP call of its row, enums as numbers.

    What the path says is left out of body and query.

    Raises:
        ValueError: a name does not fit the path, or the row has no REST form.
    """
    for rule in row.bindings:
        values = {variable: _value(message, variable) for variable in rule.variables}
        path = Template.parse(rule.path).write(values)
        if path is not None:
            return _call(rule, path, message)
    forms = ", ".join(rule.path for rule in row.bindings) or "nothing: it has no REST form"
    raise ValueError(f"Invalid request: the names in it do not fit the path of {row.rpc_name}, which is {forms}.")


def read_response(row: Rpc[Any, Any], body: bytes) -> Any:
    """The raw response message of an answer. Fields and enum names that are unknown here are skipped: the server may be
    newer.

    Raises:
        ParseError: the answer is not such a message; also when it is empty, which would read as one with nothing set.
    """
    if not body.strip():
        raise ParseError(f"Not a {row.response_pb.DESCRIPTOR.name}: the answer is empty.")
    message = row.response_pb()
    reading = Reading(Violations(), ignore_unknown=True)
    try:
        reading.fill(message, read_json(body))
        reading.found.check()
    except InvalidArgument as error:
        raise ParseError(f"Not a {row.response_pb.DESCRIPTOR.name}: {error.message}") from error
    return message


def _call(rule: HttpRule, path: str, message: Any) -> RestCall:
    rest = type(message)()
    rest.CopyFrom(message)
    for variable in rule.variables:
        *parents, name = variable.split(".")
        holder = rest
        for parent in parents:
            holder = getattr(holder, parent)
        holder.ClearField(name)
    if rule.body == "*":
        return RestCall(rule.verb, path, (), encode(to_json(rest, int_enums=True), pretty=False))
    body = None
    if rule.body is not None:
        body = encode(to_json(getattr(rest, rule.body), int_enums=True), pretty=False)
        rest.ClearField(rule.body)
    return RestCall(rule.verb, path, tuple(_parameters(to_json(rest, int_enums=True), "")), body)


def _value(message: Any, path: str) -> str:
    for name in path.split("."):
        message = getattr(message, name)
    return str(message)


def _parameters(value: Any, name: str) -> list[tuple[str, str]]:
    """A JSON value as query parameters: dots between names, one parameter for each item of a list."""
    if isinstance(value, dict):
        return [pair for key, member in value.items() for pair in _parameters(member, f"{name}.{key}" if name else key)]
    if isinstance(value, list):
        return [pair for item in value for pair in _parameters(item, name)]
    return [(name, str(value).lower() if isinstance(value, bool) else str(value))]

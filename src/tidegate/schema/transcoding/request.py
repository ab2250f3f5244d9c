"""An HTTP call as the request of its row."""

from __future__ import annotations

from functools import partial
from typing import Any

from google.api.httpbody_pb2 import HttpBody

from tidegate.core.errors import InvalidArgument
from tidegate.schema.rpc import Rpc
from tidegate.schema.transcoding.json_read import Reading, read_json
from tidegate.schema.transcoding.options import Parameters, read_options, split_query
from tidegate.schema.transcoding.query import bind_query
from tidegate.schema.transcoding.selection import read_selection
from tidegate.schema.transcoding.violations import Violations

LARGEST_BODY = 128 * 2**20
_WRAPPED = {"contentType", "content_type", "data", "extensions"}


def read_request(
    row: Rpc[Any, Any],
    variables: dict[str, str],
    query: str | Parameters = "",
    body: bytes = b"",
    content_type: str = "",
) -> Any:
    """The raw request message of an HTTP call. The names in the path win over those in query and body.

    A body where the rule has none is left alone. Where the request holds an HttpBody (BufferTask, UploadQueueYaml), a
    body that is not the request in JSON becomes that HttpBody as it is.

    Raises:
        InvalidArgument: with every finding, in the order of the body and then of the query.
    """
    if len(body) > LARGEST_BODY:
        raise InvalidArgument(f"The request is too large: {len(body)} bytes, more than {LARGEST_BODY}.")
    parameters = split_query(query) if isinstance(query, str) else query
    if selected := read_options(parameters).fields:
        read_selection(selected, row.response_pb.DESCRIPTOR)  # now, before the call has done its work
    message = row.request_pb()
    reading = Reading(Violations())
    rule = row.http
    if rule is not None and rule.body is not None:
        _read_body(reading, message, rule.body, body, content_type)
    bind_query(reading, message, parameters, rule.ignored if rule else ())
    reading.found.check()
    for path, value in variables.items():
        *parents, name = path.split(".")
        holder = message
        for parent in parents:
            holder = getattr(holder, parent)
        try:
            setattr(holder, name, value)
        except ValueError as error:  # half a surrogate pair
            raise InvalidArgument(f"The path is not UTF-8: {ascii(value)[:200]}") from error
    return message


def _read_body(reading: Reading, message: Any, rule_body: str, body: bytes, content_type: str) -> None:
    if (raw := _raw_field(message)) and (rule_body == raw or not _is_wrapped(raw, body, content_type)):
        if body:
            getattr(message, raw).CopyFrom(HttpBody(content_type=content_type, data=body))
        return
    members = read_json(body)
    if rule_body == "*":
        reading.fill(message, members)
    else:
        held = getattr(message, rule_body)
        held.SetInParent()
        reading.within(rule_body, partial(reading.fill, held, members))


def _raw_field(message: Any) -> str | None:
    """The field for a body of any type, if there is one."""
    for field in message.DESCRIPTOR.fields:
        if field.message_type is HttpBody.DESCRIPTOR:
            name: str = field.name
            return name
    return None


def _is_wrapped(raw: str, body: bytes, content_type: str) -> bool:
    """Whether a body is the HttpBody in JSON, not the payload itself: published samples send either."""
    if content_type.partition(";")[0].strip().lower() != "application/json":
        return False
    try:
        members = read_json(body)
    except InvalidArgument:
        return False
    inner = members.get(raw)
    return members.keys() == {raw} and isinstance(inner, dict) and inner.keys() <= _WRAPPED

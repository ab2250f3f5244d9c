"""An HTTP call as the request of its row."""

from __future__ import annotations

from collections.abc import Generator
from functools import partial
from typing import Any

from google.api.httpbody_pb2 import HttpBody

from tidegate.core.errors import InvalidArgument
from tidegate.schema.limits import ENTRY_MAX, SMALL, counted
from tidegate.schema.rpc import Rpc
from tidegate.schema.transcoding.json_read import JsonField, Reading, decode, fields_of, fill_item, read_json
from tidegate.schema.transcoding.long_body import VALUES_MAX, Outline, outline
from tidegate.schema.transcoding.options import Parameters, read_options, split_query
from tidegate.schema.transcoding.query import bind_query
from tidegate.schema.transcoding.selection import read_selection
from tidegate.schema.transcoding.violations import Violations

QUERY_MAX = SMALL
"""Bytes of a query. URLs end before that, but a query may come as a body."""
PARAMETERS_MAX = 1000
"""Parameters of a query. A mask's 200 paths may come as one each."""
_WRAPPED = {"contentType", "content_type", "data", "extensions"}


def check_query(query: str | bytes) -> None:
    """The limits of a query, before it is taken apart. Raises InvalidArgument."""
    if len(query) > QUERY_MAX:
        raise InvalidArgument(f"The query must have at most {QUERY_MAX} bytes, but has {len(query)}.")
    count = query.count("&") if isinstance(query, str) else query.count(b"&")
    if count >= PARAMETERS_MAX:
        raise InvalidArgument(f"The query must have at most {PARAMETERS_MAX} parameters, but has {count + 1}.")


def read_request(
    row: Rpc[Any, Any],
    variables: dict[str, str],
    query: str | Parameters = "",
    body: bytes | bytearray = b"",
    content_type: str = "",
) -> Any:
    """The raw request message of an HTTP call. The names in the path win over those in query and body.

    A body where the rule has none is left alone. Where the request holds an HttpBody (BufferTask, UploadQueueYaml), a
    body that is not the request in JSON becomes that HttpBody as it is.

    Raises:
        InvalidArgument: with every finding, in the order of the body and then of the query.
    """
    steps = read_request_steps(row, variables, query, body, content_type)
    while True:
        try:
            next(steps)
        except StopIteration as end:
            return end.value


def read_request_steps(
    row: Rpc[Any, Any],
    variables: dict[str, str],
    query: str | Parameters = "",
    body: bytes | bytearray = b"",
    content_type: str = "",
) -> Generator[None, None, Any]:
    """``read_request`` as a generator, for those who do something else in between: a body of a hundred tasks of a
    megabyte takes a second. Returns what that does; raises the same.
    """
    if isinstance(query, str):
        check_query(query)
        parameters = split_query(query)
    else:
        parameters = query
    if selected := read_options(parameters).fields:
        read_selection(selected, row.response_pb.DESCRIPTOR)  # now, before the call has done its work
    message = row.request_pb()
    reading = Reading(Violations(), bounded=True)
    rule = row.http
    if rule is not None and rule.body is not None:
        yield from _read_body(reading, message, rule.body, body, content_type)
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


def _read_body(
    reading: Reading, message: Any, rule_body: str, body: bytes | bytearray, content_type: str
) -> Generator[None, None, None]:
    raw = _raw_field(message)
    if raw is not None and (rule_body == raw or not (yield from _is_wrapped(raw, body, content_type))):
        if body:
            getattr(message, raw).CopyFrom(HttpBody(content_type=content_type, data=bytes(body)))
        return
    list_ = _long_list(message) if rule_body == "*" and len(body) > SMALL else None
    if list_ is not None:
        yield from _read_list(reading, message, list_, body)
        return
    members = yield from _members(body)
    if rule_body == "*":
        reading.fill(message, members)
    else:
        held = getattr(message, rule_body)
        held.SetInParent()
        reading.within(rule_body, partial(reading.fill, held, members))


def _members(body: bytes | bytearray, most: int = VALUES_MAX) -> Generator[None, None, dict[str, Any]]:
    """The members of a body's object, the values of a long one counted before they are made."""
    if len(body) > SMALL:
        yield from outline(body, most, Outline())
    return read_json(body)


def _long_list(message: Any) -> JsonField | None:
    """The list of messages that a request is about, if there is one: a batch's."""
    return next(
        (field for field in fields_of(message.DESCRIPTOR).values() if field.most is not None and field.is_list), None
    )


def _read_list(
    reading: Reading, message: Any, field: JsonField, body: bytes | bytearray
) -> Generator[None, None, None]:
    """A long body that is mostly one list: its items are counted, then read one after the other."""
    assert field.most is not None  # noqa: S101 - as chosen
    found = Outline()
    most = VALUES_MAX * field.most.entries
    yield from outline(body, most, found)
    if len(found.items) > field.most.entries:
        raise field.most.refuse(counted(len(found.items)))
    if max(len(body) - (found.end - found.begin), *(end - begin for begin, end in found.items), 0) > ENTRY_MAX:
        raise InvalidArgument(f"Invalid JSON payload received. A part of it has more than {ENTRY_MAX} bytes.")
    shell = read_json(body[: found.begin] + b"[]" + body[found.end :])
    key = next((name for name, value in shell.items() if value == []), None)
    if key is None or fields_of(message.DESCRIPTOR).get(key) is not field:
        # Another list is the longest, or none is: what is wrong with it is found as in a short body.
        reading.fill(message, read_json(body))
        return
    for name, value in shell.items():
        if name != key:
            reading.fill(message, {name: value})
            continue
        for position, (begin, end) in enumerate(found.items):
            item = decode(body[begin:end])
            yield
            fill_item(field, reading, message, key, item, position)
            yield


def _raw_field(message: Any) -> str | None:
    """The field for a body of any type, if there is one."""
    for field in message.DESCRIPTOR.fields:
        if field.message_type is HttpBody.DESCRIPTOR:
            name: str = field.name
            return name
    return None


def _is_wrapped(raw: str, body: bytes | bytearray, content_type: str) -> Generator[None, None, bool]:
    """Whether a body is the HttpBody in JSON, not the payload itself: published samples send either."""
    if content_type.partition(";")[0].strip().lower() != "application/json":
        return False
    try:
        members = yield from _members(body)
    except InvalidArgument:
        return False
    inner = members.get(raw)
    return members.keys() == {raw} and isinstance(inner, dict) and inner.keys() <= _WRAPPED

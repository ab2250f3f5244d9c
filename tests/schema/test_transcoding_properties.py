"""Random messages and random nonsense against the protobuf library's own JSON form."""

import json
from typing import Any

import pytest
from google.protobuf import json_format
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.schema.random_messages import any_message

from tidegate.core.errors import InvalidArgument
from tidegate.schema import v2, v2beta2, v2beta3
from tidegate.schema.rpc import Rpc, raw
from tidegate.schema.transcoding.json_read import Reading
from tidegate.schema.transcoding.json_write import to_json
from tidegate.schema.transcoding.options import read_options, split_query
from tidegate.schema.transcoding.outgoing import read_response, write_request
from tidegate.schema.transcoding.path import Router
from tidegate.schema.transcoding.request import read_request
from tidegate.schema.transcoding.response import write_response
from tidegate.schema.transcoding.violations import Violations

VERSIONS = (v2, v2beta2, v2beta3)
ROWS = [row for version in VERSIONS for service in version.SERVICES for row in service.rpcs]
ROUTER = Router(ROWS)
MESSAGES = sorted(
    {kind for row in ROWS for kind in (row.request_pb, row.response_pb)}
    | {raw(row.long_running.metadata) for row in ROWS if row.long_running},
    key=lambda kind: kind.DESCRIPTOR.full_name,
)


@settings(max_examples=300)
@given(message=any_message(MESSAGES), int_enums=st.booleans())
def test_what_is_written_is_what_the_library_writes(message: Any, int_enums: bool) -> None:
    theirs = json_format.MessageToDict(message, use_integers_for_enums=int_enums)
    assert to_json(message, int_enums=int_enums) == theirs
    assert json.loads(write_response(message, int_enums=int_enums)) == theirs


@settings(max_examples=300)
@given(message=any_message(MESSAGES), int_enums=st.booleans(), snake=st.booleans())
def test_what_the_library_writes_is_read_back(message: Any, int_enums: bool, snake: bool) -> None:
    text = json_format.MessageToDict(message, use_integers_for_enums=int_enums, preserving_proto_field_name=snake)
    again = type(message)()
    reading = Reading(Violations())
    reading.fill(again, text)
    reading.found.check()
    assert again.SerializeToString(deterministic=True) == message.SerializeToString(deterministic=True)


@settings(max_examples=300)
@given(message=any_message(MESSAGES))
def test_the_library_reads_what_is_written(message: Any) -> None:
    again = json_format.Parse(write_response(message), type(message)())
    assert again.SerializeToString(deterministic=True) == message.SerializeToString(deterministic=True)


SIMPLE = [row for row in ROWS if row.http and row.name not in {"upload_queue_yaml", "buffer_task"}]


@settings(max_examples=300)
@given(data=st.data(), row=st.sampled_from(SIMPLE))
def test_a_call_that_is_written_is_read_back(data: Any, row: Rpc[Any, Any]) -> None:
    message = data.draw(any_message([row.request_pb]))
    assert row.http is not None
    for variable in row.http.variables:
        pattern = row.http.path.partition(variable + "=")[2].partition("}")[0]
        segment = data.draw(st.text(st.characters(exclude_characters="/", codec="utf-8"), min_size=1))
        *parents, name = variable.split(".")
        holder = message
        for parent in parents:
            holder = getattr(holder, parent)
        setattr(holder, name, pattern.replace("*", segment))
    call = write_request(row, message)
    match = ROUTER.match(call.verb, call.path)
    assert match is not None
    assert match.row is row
    again = read_request(match.row, match.variables, list(call.query), call.body or b"")
    sent, read = json_format.MessageToDict(message), json_format.MessageToDict(again)
    if row.http.body != "*":  # a query cannot show that a message is there but empty, nor tell 0 from unset
        sent, read = without_empty(sent), without_empty(read)
    assert read == sent


def without_empty(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    kept = {key: without_empty(member) for key, member in value.items()}
    return {key: member for key, member in kept.items() if member not in ({}, "", [])}


@settings(max_examples=200)
@given(message=any_message([row.response_pb for row in ROWS]))
def test_an_answer_is_read_back_by_the_client(message: Any) -> None:
    row = next(row for row in ROWS if row.response_pb is type(message))
    again = read_response(row, write_response(message, int_enums=True, pretty=False))
    assert again.SerializeToString(deterministic=True) == message.SerializeToString(deterministic=True)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.just("2030-01-01T00:00:00Z"),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@st.composite
def nearly_right(draw: Any, descriptor: Any, depth: int = 4) -> Any:
    """An object with the right names and any values, so that nonsense gets deep."""
    if not depth or draw(st.integers(0, 9)) == 0:
        return draw(JSON)
    members = {}
    for field in draw(st.lists(st.sampled_from(list(descriptor.fields)), max_size=3)) if descriptor.fields else []:
        inside = nearly_right(field.message_type, depth - 1) if field.message_type else JSON
        members[draw(st.sampled_from([field.json_name, field.name]))] = draw(inside | st.lists(inside, max_size=2))
    if draw(st.integers(0, 9)) == 0:
        members[draw(st.text(max_size=5))] = draw(JSON)
    return members


def politely(row: Rpc[Any, Any], variables: dict[str, str], query: str, body: bytes) -> None:
    """Whatever comes, there is a request or an InvalidArgument."""
    try:
        read_options(split_query(query))
        request = read_request(row, variables, query, body, "application/json")
    except InvalidArgument:
        return
    assert isinstance(request, row.request_pb)


@settings(max_examples=500)
@given(data=st.data(), row=st.sampled_from(ROWS))
def test_any_json_is_read_or_refused(data: Any, row: Rpc[Any, Any]) -> None:
    politely(row, {}, "", json.dumps(data.draw(nearly_right(row.request_pb.DESCRIPTOR))).encode())


@settings(max_examples=300)
@given(row=st.sampled_from(ROWS), body=st.binary() | st.text(st.sampled_from('{}[]:,"\\u019.eE-+ tfn')).map(str.encode))
def test_any_bytes_are_read_or_refused(row: Rpc[Any, Any], body: bytes) -> None:
    politely(row, {}, "", body)


QUERY = st.lists(
    st.tuples(
        st.sampled_from(["fields", "alt", "parent", "responseView", "task.name", "updateMask", "names", "readMask"])
        | st.text(max_size=8),
        st.text(max_size=12) | st.text(st.sampled_from("abc/(),*."), max_size=12),
    )
).map(lambda pairs: "&".join(f"{key}={value}" for key, value in pairs))


@settings(max_examples=500)
@given(row=st.sampled_from(ROWS), query=QUERY | st.text() | st.text(st.characters()))
def test_any_query_is_read_or_refused(row: Rpc[Any, Any], query: str) -> None:
    politely(row, {}, query, b"")


@settings(max_examples=300)
@given(
    verb=st.sampled_from(["GET", "POST", "x", ""]), segments=st.lists(st.text(max_size=5)), fit=st.sampled_from(ROWS)
)
def test_any_path_is_read_or_not_found(verb: str, segments: list[str], fit: Rpc[Any, Any]) -> None:
    ROUTER.match(verb, "/".join(segments))
    assert fit.http is not None
    given_segments = iter([*segments, *["x"] * 9])
    path = "/".join(next(given_segments) if "*" in part else part for part in fit.http.path.split("/"))
    match = ROUTER.match(fit.http.verb, path)
    if match:
        politely(match.row, match.variables, "", b"")


@pytest.mark.parametrize("value", ["\udc80", "a\x00b", "%ff"])
def test_a_path_of_any_characters_is_read_or_refused(value: str) -> None:
    match = ROUTER.match("GET", f"/v2/projects/{value}/locations")
    assert match is not None
    politely(match.row, match.variables, "", b"")

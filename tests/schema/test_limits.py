"""Counts and lengths of a message as it travels, checked before anything is built from it."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidegate.core.errors import InvalidArgument
from tidegate.schema import v2
from tidegate.schema.limits import ENTRY_MAX, SMALL, json_size_of, scan, size_of
from tidegate.schema.versions import all_rows

BATCH = v2.BatchCreateTasksRequest.pb()
DELETE = v2.BatchDeleteTasksRequest.pb()
CREATE = v2.CreateTaskRequest.pb()
EMPTY_REQUEST = b"\x12\x00"


def refusal(message: Any, raw: bytes) -> str:
    with pytest.raises(InvalidArgument) as caught:
        list(scan(message.DESCRIPTOR, raw))
    return caught.value.message


@pytest.mark.parametrize("count", [101, 10_000, 10_001, 1_000_000])
def test_a_batch_is_counted_no_further_than_an_error_needs(count: int) -> None:
    shown = count if count <= 10_000 else "more than 10000"
    assert refusal(BATCH, EMPTY_REQUEST * count) == (
        f"A maximum of 100 tasks can be created in a single batch, but got {shown} tasks."
    )


def test_names_headers_and_paths_are_counted_at_any_depth() -> None:
    assert refusal(DELETE, b"\x12\x00" * 1001) == (
        "A maximum of 1000 tasks can be handled in a batch, but 1001 were requested."
    )
    task = v2.Task(http_request=v2.HttpRequest(headers={f"x{number}": "y" for number in range(4097)}))
    raw = CREATE(task=v2.Task.pb(task)).SerializeToString()
    assert refusal(CREATE, raw) == "HttpRequest.headers must have at most 4096 entries, but got 4097."
    batch = BATCH()
    batch.requests.add(task=v2.Task.pb(task))
    assert refusal(BATCH, batch.SerializeToString()).startswith("HttpRequest.headers")


def test_fields_that_nobody_knows_count_too() -> None:
    assert refusal(CREATE, b"\xf8\x3f\x00" * 1001) == "A CreateTaskRequest must have at most 1000 fields."
    assert refusal(CREATE, b"\xfb\x3f\xfc\x3f") == "The message is no valid CreateTaskRequest."
    long = b"\x0a" + b"\x81\x80\x80\x02" + b"x" * (ENTRY_MAX + 1)
    assert "no field of more than" in refusal(CREATE, long)


def test_every_method_has_a_size_and_most_are_small() -> None:
    sizes = {row.name: size_of(row.name) for row in all_rows()}
    assert sizes["batch_create_tasks"] == 100 * sizes["create_task"]
    assert sizes["create_task"] >= 2**20 * 1.09
    assert sizes["get_queue"] == sizes["list_tasks"] == sizes["lease_tasks"] == SMALL
    assert json_size_of(sizes["create_task"]) > sizes["create_task"] * 4 / 3


@given(st.binary(max_size=300) | st.lists(st.sampled_from([b"\x12\x00", b"\x0a\x01x", b"\x18\x01"])).map(b"".join))
def test_what_passes_is_cut_where_it_can_be_decoded_in_pieces(raw: bytes) -> None:
    try:
        cuts = list(scan(BATCH.DESCRIPTOR, raw))
    except InvalidArgument:
        return
    assert cuts[-1] == len(raw)
    assert cuts == sorted(cuts)


def test_a_long_message_decoded_in_pieces_is_the_same() -> None:
    batch = BATCH(parent="p", request_id="r")
    for number in range(90):
        task = v2.Task(http_request=v2.HttpRequest(url=f"http://x/{number}", body=bytes(20_000)))
        batch.requests.add(parent="p").task.CopyFrom(v2.Task.pb(task))
    raw = batch.SerializeToString()
    again, begin = BATCH(), 0
    cuts = list(scan(BATCH.DESCRIPTOR, raw))
    for cut in cuts:
        again.MergeFromString(raw[begin:cut])
        begin = cut
    assert again == batch
    assert len(set(cuts)) > 4

"""Bodies as people read them: nothing is changed but white space."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidegate.console import bodies
from tidegate.console.bodies import NotJsonError


def shown(text: str, *, cut: bool = False) -> str:
    return "".join(piece.text for piece in bodies.json_pieces(text, cut=cut))


def test_json_is_indented_and_short_objects_stay_on_their_line() -> None:
    assert shown('{"order":10092,"items":[{"sku":"TG","count":2},{"sku":"B"}],"none":[]}') == (
        '{\n  "order": 10092,\n  "items": [\n    {"sku": "TG", "count": 2},\n    {"sku": "B"}\n  ],\n  "none": []\n}'
    )


@pytest.mark.parametrize(
    "number", ["12345678901234567890", "1.10", "1e400", "-0.0", "0.1000000000000000055511151231257827", "1E+2"]
)
def test_numbers_are_shown_as_they_are(number: str) -> None:
    assert shown(f'{{"n":{number}}}') == f'{{\n  "n": {number}\n}}'


def test_keys_strings_and_numbers_are_told_apart() -> None:
    kinds = [(piece.text, piece.kind) for piece in bodies.json_pieces('{"a":"b","c":1,"d":null}') if piece.kind]
    assert kinds == [('"a"', "k"), ('"b"', "s"), ('"c"', "k"), ("1", "n"), ('"d"', "k"), ("null", "c")]


@pytest.mark.parametrize(
    "text", ["", " ", "{]", '{"a" "b"}', "1 2", '{"a":1', "[1,]", '{"a":1,}', "nope", "[1 2]", '{"a":}']
)
def test_what_is_not_json_is_not_shown_as_json(text: str) -> None:
    with pytest.raises(NotJsonError):
        bodies.json_pieces(text)


json_values: Any = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text() | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(json_values)
def test_indented_json_means_the_same(value: Any) -> None:
    assert json.loads(shown(json.dumps(value))) == value


def test_a_body_that_is_cut_is_shown_up_to_there() -> None:
    assert shown('{"a": [1, "two', cut=True) == '{\n  "a": [\n    1,\n    "two'


@pytest.mark.parametrize("text", ["[" * 65536, '{"a":' * 13000])
def test_deep_json_does_not_grow_a_page_without_end(text: str) -> None:
    with pytest.raises(NotJsonError, match="too deep"):
        bodies.json_pieces(text, cut=True)


def test_bytes_that_are_no_text_are_shown_by_their_numbers() -> None:
    assert bodies.text_of(b"ok \xff\xfe") == "ok \\xff\\xfe"


def test_hex_shows_sixteen_bytes_a_line() -> None:
    assert bodies.hex_of(b"hello world\0\xff more").splitlines() == [
        "00000000  68 65 6c 6c 6f 20 77 6f  72 6c 64 00 ff 20 6d 6f  hello world.. mo",
        "00000010  72 65                                             re",
    ]


def test_a_long_body_is_cut_between_characters() -> None:
    body, cut = bodies.cut_body(("a" + "é" * 65536).encode())
    assert cut
    assert len(body) == bodies.PREVIEW - 1
    assert body.decode().endswith("é")
    assert bodies.cut_body(b"short") == (b"short", False)

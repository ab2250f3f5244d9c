"""How an error travels."""

from __future__ import annotations

import json
from base64 import b64decode
from datetime import timedelta
from urllib.parse import unquote

import pytest
from google.rpc import error_details_pb2, status_pb2
from hypothesis import given
from hypothesis import strategies as st

from tidegate.api.status import GRPC_MESSAGE_MAX, HTTP_STATUS, grpc_message, grpc_trailers, rest_error, rest_error_body
from tidegate.core.errors import (
    ApiError,
    BadRequest,
    Code,
    ErrorInfo,
    FieldViolation,
    Help,
    InvalidArgument,
    LocalizedMessage,
    NotFound,
    ResourceExhausted,
    RetryInfo,
)

EVERY_DETAIL = (
    ErrorInfo("ACCESS_DENIED", "cloudtasks.googleapis.com", {"permission": "p"}),
    Help("Read this", "https://example.com/help"),
    LocalizedMessage("en-US", "Nothing here."),
    BadRequest((FieldViolation("is too long", "task.name"), FieldViolation("no path"))),
    RetryInfo(timedelta(seconds=1, milliseconds=500)),
)


def test_every_code_has_its_http_status() -> None:
    assert {code: HTTP_STATUS[code] for code in Code} == {
        Code.OK: 200,
        Code.CANCELLED: 499,
        Code.UNKNOWN: 500,
        Code.INVALID_ARGUMENT: 400,
        Code.DEADLINE_EXCEEDED: 504,
        Code.NOT_FOUND: 404,
        Code.ALREADY_EXISTS: 409,
        Code.PERMISSION_DENIED: 403,
        Code.RESOURCE_EXHAUSTED: 429,
        Code.FAILED_PRECONDITION: 400,
        Code.ABORTED: 409,
        Code.OUT_OF_RANGE: 400,
        Code.UNIMPLEMENTED: 501,
        Code.INTERNAL: 500,
        Code.UNAVAILABLE: 503,
        Code.DATA_LOSS: 500,
        Code.UNAUTHENTICATED: 401,
    }


def test_an_error_without_details_has_two_trailers() -> None:
    assert grpc_trailers(NotFound("Queue does not exist.")) == [
        (b"grpc-status", b"5"),
        (b"grpc-message", b"Queue does not exist."),
    ]


def test_details_travel_as_a_whole_status_in_base64_without_padding() -> None:
    trailers = dict(grpc_trailers(InvalidArgument("no", *EVERY_DETAIL)))
    raw = trailers[b"grpc-status-details-bin"]
    assert b"=" not in raw
    status = status_pb2.Status.FromString(b64decode(raw + b"=" * (-len(raw) % 4)))
    assert (status.code, status.message) == (3, "no")
    assert [each.type_url for each in status.details] == [
        f"type.googleapis.com/google.rpc.{name}"
        for name in ("ErrorInfo", "Help", "LocalizedMessage", "BadRequest", "RetryInfo")
    ]
    info = error_details_pb2.ErrorInfo()
    assert status.details[0].Unpack(info)
    assert (info.reason, info.domain, dict(info.metadata)) == (
        "ACCESS_DENIED",
        "cloudtasks.googleapis.com",
        {"permission": "p"},
    )


def test_the_rest_body_shows_the_same_details() -> None:
    assert rest_error(InvalidArgument("no", *EVERY_DETAIL)) == {
        "error": {
            "code": 400,
            "message": "no",
            "status": "INVALID_ARGUMENT",
            "details": [
                {
                    "@type": "type.googleapis.com/google.rpc.ErrorInfo",
                    "reason": "ACCESS_DENIED",
                    "domain": "cloudtasks.googleapis.com",
                    "metadata": {"permission": "p"},
                },
                {
                    "@type": "type.googleapis.com/google.rpc.Help",
                    "links": [{"description": "Read this", "url": "https://example.com/help"}],
                },
                {
                    "@type": "type.googleapis.com/google.rpc.LocalizedMessage",
                    "locale": "en-US",
                    "message": "Nothing here.",
                },
                {
                    "@type": "type.googleapis.com/google.rpc.BadRequest",
                    "fieldViolations": [
                        {"field": "task.name", "description": "is too long"},
                        {"description": "no path"},
                    ],
                },
                {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "1.500s"},
            ],
        }
    }


def test_a_rest_body_is_indented_unless_asked_otherwise() -> None:
    error = ResourceExhausted("Größe")
    assert rest_error_body(error).decode() == (
        '{\n  "error": {\n    "code": 429,\n    "message": "Größe",\n    "status": "RESOURCE_EXHAUSTED"\n  }\n}\n'
    )
    assert rest_error_body(error, pretty=False).decode() == (
        '{"error":{"code":429,"message":"Größe","status":"RESOURCE_EXHAUSTED"}}'
    )


@pytest.mark.parametrize(
    ("text", "encoded"),
    [
        ("plain text, with ~!", b"plain text, with ~!"),
        ("100 %", b"100 %25"),
        ("Größe", b"Gr%C3%B6%C3%9Fe"),
        ("two\nlines\x7f", b"two%0Alines%7F"),
        ("", b""),
        ("  ends with a space ", b"%20%20ends with a space%20"),
        ("  ", b"%20%20"),
    ],
)
def test_a_grpc_message_is_percent_encoded(text: str, encoded: bytes) -> None:
    assert grpc_message(text) == encoded


@given(st.text())
def test_a_grpc_message_comes_back_as_it_was_when_it_is_not_too_long(text: str) -> None:
    encoded = grpc_message(text)
    assert all(0x20 <= byte < 0x7F for byte in encoded)
    assert encoded == encoded.strip()  # HTTP drops what is around a field's value
    assert unquote(encoded.decode()) == text.encode("utf-8", "replace").decode()


@given(st.text(alphabet="aä%€😀", min_size=1), st.integers(0, 12))
def test_a_text_too_long_for_trailers_is_cut_between_two_characters(text: str, shift: int) -> None:
    text = "a" * shift + text * 2 * GRPC_MESSAGE_MAX
    encoded = grpc_message(text)
    assert GRPC_MESSAGE_MAX - 15 <= len(encoded) <= GRPC_MESSAGE_MAX
    assert encoded.endswith(b"...")
    assert text.startswith(unquote(encoded[:-3].decode(), errors="strict"))


def test_details_too_large_for_trailers_are_left_out_and_the_rest_stays() -> None:
    lines = tuple(FieldViolation("x" * 100) for _ in range(100))
    assert [name for name, _ in grpc_trailers(InvalidArgument("no", BadRequest(lines)))] == [
        b"grpc-status",
        b"grpc-message",
    ]


def test_half_a_character_does_not_break_the_answer() -> None:
    error = InvalidArgument("bad \ud800", BadRequest((FieldViolation("bad \ud800", "f\ud800"),)))
    assert dict(grpc_trailers(error))[b"grpc-message"] == b"bad ?"
    assert json.loads(rest_error_body(error))["error"]["details"][0]["fieldViolations"] == [
        {"field": "f?", "description": "bad ?"}
    ]


def test_an_error_of_a_code_without_a_class_of_its_own_travels_too() -> None:
    class DataLossError(ApiError):
        code = Code.DATA_LOSS

    assert grpc_trailers(DataLossError("gone"))[0] == (b"grpc-status", b"15")

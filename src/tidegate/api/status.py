"""How an error travels: as ``google.rpc.Status``, as gRPC trailers, as the body of a REST answer."""

from __future__ import annotations

import json
from base64 import b64encode
from types import MappingProxyType
from typing import Any, Final
from urllib.parse import quote_from_bytes, unquote_to_bytes

from google.protobuf.duration_pb2 import Duration
from google.protobuf.json_format import MessageToDict
from google.rpc import error_details_pb2, status_pb2

from tidegate.core.errors import ApiError, BadRequest, Code, Detail, ErrorInfo, Help, LocalizedMessage, RetryInfo

HTTP_STATUS: Final = MappingProxyType(
    {
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
)
"""The HTTP status of each code, from google/rpc/code.proto."""

# gRPC clients take 8 KiB of metadata unless told otherwise; a larger trailer block would turn a clear
# error into "received trailing metadata size exceeds limit". The rest is for the other trailers.
GRPC_MESSAGE_MAX: Final = 3072
"""Bytes of ``grpc-message`` after percent-encoding; a longer text is cut."""
GRPC_DETAILS_MAX: Final = 4096
"""Bytes of ``grpc-status-details-bin``; larger details are left out."""

# The characters that grpc-message carries as they are: visible ASCII and space, without the percent sign.
_PLAIN: Final = "".join(chr(c) for c in range(0x20, 0x7F) if chr(c) != "%")


def status_proto(error: ApiError) -> status_pb2.Status:
    """The error as ``google.rpc.Status``, details packed under Google's type URLs."""
    status = status_pb2.Status(code=error.code, message=_text(error.message))
    for detail in error.details:
        status.details.add().Pack(_detail_proto(detail))
    return status


def grpc_trailers(error: ApiError) -> list[tuple[bytes, bytes]]:
    """The trailers of a gRPC answer: status, message and, only where there are details, the whole status."""
    trailers = [(b"grpc-status", b"%d" % error.code), (b"grpc-message", grpc_message(error.message))]
    if error.details:
        details = b64encode(status_proto(error).SerializeToString()).rstrip(b"=")
        if len(details) <= GRPC_DETAILS_MAX:
            trailers.append((b"grpc-status-details-bin", details))
    return trailers


def grpc_message(text: str) -> bytes:
    """``text`` percent-encoded as gRPC asks: UTF-8, everything but visible ASCII and inner spaces as ``%XX``."""
    # A lone surrogate has no UTF-8 form. It becomes a question mark, so that the error itself does not fail.
    encoded = _percent_encoded(text.encode("utf-8", "replace"))
    if len(encoded) <= GRPC_MESSAGE_MAX:
        return encoded
    cut = encoded[: GRPC_MESSAGE_MAX - 3]
    torn = cut.rfind(b"%", -2)
    whole = unquote_to_bytes(cut if torn < 0 else cut[:torn]).decode("utf-8", "ignore")
    return _percent_encoded(whole.encode()) + b"..."


def _percent_encoded(text: bytes) -> bytes:
    encoded = quote_from_bytes(text, safe=_PLAIN).encode("ascii")
    # HTTP drops spaces around a field's value, and servers refuse to send them (RFC 9110, 5.5).
    after = encoded.lstrip(b" ")
    inner = after.rstrip(b" ")
    return b"%20" * (len(encoded) - len(after)) + inner + b"%20" * (len(after) - len(inner))


def rest_error(error: ApiError) -> dict[str, Any]:
    """The REST body as a dict: ``{"error": {"code", "message", "status", "details"}}``."""
    body: dict[str, Any] = {
        "code": HTTP_STATUS[error.code],
        "message": error.message,
        "status": error.code.name,
    }
    if error.details:
        body["details"] = MessageToDict(status_proto(error))["details"]
    return {"error": body}


def rest_error_body(error: ApiError, *, pretty: bool = True) -> bytes:
    """The REST body as bytes; ``pretty`` indents by two spaces and ends with a line break."""
    return json_bytes(rest_error(error), pretty=pretty)


def json_bytes(value: Any, *, pretty: bool = True) -> bytes:
    """JSON the way the service writes it: UTF-8, two spaces and a final line break, or no space at all."""
    if pretty:
        text = json.dumps(value, ensure_ascii=False, indent=2) + "\n"
    else:
        text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return text.encode("utf-8", "replace")


def _text(text: str) -> str:
    """``text`` as protobuf takes it: a lone surrogate (JSON can carry one) becomes a question mark."""
    return text.encode("utf-8", "replace").decode("utf-8")


def _detail_proto(detail: Detail) -> Any:
    match detail:
        case ErrorInfo():
            return error_details_pb2.ErrorInfo(
                reason=detail.reason,
                domain=detail.domain,
                metadata={key: _text(value) for key, value in detail.metadata.items()},
            )
        case Help():
            link = error_details_pb2.Help.Link(description=detail.description, url=detail.url)
            return error_details_pb2.Help(links=[link])
        case LocalizedMessage():
            return error_details_pb2.LocalizedMessage(locale=detail.locale, message=_text(detail.message))
        case BadRequest():
            return error_details_pb2.BadRequest(
                field_violations=[
                    error_details_pb2.BadRequest.FieldViolation(
                        field=_text(line.field), description=_text(line.description)
                    )
                    for line in detail.violations
                ]
            )
        case RetryInfo():
            delay = Duration()
            delay.FromTimedelta(detail.delay)
            return error_details_pb2.RetryInfo(retry_delay=delay)

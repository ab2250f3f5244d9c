"""Calls as users might make them, and answers to them: drawn at random from the rows, the same for the same seed."""

from __future__ import annotations

import random
import string
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from google.longrunning.operations_proto_pb2 import Operation
from google.protobuf.descriptor import FieldDescriptor as Kind
from google.rpc import error_details_pb2, status_pb2
from tests.client.recorder import TIMEOUTS, Answer

from tidegate.core.errors import Code
from tidegate.schema.names import pack
from tidegate.schema.rpc import Rpc, raw
from tidegate.schema.transcoding import encode, to_json

HTTP_NUMBERS = {
    1: 499,
    2: 500,
    3: 400,
    4: 504,
    5: 404,
    6: 409,
    7: 403,
    8: 429,
    9: 400,
    10: 409,
    11: 400,
    12: 501,
    13: 500,
    14: 503,
    15: 500,
    16: 401,
}
RETRIED_CODES = {4, 14}
DEEPEST = 3
ONLY_OURS = {"tidegate.v2beta2.Task.retry_config"}  # over REST only, and unknown to Google's client


@dataclass
class Call:
    """One call of a method. ``style`` is how the request is given: ``fields``, or fields that are messages (``parts``),
    a ``dict`` or a ``message``.
    """

    method: str
    style: str
    request: dict[str, Any]
    options: dict[str, Any] = field(default_factory=dict)
    answers: list[Answer] = field(default_factory=list)


def calls(row: Rpc[Any, Any], count: int, seed: int) -> list[Call]:
    dice = random.Random(f"{seed} {row.full_name} {row.request_pb.DESCRIPTOR.full_name}")
    return [Drawing(row, dice).call() for _ in range(count)]


class Drawing:
    def __init__(self, row: Rpc[Any, Any], dice: random.Random) -> None:
        self.row = row
        self.dice = dice

    def call(self) -> Call:
        styles = ["dict", "message"] + ["fields", "fields", "parts"] * bool(self.row.fields)
        style = self.dice.choice(styles)
        request = self.message(self.row.request_pb.DESCRIPTOR)
        self.name_in(request)
        if style in {"fields", "parts"}:
            request = {name: value for name, value in request.items() if name in self.row.fields}
        if raw(self.row.request) is self.row.request and "options" in request:
            del request["options"]
        call = Call(self.row.name, style, request, self.options(), self.answers())
        if self.chance(0.05):
            self.spoil(call)
        return call

    def chance(self, part: float) -> bool:
        return self.dice.random() < part

    def name_in(self, request: dict[str, Any]) -> None:
        """Name the resource: mostly as its pattern asks, at times with odd letters, at times not at all."""
        if self.row.http is None or self.row.routing_field is None or self.chance(0.05):
            return
        pattern = self.row.http.path.split("=")[1].split("}")[0]
        name = "/".join(self.segment() if part == "*" else part for part in pattern.split("/"))
        if self.chance(0.05):
            name = self.dice.choice([name + "/x", name.rpartition("/")[0], name + "/", "nonsense"])
        holder = request
        *parents, last = self.row.routing_field.split(".")
        for parent in parents:
            holder = holder.setdefault(parent, {})
        holder[last] = name

    def segment(self) -> str:
        letters = string.ascii_letters + string.digits + "-_"
        if self.chance(0.2):
            letters += " :@!$&'()*,;=+~.äß界%?#\"<>"
        return "".join(self.dice.choices(letters, k=self.dice.randint(1, 12))).strip(".") or "x"

    def options(self) -> dict[str, Any]:
        options: dict[str, Any] = {}
        if self.chance(0.2):
            options["retry"] = self.dice.choice(["default", "none", "own"])
        if self.chance(0.2):
            options["timeout"] = self.dice.choice([None, *TIMEOUTS[1:]])
        if self.chance(0.2):
            pairs = [
                ("x-mine", "a"),
                ("x-goog-api-client", "gccl/9.9.9"),
                ("x-trace-bin", b"\x00\xff"),
                ("x-mine", "b"),
            ]
            options["metadata"] = self.dice.sample(pairs[:-2] if self.chance(0.7) else pairs[:2], k=1)
        return options

    def spoil(self, call: Call) -> None:
        """Make a mistake of the kind that users make."""
        match self.dice.randrange(4):
            case 0:
                call.style = "both" if self.row.fields else call.style
            case 1:
                call.request["no_such_field"] = 1
            case 2 if call.request:
                call.request[self.dice.choice(sorted(call.request))] = self.dice.choice([5, object, [5], "text"])
            case _:
                call.options["no_such_option"] = 1

    # Requests, as Python values.

    def message(self, descriptor: Any, depth: int = 0) -> dict[str, Any]:
        values = {}
        for item in descriptor.fields:
            if self.chance(0.4) and depth <= DEEPEST and not self.is_not_for_users(item):
                name = "type" if item.name == "type_" and self.chance(0.5) else item.name
                values[name] = self.field(item, depth)
        return values

    def is_not_for_users(self, item: Any) -> bool:
        """Whether no user of Google's client gives it: packed messages and the like."""
        held = item.message_type
        if item.full_name in ONLY_OURS:
            return True
        return held is not None and (held.full_name == "google.protobuf.Any" or held.full_name.startswith("google.iam"))

    def field(self, item: Any, depth: int) -> Any:
        if item.message_type is not None and item.message_type.GetOptions().map_entry:
            entry = item.message_type.fields_by_name
            # One entry at most: more come in an order that protobuf makes up anew in each process.
            count = self.dice.randint(0, 1)
            return {self.one(entry["key"], depth + 1): self.one(entry["value"], depth + 1) for _ in range(count)}
        if item.is_repeated:
            return [self.one(item, depth + 1) for _ in range(self.dice.randint(0, 3))]
        return self.one(item, depth)

    def one(self, item: Any, depth: int) -> Any:
        if item.enum_type is not None:
            value = self.dice.choice(item.enum_type.values)
            return self.dice.choice([value.number, value.name])
        if item.message_type is not None:
            return self.special(item.message_type, depth)
        match item.type:
            case Kind.TYPE_STRING:
                return self.dice.choice(["", "text", "https://example.com/ä?b=c&d", 'quote " and \\ and \n', "a" * 300])
            case Kind.TYPE_BYTES:
                return self.dice.choice([b"", b"\x00\xff\xfe", b"hello" * 20, "aGVsbG8="])
            case Kind.TYPE_BOOL:
                return self.chance(0.5)
            case Kind.TYPE_DOUBLE:
                return self.dice.choice([0.0, 500.0, 0.1, 1e300, -2.5, 3])
            case Kind.TYPE_INT32:
                return self.dice.choice([0, 1, -1, 2**31 - 1, -(2**31)])
        return self.dice.choice([0, 1, 2**53 + 1, -(2**63)])

    def special(self, descriptor: Any, depth: int) -> Any:
        match descriptor.full_name:
            case "google.protobuf.Timestamp":
                moment = datetime(2031, 5, 17, 3, 4, 5, self.dice.choice([0, 1, 120000, 999999]), tzinfo=UTC)
                seconds = {"seconds": self.dice.randint(0, 2**32), "nanos": self.dice.choice([0, 1000])}
                return self.dice.choice([moment, moment.replace(tzinfo=None), seconds])
            case "google.protobuf.Duration":
                length = timedelta(seconds=self.dice.choice([0, 1, 3600, 0.5, 1e6]))
                return self.dice.choice([length, {"seconds": self.dice.randint(0, 2**31)}])
            case "google.protobuf.FieldMask":
                paths = ["rate_limits.max_burst_size", "retry_config", "name", "state"]
                return {"paths": self.dice.sample(paths, k=self.dice.randint(0, 3))}
        return self.message(descriptor, depth + 1)

    # Answers.

    def answers(self) -> list[Answer]:
        if self.chance(0.15):
            return [self.error()]
        if self.chance(0.02) and self.row.default.retry is not None and self.row.long_running is None:
            return [self.error(14), self.good(self.row.response_pb())]
        if self.row.long_running is not None:
            return self.operation()
        if "next_page_token" in self.row.response_pb.DESCRIPTOR.fields_by_name:
            pages = self.dice.randint(1, 3)
            return [self.page(number, last=number == pages - 1) for number in range(pages)]
        return [self.good(self.random_message(self.row.response_pb))]

    def random_message(self, kind: type[Any]) -> Any:
        """A message of any content: as users would write it, so that all that is read back is also well-formed."""
        message = kind()
        fill(message, self.message(kind.DESCRIPTOR))
        return message

    def page(self, number: int, *, last: bool) -> Answer:
        message = self.random_message(self.row.response_pb)
        message.next_page_token = "" if last else f"page {number + 1}"
        return self.good(message)

    def operation(self) -> list[Answer]:
        assert self.row.long_running is not None
        metadata = self.random_message(raw(self.row.long_running.metadata))
        done = Operation(name="projects/p/locations/l/operations/o", metadata=pack(metadata), done=True)
        match self.dice.randrange(4):
            case 0:
                done.error.code, done.error.message = 10, "None of the requests succeeded"
            case 1:
                pass  # neither
            case _:
                done.response.CopyFrom(pack(self.random_message(raw(self.row.long_running.response))))
        if self.chance(0.1):
            under_way = Operation(name=done.name, metadata=done.metadata)
            return [self.good(under_way), self.good(done)]
        return [self.good(done)]

    def good(self, message: Any) -> Answer:
        return Answer(message.SerializeToString(deterministic=True), encode(to_json(message, int_enums=True)))

    def error(self, number: int | None = None) -> Answer:
        if number is None:
            number = self.dice.choice([code for code in HTTP_NUMBERS if code not in RETRIED_CODES])
        code = Code(number)
        status = status_pb2.Status(code=number, message=self.dice.choice(["", "No such queue.", "müde"]))
        if self.chance(0.5):
            info = error_details_pb2.ErrorInfo(reason="BECAUSE", domain="tasks", metadata={"key": "value"})
            status.details.add().Pack(info)
        if self.chance(0.3):
            violation = error_details_pb2.BadRequest(field_violations=[{"field": "task", "description": "is bad"}])
            status.details.add().Pack(violation)
        body = {"error": {"code": HTTP_NUMBERS[number], "message": status.message, "status": code.name}}
        if status.details:
            body["error"]["details"] = to_json(status)["details"]
        json = encode(body) if self.chance(0.9) else self.dice.choice([b"<html>no</html>", b"", b"[]", b"{}"])
        return Answer(
            json=json,
            code=number,
            http_status=HTTP_NUMBERS[number],
            text=status.message,
            details=status.SerializeToString() if status.details else b"",
        )


def fill(message: Any, values: dict[str, Any]) -> None:  # noqa: C901  # one branch for each kind of field
    """Set the fields of a raw message from Python values."""
    for name, value in values.items():
        item = message.DESCRIPTOR.fields_by_name["type_" if name == "type" else name]
        if isinstance(value, dict) and item.message_type.GetOptions().map_entry:
            for key, entry in value.items():
                if isinstance(entry, dict):
                    fill(getattr(message, item.name)[key], entry)
                else:
                    getattr(message, item.name)[key] = entry
        elif item.is_repeated and item.message_type is not None:
            for entry in value:
                fill(getattr(message, item.name).add(), entry)
        elif isinstance(value, dict):
            getattr(message, item.name).SetInParent()
            fill(getattr(message, item.name), value)
        elif isinstance(value, list):
            getattr(message, item.name).extend(value)
        elif isinstance(value, datetime):
            getattr(message, item.name).FromDatetime(value)
        elif isinstance(value, timedelta):
            getattr(message, item.name).FromTimedelta(value)
        elif item.type == Kind.TYPE_BYTES and isinstance(value, str):
            setattr(message, item.name, value.encode())
        elif item.enum_type is not None and isinstance(value, str):
            setattr(message, item.name, item.enum_type.values_by_name[value].number)
        else:
            setattr(message, item.name, value)

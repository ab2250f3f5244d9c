"""What a request may hold: bytes of each method's messages, and how many entries a field may have.

Said here once, for gRPC and REST alike. ``size_of`` is the limit of a method's message, ``most_of`` that of a repeated
field. ``scan`` checks both kinds of number on a message as it travels, before anything is built from it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any, Final, NamedTuple

from tidegate.core.errors import InvalidArgument
from tidegate.core.headers import HEADERS_COUNT_MAX, OVERRIDES_MAX
from tidegate.core.policy import POLICY_MEMBERS_MAX, TESTED_PERMISSIONS_MAX
from tidegate.core.validation.batch import (
    BATCH_CREATE_MAX,
    BATCH_DELETE_MAX,
    too_many_creates,
    too_many_deletes,
)

KIB: Final = 1024

SMALL: Final = 64 * KIB
"""Bytes of a message that are harmless whatever they say: a protobuf field takes two bytes at least, and 32,000 entries
are decoded within two milliseconds. Also the limit of every method that carries neither tasks nor whole policies."""

TASK_MESSAGE_MAX: Final = 1126 * KIB
"""Bytes of a message with one task: the task's megabyte and a tenth for what stands beside it."""

SETTINGS_MAX: Final = 256 * KIB
"""Bytes of a message with a queue (80 KB of header overrides) or a policy (1,500 principals)."""

ENTRIES_MAX: Final = 1000
"""Entries of a repeated field for which nothing else is said."""

IMPORT_SIZE_MAX: Final = 16 * 1024 * KIB
IMPORT_RECORDS_MAX: Final = 100
"""Bytes and records of one ImportState. Our choice: ten tasks of a megabyte, or a hundred usual ones."""

SIZES: Final[Mapping[str, int]] = {
    "create_task": TASK_MESSAGE_MAX,
    "buffer_task": TASK_MESSAGE_MAX,
    "batch_create_tasks": BATCH_CREATE_MAX * TASK_MESSAGE_MAX,
    "batch_delete_tasks": BATCH_DELETE_MAX * KIB,
    "create_queue": SETTINGS_MAX,
    "update_queue": SETTINGS_MAX,
    "set_iam_policy": SETTINGS_MAX,
    "upload_queue_yaml": 1024 * KIB,  # read_yaml says what it takes of that
    "bulk_delete_tasks": ENTRIES_MAX * KIB,
    "bulk_run_tasks": ENTRIES_MAX * KIB,
    "bulk_reschedule_tasks": ENTRIES_MAX * KIB,
    "redrive_dead_tasks": ENTRIES_MAX * KIB,
    "import_state": IMPORT_SIZE_MAX,
}
"""Bytes of the messages of the methods that may be larger than ``SMALL``."""

MASK_PATHS_MAX: Final = 200
"""Paths of a field mask; a queue has some forty fields, all levels counted."""

FIELDS_MAX: Final = 1000
"""Fields of one message beside the entries of its repeated ones: many more than any message of ours declares."""

ENTRY_MAX: Final = 4 * 1024 * KIB
"""Bytes of one field. A task of a batch that is somewhat too large fails alone; one beyond this fails the call."""

COUNTED_MAX: Final = 10_000
"""Entries that are counted for the text of an error; of more it only says that they are more."""


class Most(NamedTuple):
    """How many entries a field may have. ``refuse`` makes the error from how many there are, which may be a number in
    words.
    """

    entries: int
    refuse: Any


def size_of(name: str) -> int:
    """The most bytes that a message of the method may have; ``name`` is its row's, such as ``create_task``."""
    return SIZES.get(name, SMALL)


def holds_one_task(most: int) -> bool:
    """Whether this is the limit of a message (or its JSON) with one task in it: what is longer is a task too large."""
    return most in {TASK_MESSAGE_MAX, json_size_of(TASK_MESSAGE_MAX)}


def json_size_of(size: int) -> int:
    """The most bytes of the JSON of a message that has at most ``size``: base64 and names make it longer."""
    return size * 4 // 3 + SMALL


def _refusing(field: str, most: int) -> Most:
    return Most(most, lambda count: InvalidArgument(f"{field} must have at most {most} entries, but got {count}."))


_MOST: Final[Mapping[str, Most]] = {
    "BatchCreateTasksRequest.requests": Most(BATCH_CREATE_MAX, too_many_creates),
    "BatchDeleteTasksRequest.names": Most(BATCH_DELETE_MAX, too_many_deletes),
    "HttpTarget.header_overrides": _refusing("HttpTarget.headerOverrides", OVERRIDES_MAX),
    "HttpRequest.headers": _refusing("HttpRequest.headers", HEADERS_COUNT_MAX),
    "AppEngineHttpRequest.headers": _refusing("AppEngineHttpRequest.headers", HEADERS_COUNT_MAX),
    "FieldMask.paths": _refusing("FieldMask.paths", MASK_PATHS_MAX),
    "Policy.bindings": _refusing("Policy.bindings", POLICY_MEMBERS_MAX),
    "Binding.members": _refusing("Binding.members", POLICY_MEMBERS_MAX),
    "ImportStateRequest.records": _refusing("ImportStateRequest.records", IMPORT_RECORDS_MAX),
    "TestIamPermissionsRequest.permissions": _refusing("TestIamPermissionsRequest.permissions", TESTED_PERMISSIONS_MAX),
}
"""By message and field; the same in all versions of the API."""


@cache
def most_of(field: Any) -> Most:
    """How many entries a repeated field may have, given its descriptor."""
    name = f"{field.containing_type.name}.{field.name}"
    return _MOST.get(name) or _refusing(name, ENTRIES_MAX)


class _Shape(NamedTuple):
    """A message as ``scan`` sees it: by field number how many entries it may have, and the descriptor of the message
    in it.
    """

    name: str
    most: dict[int, Most]
    inside: dict[int, Any]


@cache
def _shape(descriptor: Any) -> _Shape:
    return _Shape(
        descriptor.name,
        {field.number: most_of(field) for field in descriptor.fields if field.is_repeated},
        {field.number: field.message_type for field in descriptor.fields if field.message_type is not None},
    )


_HARMLESS: Final = 4 * KIB
"""Bytes of a message inside another that are not looked into: they hold no more than 2,000 fields."""
_PIECE: Final = 256 * KIB
_STEPS: Final = 500

# How a field is written on the wire, and the bytes of those that always have as many.
_VARINT: Final = 0
_BYTES: Final = 2
_FIXED: Final = {1: 8, 5: 4}
_MORE: Final = 0x80  # the bit of a byte that says that more follow
_MANY_BITS: Final = 70


def scan(descriptor: Any, message: bytes | bytearray, field_most: int = ENTRY_MAX) -> Iterator[int]:
    """Check the counts of a serialised message of this type, in steps of some hundred microseconds, and that none of
    its fields has more than ``field_most`` bytes.

    Yields where the message can be cut, so that its pieces can be decoded one after the other; the last is its end.

    Raises:
        InvalidArgument: A field has more entries than it may, or the bytes are no such message.
    """
    cut = 0
    for at in _scan(descriptor, message, 0, len(message), field_most):
        if at - cut >= _PIECE:
            cut = at
        yield cut
    yield len(message)


def _scan(descriptor: Any, message: bytes | bytearray, at: int, end: int, most: int) -> Iterator[int]:
    """Yields where the field begins or ended that was looked at last, of the message from ``at`` to before ``end``."""
    shape = _shape(descriptor)
    counts = dict.fromkeys(shape.most, 0)
    others = steps = 0
    yielded = at
    while at < end:
        begin = at
        number, content, at = _field(message, at, end, shape)
        if at - content > most:
            raise InvalidArgument(f"A {shape.name} must have no field of more than {most} bytes.")
        if number in counts:
            counts[number] += 1
            if counts[number] > shape.most[number].entries:
                raise _too_many(shape, number, message, begin, end)
        else:
            others += 1
            if others > FIELDS_MAX:
                raise InvalidArgument(f"A {shape.name} must have at most {FIELDS_MAX} fields.")
        if at - content > _HARMLESS and number in shape.inside:
            for _ in _scan(shape.inside[number], message, content, at, most):
                yield begin
        steps += 1
        if steps == _STEPS or at - yielded > _PIECE:
            steps, yielded = 0, at
            yield at


def _field(message: bytes | bytearray, at: int, end: int, shape: _Shape) -> tuple[int, int, int]:
    """The number of the field at ``at``, and where its content begins and ends."""
    tag, content = _varint(message, at, end, shape)
    wire, after = tag & 7, end + 1
    if wire == _BYTES:
        length, content = _varint(message, content, end, shape)
        after = content + length
    elif wire == _VARINT:
        _, after = _varint(message, content, end, shape)
    elif wire in _FIXED:  # else a group, which no message of ours has
        after = content + _FIXED[wire]
    if after > end:
        raise InvalidArgument(f"The message is no valid {shape.name}.")
    return tag >> 3, content, after


def _too_many(shape: _Shape, number: int, message: bytes | bytearray, at: int, end: int) -> InvalidArgument:
    """The error for a field, the first entry too many of which is at ``at``: it counts those that follow at once."""
    most = shape.most[number]
    count = most.entries
    while at < end and count <= COUNTED_MAX:
        found, _, at = _field(message, at, end, shape)
        if found != number:
            break
        count += 1
    refused: InvalidArgument = most.refuse(counted(count))
    return refused


def counted(count: int) -> int | str:
    """A count for the text of an error."""
    return count if count <= COUNTED_MAX else f"more than {COUNTED_MAX}"


def _varint(message: bytes | bytearray, at: int, end: int, shape: _Shape) -> tuple[int, int]:
    """A number and where it ends."""
    value = shift = 0
    while at < end and shift < _MANY_BITS:
        byte = message[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < _MORE:
            return value, at
        shift += 7
    raise InvalidArgument(f"The message is no valid {shape.name}.")

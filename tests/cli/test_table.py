"""The table of commands: it agrees with the API's rows, and every command of it has help with an example that works."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator
from typing import Any

import pytest
from tests.cli.running import run
from tests.cli.scripted import Scripted

from tidegate.cli.line import find, read
from tidegate.cli.output.printing import FLOATS
from tidegate.cli.table.find import GROUPS, commands
from tidegate.cli.table.operating import VERSION
from tidegate.cli.table.queues import ROUTING_FIELDS
from tidegate.cli.table.rows import TRACKS, Command, Track
from tidegate.schema import v2, v2beta2, v2beta3
from tidegate.schema.operator.service import Operator
from tidegate.schema.rpc import Rpc
from tidegate.schema.versions import rows

QUEUES = {"v2": v2.Queue, "v2beta2": v2beta2.Queue, "v2beta3": v2beta3.Queue}
EVERY = [(track, command) for track in TRACKS.values() for command in commands(track).values()]
CALLS = [each for each in EVERY if each[1].call]


def rows_of(version: str) -> list[Rpc[Any, Any]]:
    """The rows of a version of Cloud Tasks, or of the operator's API."""
    return list(Operator.rpcs) if version == VERSION else rows(version)


def ids(value: object) -> str:
    return (value.name or "ga") if isinstance(value, Track) else getattr(value, "words", str(value))


def published(path: str) -> str:
    """A path of the API's rows with a star for each name: ``/v2/*/queues/*/tasks:lease``."""
    return re.sub(r"\*|\{[^=}]*\}", "*", re.sub(r"\{[^=}]+=([^}]*)\}", r"\1", path))


def called(version: str, path: str) -> str:
    """The same of a command's path, whose names are whole: ``{queue}`` is ``projects/*/locations/*/queues/*``."""
    location = "projects/*/locations/*"
    names = {
        "project": "projects/*",
        "location": location,
        "parent": location,
        "name": f"{location}/queues/*",
        "queue": f"{location}/queues/*",
        "task": f"{location}/queues/*/tasks/*",
        "task_id": "*",
        "dead": f"{location}/queues/*/deadTasks/*",
    }
    return f"/{version}/{path.format(**names)}"


@pytest.mark.parametrize(("track", "command"), CALLS, ids=ids)
def test_a_command_calls_what_the_api_has(track: Track, command: Command) -> None:
    assert command.call is not None
    version = command.version or track.version
    row = next(row for row in rows_of(version) if row.rpc_name == command.call.rpc)
    assert row.http is not None
    assert command.call.verb == row.http.verb
    assert called(version, command.call.path) in {published(rule.path) for rule in row.bindings}
    assert (command.call.body is not None) is (row.http.body is not None)


@pytest.mark.parametrize(("track", "command"), CALLS, ids=ids)
def test_a_flag_fills_a_field_that_the_request_has(track: Track, command: Command) -> None:
    assert command.call is not None
    version = command.version or track.version
    row = next(row for row in rows_of(version) if row.rpc_name == command.call.rpc)
    assert row.http is not None
    message = row.request_pb.DESCRIPTOR
    body = message.fields_by_name[row.http.body].message_type if row.http.body not in {None, "*"} else message
    for flag in command.flags:
        if flag.field.startswith("?"):
            assert flag.field[1:] in {field.json_name for field in message.fields}
        elif flag.field:
            assert _reaches(body, flag.field.split(".")), flag


def _reaches(message: Any, steps: list[str]) -> bool:
    for step in steps:
        field = next((each for each in message.fields if each.json_name == step), None)
        if field is None:
            return False
        message = field.message_type
    return True


def test_the_fields_shown_as_floats_are_the_floats_of_the_api() -> None:
    assert set(_doubles(QUEUES.values())) == FLOATS


def _doubles(classes: Any) -> Iterator[str]:
    for message in classes:
        yield from _doubles_of(message.pb().DESCRIPTOR)


def _doubles_of(message: Any) -> Iterator[str]:
    for field in message.fields:
        if field.type == field.TYPE_DOUBLE:
            yield field.json_name
        elif field.message_type is not None:
            yield from _doubles_of(field.message_type)


@pytest.mark.parametrize("track", ROUTING_FIELDS, ids=ids)
def test_each_setting_of_update_can_be_cleared(track: Track) -> None:
    update = commands(track)["tasks queues update"]
    names = {flag.name for flag in update.flags}
    for flag in update.flags:
        if flag.field and flag.name != "--type":
            assert f"--clear-{flag.name.removeprefix('--')}" in names


@pytest.mark.parametrize(("track", "command"), EVERY, ids=ids)
def test_a_command_has_help_with_an_example(track: Track, command: Command) -> None:
    done = run(*filter(None, [track.name, *command.words.split()]), "--help")
    assert (done.exit_code, done.stderr) == (0, "")
    assert f"    $ {command.example}\n" in done.stdout
    for flag in command.flags:
        assert f"    {flag.name}" in done.stdout


@pytest.mark.parametrize(("track", "command"), EVERY, ids=ids)
def test_an_example_is_a_line_that_is_right(track: Track, command: Command) -> None:
    words = shlex.split(command.example)[1:]
    found = find(words)
    assert found.command is not None
    assert found.words == command.words
    line = read(found.command, found.track, found.rest)
    assert not line.has("--help")


@pytest.mark.parametrize(
    ("track", "command"), [each for each in CALLS if "policy.json" not in each[1].example], ids=ids
)
def test_an_example_of_a_call_works(track: Track, command: Command, cloud: Scripted) -> None:
    cloud.locations = ["here"]
    done = run(*shlex.split(command.example)[1:], TIDEGATE_ADDRESS=cloud.url, TIDEGATE_PROJECT="demo")
    expected = 1 if "remove-iam" in command.words else 0  # nobody has that role there
    assert done.exit_code == expected, done.stderr
    assert cloud.taken()


@pytest.mark.parametrize("group", GROUPS)
def test_a_group_says_what_is_below_it(group: str) -> None:
    done = run(*group.split(), "--help")
    assert (done.exit_code, done.stderr) == (0, "")
    alone = run(*group.split())
    assert alone.exit_code == 2
    assert "Command name argument expected." in alone.stderr


def test_every_command_takes_json(cloud: Scripted) -> None:
    cloud.locations = ["here"]
    for command in commands(TRACKS[""]).values():
        if command.call is None or "iam-policy" in command.words:
            continue
        line = [*shlex.split(command.example)[1:], "--format", "json"]
        done = run(*line, TIDEGATE_ADDRESS=cloud.url, TIDEGATE_PROJECT="demo")
        assert done.exit_code == 0, done.stderr
        json.loads(done.stdout)

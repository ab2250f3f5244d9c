"""An event of the log is one line, as text or as JSON."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Iterator
from io import StringIO
from typing import Any

import pytest

from tidegate.core.trace_context import TraceContext
from tidegate.logs.lines import JsonLines, PlainLines
from tidegate.logs.set_up import set_up
from tidegate.observers.traces.current import enter, within

QUEUE = "projects/p/locations/l/queues/q"


def record(text: str, *args: object, error: BaseException | None = None, **extra: str) -> logging.LogRecord:
    made = logging.LogRecord("tidegate.part", logging.WARNING, "file.py", 1, text, args, None)
    if error is not None:
        made.exc_info = (type(error), error, error.__traceback__)
    made.created = 1_700_000_000.25
    made.__dict__.update(extra)
    return made


def raised(text: str) -> BaseException:
    try:
        raise ValueError(text)
    except ValueError as error:
        return error


def as_json(*args: Any, **extra: Any) -> dict[str, Any]:
    line = JsonLines().format(record(*args, **extra))
    assert "\n" not in line
    said: dict[str, Any] = json.loads(line)
    return said


def test_json_has_a_field_for_each_thing_that_is_known() -> None:
    assert as_json("%s failed", "it", queue=QUEUE, task="", request="v2.CreateTask") == {
        "time": "2023-11-14T22:13:20.250Z",
        "severity": "WARNING",
        "logger": "tidegate.part",
        "message": "it failed",
        "queue": QUEUE,
        "request": "v2.CreateTask",
    }


def test_json_has_the_whole_traceback_in_its_line() -> None:
    said = as_json("it failed", error=raised("a bug\nof two lines"))
    assert said["exception"].startswith("Traceback")
    assert said["exception"].endswith("ValueError: a bug\nof two lines")


def test_text_says_when_how_bad_who_and_what_and_adds_what_it_does_not_say_yet() -> None:
    line = PlainLines().format(record("a task in %s failed", QUEUE, queue=QUEUE, host="a.test:443"))
    assert line == f"2023-11-14 22:13:20.250Z WARNING tidegate.part: a task in {QUEUE} failed host=a.test:443"


def test_text_without_times_begins_with_the_severity() -> None:
    assert PlainLines(times=False).format(record("hello")) == "WARNING tidegate.part: hello"


def test_text_has_an_exception_in_the_same_line_with_where_it_came_from() -> None:
    line = PlainLines(times=False).format(record("it failed", error=raised("a bug\nof two lines")))
    assert line.startswith("WARNING tidegate.part: it failed: ValueError: a bug\\nof two lines (test_lines.py:")
    assert line.endswith(" raised)")
    assert "\n" not in line


@pytest.mark.parametrize("name", ["a\nWARNING tidegate: faked", "a\r\x1b[31mred", "a\u2028b", "\x00"])
def test_what_callers_write_never_looks_like_a_line_of_its_own(name: str) -> None:
    line = PlainLines(times=False).format(record("%s failed", name))
    assert line.isprintable()
    assert as_json("%s failed", name)["message"] == f"{name} failed"


def test_a_text_without_end_is_cut() -> None:
    assert len(PlainLines().format(record("%s", "x" * 10**6))) < 10_000
    assert len(as_json("%s", "x" * 10**6, error=raised("y" * 10**6))["message"]) < 10_000


def test_text_that_is_no_unicode_is_written_all_the_same() -> None:
    assert "failed" in PlainLines().format(record("\udc80 failed"))
    assert "failed" in JsonLines().format(record("\udc80 failed"))


def test_what_is_logged_within_a_recorded_span_names_its_trace() -> None:
    with within(TraceContext(0xABC, 0xDEF, sampled=True)):
        assert as_json("hello")["trace_id"] == f"{0xABC:032x}"
        assert f"trace_id={0xABC:032x} span_id={0xDEF:016x}" in PlainLines().format(record("hello"))
        assert as_json("hello", trace_id="its own")["trace_id"] == "its own"
    assert "trace_id" not in as_json("hello")


async def test_what_a_call_starts_for_others_too_does_not_name_its_trace() -> None:
    enter(TraceContext(0xABC, 0xDEF, sampled=True))
    assert "trace_id" in as_json("hello")

    async def for_others() -> dict[str, Any]:
        return as_json("hello")

    assert "trace_id" not in await asyncio.create_task(for_others())
    assert "trace_id" in await asyncio.to_thread(as_json, "hello")  # its own work, elsewhere


@pytest.fixture
def root() -> Iterator[logging.Logger]:
    """The root logger, as it was before afterwards."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield root
    root.handlers[:] = handlers
    root.setLevel(level)


class Terminal(StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("log_format", "stream", "is_json"),
    [(None, Terminal(), False), (None, StringIO(), True), ("json", Terminal(), True), ("plain", StringIO(), False)],
)
def test_a_terminal_gets_text_and_programs_get_json_unless_the_setting_says_otherwise(
    log_format: str | None, stream: StringIO, is_json: bool, root: logging.Logger
) -> None:
    set_up(log_format, stream=stream)
    logging.getLogger("tidegate.test").warning("hello")
    assert stream.getvalue().startswith("{") is is_json
    assert stream.getvalue().count("\n") == 1

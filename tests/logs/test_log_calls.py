"""Every call of the log in the source: its text is one for all, and what it names stands in fields too."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import tidegate
from tidegate.logs.lines import FIELDS

SOURCE = Path(tidegate.__file__).parent
LEVELS = {"debug", "info", "warning", "error", "exception", "critical"}
LOGGERS = {"log", "logger"}
NAMED = {"queue": r"\bqueue(\.name)?$|queue_name$", "task": r"\btask(\.name)?$|task_name$"}
"""How an argument ends that is the name of one."""


def calls() -> Iterator[tuple[str, ast.Call]]:
    for path in SOURCE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Attribute)
                and node.func.attr in LEVELS
                and isinstance(node.func.value, ast.Name)
                and node.func.value.id in LOGGERS
            ):
                yield f"{path.relative_to(SOURCE)}:{node.lineno}", node


def test_the_text_of_a_line_is_one_for_all_so_that_the_limit_finds_what_repeats_itself() -> None:
    found = list(calls())
    assert len(found) > 50
    made = [where for where, call in found if isinstance(call.args[0], ast.JoinedStr | ast.BinOp)]
    assert made == []


def test_a_line_that_names_a_queue_or_a_task_has_it_as_a_field() -> None:
    lacking = []
    for where, call in calls():
        given = next((keyword.value for keyword in call.keywords if keyword.arg == "extra"), None)
        keys = (
            {key.value for key in given.keys if isinstance(key, ast.Constant)} if isinstance(given, ast.Dict) else None
        )
        assert keys is None or keys <= set(FIELDS), where
        for argument in call.args[1:]:
            for field, pattern in NAMED.items():
                if re.search(pattern, ast.unparse(argument)) and (
                    given is None or (keys is not None and field not in keys)
                ):
                    lacking.append((where, field))
    assert lacking == []


def test_a_line_that_says_that_a_request_failed_names_it_as_a_field() -> None:
    failed = [
        (where, call)
        for where, call in calls()
        if call.func.attr == "exception"  # type: ignore[attr-defined]
        and where.startswith(("servers/", "console/"))
        and isinstance(call.args[0], ast.Constant)
        and "%s failed" in str(call.args[0].value)
    ]
    assert len(failed) >= 4
    assert [where for where, call in failed if not call.keywords] == []

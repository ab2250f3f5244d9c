"""``tidegate`` in this process: what it writes, and its exit code."""

from __future__ import annotations

import io
import os
import sys
from contextlib import redirect_stderr, redirect_stdout
from typing import NamedTuple
from unittest import mock

from tidegate.cli import main

OURS = ("TIDEGATE_", "CLOUDSDK_", "CLOUD_TASKS_", "GOOGLE_")


class Result(NamedTuple):
    """What a command line came to."""

    exit_code: int
    stdout: str
    stderr: str

    @property
    def output(self) -> str:
        return self.stdout + self.stderr


def run(*arguments: str, stdin: str = "", **variables: str) -> Result:
    """Run a command line, with no variables of ours in the environment but these, and no terminal."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(OURS)}
    environment = {"XDG_CONFIG_HOME": "/nonexistent", **kept, "COLUMNS": "100", **variables}
    out, err = io.StringIO(), io.StringIO()
    given = io.TextIOWrapper(io.BytesIO(stdin.encode()), encoding="utf-8")
    with (
        mock.patch.dict(os.environ, environment, clear=True),
        mock.patch.object(sys, "stdin", given),
        redirect_stdout(out),
        redirect_stderr(err),
    ):
        try:
            main(arguments)
        except SystemExit as ended:
            code = ended.code
    assert isinstance(code, int)
    return Result(code, out.getvalue(), err.getvalue())

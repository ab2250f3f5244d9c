"""``tidegate``: from a command line to what it asks for. Nothing is imported that the command does not need."""

from __future__ import annotations

import sys

from tidegate import __version__
from tidegate.cli.loading import load
from tidegate.cli.problems import INTERRUPTED, MISUSED, CommandError, UsageError

TYPE_CHECKING = False
"""For readers of types alone: the module that has this name takes as long to import as the rest of the help."""

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any


def main(arguments: Sequence[str] | None = None) -> None:
    """Run a command line, that of the process if none is given; ends with SystemExit and the exit code."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    try:
        code = _run(words)
        sys.stdout.flush()
        sys.exit(code)
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
    except ImportError as error:
        package = (error.name or "").partition(".")[0]
        if package in {"", "tidegate"}:
            raise
        if isinstance(error, ModuleNotFoundError):  # as in the small image
            sys.exit(f"this needs {package}, which is not installed here: pip install tidegate")
        why = str(error).partition("\n")[0]
        sys.exit(f"this needs {package}, which cannot be loaded here ({why}): docs/platforms.md says where it can")
    except BrokenPipeError:  # whoever reads the output has seen enough
        import os

        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)


def _run(arguments: list[str]) -> int:
    if not arguments or arguments[0] in {"--help", "-h"}:
        from tidegate.cli.colours import BOLD, paint
        from tidegate.cli.table.top import first_page

        sys.stdout.write(first_page(paint("{}", BOLD, sys.stdout)))
        return 0 if arguments else MISUSED
    if arguments[0] == "--version":
        print(f"tidegate {__version__}")
        return 0
    if arguments[0] == "__complete":
        from tidegate.cli.run.completion import complete

        complete(arguments[1:])
        return 0
    from tidegate.cli.table.top import SERVERS

    for name, _, where in SERVERS:
        if arguments[0] == name:
            return _run_click(name, load(where), arguments[1:])
    return _run_row(arguments)


def _run_click(name: str, command: Any, arguments: list[str]) -> int:
    """A command that click reads, because it has the flags of a server."""
    from tidegate.operator_errors import OperatorError

    command.context_settings |= {"help_option_names": ["-h", "--help"], "max_content_width": 100}
    try:
        command.main(arguments, prog_name=f"tidegate {name}")
    except OperatorError as error:
        print(error.message, file=sys.stderr)
        return error.exit_code
    return 0


def _run_row(arguments: list[str]) -> int:
    """A command of the table."""
    from tidegate.cli import help as helping
    from tidegate.cli.line import find, read
    from tidegate.cli.verbosity import Told, verbosity

    words = find(arguments)
    told = Told()
    command = words.command
    try:
        if command is None:
            _explain_group(words)
            return 0
        line = read(command, words.track, _with_files(words.rest))
        if line.has("--help"):
            helping.show(helping.command_help(command, words.track))
            return 0
        told = Told(verbosity(line.value("--verbosity")))
        told.debug(f"Running [{words.name}] with arguments: [{helping.arguments_of(line)}]")
        _work(line, told)
    except CommandError as problem:
        sys.stdout.flush()
        (Told() if isinstance(problem, UsageError) else told).error(words.name, problem)
        if isinstance(problem, UsageError) and problem.usage and command is not None:
            print(helping.usage(command, words.track), file=sys.stderr)
        return problem.code
    return 0


def _with_files(arguments: list[str]) -> list[str]:
    """The arguments, with the flags of the files that they name. Few lines do, and what reads files imports slowly."""
    if not any(word.startswith("--flags-file") for word in arguments):
        return arguments
    from tidegate.cli.flags_file import expanded

    return expanded(arguments)


def _work(line: Any, told: Any) -> None:
    """Do what a line asks for. Commands that call a server get a session, the others the line itself."""
    if line.command.local:
        load(line.command.run)(line)
        return
    from tidegate.cli.run.session import Session

    with Session(line, told) as session:
        load(line.command.run)(session)


def _explain_group(words: Any) -> None:
    from tidegate.cli import help as helping

    wrong = [word for word in words.rest if not word.startswith("-")]
    if wrong:
        raise UsageError(helping.invalid_choice(words, wrong[0]), usage=False)
    if {"--help", "-h"} & set(words.rest):
        helping.show(helping.group_help(words))
        return
    raise UsageError(helping.no_command(words), usage=False)

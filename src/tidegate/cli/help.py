"""What the command line says of itself: usages, the help of commands and groups, and the first page."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from textwrap import fill, wrap

from tidegate.cli.colours import bold
from tidegate.cli.line import SEARCH, Line, Words, flags_of
from tidegate.cli.table.find import GROUPS, below, commands, elsewhere
from tidegate.cli.table.rows import Command, Track
from tidegate.cli.table.shared import ALWAYS
from tidegate.cli.table.top import SERVERS
from tidegate.cli.verbosity import MASKED

WIDTH = 80
OPTIONAL = "  optional flags may be  "
HELP = "--help"
SECRET = ("--token",)
BOUND = "\N{NO-BREAK SPACE}"


def usage(command: Command, track: Track) -> str:
    """The usage that follows the message of a wrong command line."""
    flags = sorted({flag.name for flag in command.flags if not flag.required} | {HELP})
    lines = [line.replace(BOUND, " ") for line in _wrapped(f"{BOUND}| ".join(flags), WIDTH - len(OPTIONAL))]
    return (
        f"Usage: {_shape(command, track)} [optional flags]\n"
        f"{OPTIONAL}{_indented(lines, len(OPTIONAL))}\n\n{_more(command.words, track)}"
    )


def arguments_of(line: Line) -> str:
    """The values that a line gives, for whoever looks into what it does: ``--limit: "5", QUEUE: "mail"``."""
    import json

    given = {**line.given, **line.words, **{name: MASKED for name in SECRET if name in line.given}}
    return ", ".join(f"{name}: {json.dumps(value)}" for name, value in sorted(given.items()) if value)


def _shape(command: Command, track: Track) -> str:
    words = [row.shown or row.name if row.required else f"[{row.name}]" for row in command.positionals]
    needed = [f"{flag.name}={flag.shown_value}" for flag in sorted(command.flags) if flag.required]
    return " ".join([_called(command.words, track), *words, *needed])


def _called(words: str, track: Track) -> str:
    return " ".join(filter(None, ["tidegate", track.name, words]))


def _more(words: str, track: Track) -> str:
    return f"For detailed information on this command and its flags, run:\n  {_called(words, track)} --help"


def _wrapped(text: str, width: int) -> list[str]:
    return wrap(text, width, break_on_hyphens=False, break_long_words=False)


def _indented(lines: Iterable[str], by: int) -> str:
    return f"\n{' ' * by}".join(lines)


def command_help(command: Command, track: Track) -> str:
    """Everything about a command, with an example."""
    return "\n".join(_command_help(command, track)) + "\n"


def _command_help(command: Command, track: Track) -> Iterator[str]:
    yield f"{bold('NAME')}\n    {_called(command.words, track)} - {command.help}\n"
    yield f"{bold('SYNOPSIS')}\n    {_shape(command, track)} [FLAGS]\n"
    if command.about:
        yield f"{bold('DESCRIPTION')}\n{_paragraph(command.about)}\n"
    yield f"{bold('EXAMPLE')}\n    $ {command.example}\n"
    if command.positionals:
        yield bold("ARGUMENTS")
        yield from (f"    {row.name}\n{_paragraph(row.help, 8)}" for row in command.positionals)
        yield ""
    if command.flags:
        yield bold("FLAGS")
        for flag in command.flags:
            yield f"    {flag.name}{'' if flag.kind.switch else '=' + flag.shown_value}\n{_paragraph(flag.help, 8)}"
        yield ""
    names = ", ".join(flag.name for flag in flags_of(command) if flag in ALWAYS)
    yield f"{bold('FLAGS OF ALL COMMANDS')}\n{_paragraph(names)}"


def _paragraph(text: str, by: int = 4) -> str:
    return fill(text, WIDTH, initial_indent=" " * by, subsequent_indent=" " * by, break_on_hyphens=False)


def group_help(words: Words) -> str:
    """What a group is for and what is below it."""
    called = _called(words.words, words.track)
    about = GROUPS.get(words.words or words.track.name, "")
    return f"{bold('NAME')}\n    {called} - {about}\n\n{_available(words)}\n"


def no_command(words: Words) -> str:
    """What follows ``ERROR: (…)`` where a group was called alone."""
    return f"Command name argument expected.\n\n{_available(words)}\n\n{_more(words.words, words.track)}"


def invalid_choice(words: Words, wrong: str) -> str:
    """What follows ``ERROR: (…)`` for a word that is below no group."""
    from difflib import get_close_matches

    text = f"Invalid choice: {wrong!r}."
    tracks = [name for name in elsewhere(f"{words.words} {wrong}") if name]
    if tracks and words.words:
        others = "\n".join(f"  tidegate {name} {words.words} {wrong}" for name in tracks)
        return f"{text}\nThis command is available in one or more alternate release tracks.  Try:\n{others}"
    known = below(words.track, words.words) or [name for name, _, _ in SERVERS]
    near = get_close_matches(wrong, known, 1, 0.7)
    shown = near or known
    meant = "\n".join(f"  {_called(f'{words.words} {each}'.strip(), words.track)}" for each in shown)
    return f"{text}\nMaybe you meant:\n{meant}\n\n{SEARCH}"


def _available(words: Words) -> str:
    return f"{bold(f'Available commands for {_called(words.words, words.track)}:')}\n\n" + "\n".join(
        _rows(_below(words.track, words.words))
    )


def _below(track: Track, group: str) -> Iterator[tuple[str, str]]:
    for word in below(track, group):
        words = f"{group} {word}".strip()
        command = commands(track).get(words)
        yield word, command.help if command else GROUPS[words]


def _rows(rows: Iterable[tuple[str, str]]) -> list[str]:
    found = list(rows)
    width = max(len(name) for name, _ in found)
    return [f"  {name:{width}}  {_indented(wrap(says, WIDTH + 20 - width), width + 4)}" for name, says in found]


def show(text: str) -> None:
    sys.stdout.write(text)

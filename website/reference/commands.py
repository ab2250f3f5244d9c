"""The command line as a page: every command with its words, flags and example."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from tidegate.cli.loading import load
from tidegate.cli.table.find import commands
from tidegate.cli.table.rows import ALPHA, BETA, GA, Command, Flag, Track
from tidegate.cli.table.shared import ALWAYS
from tidegate.cli.table.top import SERVERS
from tidegate.settings import SETTINGS
from website.reference.text import cell, prose, table

INTRO = """\
# Commands

Every command with its flags. [The command line](../cli.md) says how they are used, which server they mean, and where
they differ from gcloud's.
"""


def page() -> str:
    """The whole page."""
    return "\n".join(_lines())


def _lines() -> Iterator[str]:
    yield INTRO
    yield from (
        "## Servers",
        "",
        "These take [the settings](../settings.md) as flags too, where they run or open a server.",
        "",
    )
    for name, says, where in SERVERS:
        yield from (
            f"### tidegate {name}",
            "",
            prose(says),
            "",
            *table(("word or flag", "says"), _options(load(where))),
        )
    yield from ("## Queues, tasks, and operating a server", "")
    yield "Those of `tasks` exist behind `alpha` and `beta` too; `tidegate queues` is `tidegate tasks queues`.\n"
    yield from _commands(GA, commands(GA))
    seen = set(commands(GA))
    for track in (BETA, ALPHA):
        more = {words: row for words, row in commands(track).items() if words not in seen}
        if more:
            yield from (f"## Only with {track.name}", "", *_commands(track, more))
        seen |= set(more)
    yield from ("## Flags of all commands", "", *table(("flag", "says"), _flags(ALWAYS)))


def _options(command: Any) -> Iterator[tuple[str, str]]:
    """The flags of a click command that are no settings: those have a page of their own."""
    settings = {row.flag for row in SETTINGS}
    for parameter in command.params:
        if not settings & set(parameter.opts):
            yield ", ".join(f"`{word}`" for word in parameter.opts), cell(getattr(parameter, "help", None) or "")


def _commands(track: Track, rows: dict[str, Command]) -> Iterator[str]:
    for words, row in sorted(rows.items()):
        called = " ".join(filter(None, ["tidegate", track.name, words]))
        yield from (f"### {called}", "", prose(f"{row.help} {row.about}".strip()), "")
        named = ((f"`{each.name}`", cell(each.help)) for each in row.positionals)
        yield from table(("word or flag", "says"), [*named, *_flags(row.flags)])
        if row.example:
            yield from ("```text", row.example, "```", "")


def _flags(flags: Iterable[Flag]) -> Iterator[tuple[str, str]]:
    for flag in flags:
        shown = flag.name if flag.kind.switch else f"{flag.name}={flag.shown_value}"
        yield f"`{shown}`".replace("|", "\\|"), cell(flag.help)

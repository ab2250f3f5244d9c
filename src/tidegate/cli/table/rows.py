"""What the table of commands is made of."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from tidegate.cli.table.kinds import SWITCH, TEXT, Kind


class Track(NamedTuple):
    """A release track: the word before ``tasks``, and the version of the API that it calls."""

    name: str
    version: str

    @property
    def alpha(self) -> bool:
        return self.name == "alpha"


GA, BETA, ALPHA = Track("", "v2"), Track("beta", "v2beta3"), Track("alpha", "v2beta2")
TRACKS = {track.name: track for track in (GA, BETA, ALPHA)}


class Flag(NamedTuple):
    """A flag of a command.

    ``field`` is where its value goes in the request's JSON (``retryConfig.maxAttempts``); with a ``?`` in front it is
    a query parameter. ``mask`` is its path in an update mask where that is another one.
    """

    name: str
    help: str
    kind: Kind = TEXT
    field: str = ""
    mask: str = ""
    required: bool = False
    default: Any = None
    metavar: str = ""
    short: str = ""

    @property
    def shown_value(self) -> str:
        """What stands for its value in a usage: ``MAX_ATTEMPTS``."""
        return self.metavar or self.kind.metavar or self.name.removeprefix("--").replace("-", "_").upper()

    @property
    def clear(self) -> Flag:
        """The flag that clears the field instead."""
        return Flag(
            f"--clear-{self.name.removeprefix('--')}",
            f"Clear the field that {self.name} sets.",
            SWITCH,
            mask=self.mask or self.field,
        )


class Either(NamedTuple):
    """Groups of flags of which only one may be given. In each group the first must come with the others."""

    options: tuple[tuple[str, ...], ...]

    def said(self, option: tuple[str, ...]) -> str:
        """``--queue``, or ``[--first : --others]``."""
        return option[0] if len(option) == 1 else f"[{option[0]} : {' '.join(option[1:])}]"


class Positional(NamedTuple):
    """A word of the command that is no flag. ``shown`` is what stands for it in a usage, if not its name."""

    name: str
    help: str
    required: bool = True
    many: bool = False
    shown: str = ""


class Column(NamedTuple):
    """A column of a list: its title, the key of its values, and how one is shown. ``show`` gets value and record."""

    title: str
    key: str
    show: Callable[[Any, Mapping[str, Any]], Any] = lambda value, _record: value


class Call(NamedTuple):
    """How an RPC is called over REST: verb, path behind the version, and what its body always has.

    ``{name}`` in the path is the resource, ``{parent}`` what it belongs to. ``body`` is None for calls without one.
    """

    rpc: str
    verb: str
    path: str
    body: Mapping[str, Any] | None = None


class Command(NamedTuple):
    """A command: its words behind the track, what it calls, and what it says.

    ``run`` is the function that does it, as ``module:function``; it takes a ``Session``, or the ``Line`` of a
    command that is ``local``, which calls no server. ``said`` is the line on stderr when it is done, with
    ``{short}`` (``here/mail``), ``{id}``, ``{name}`` and ``{queue}`` filled in; ``ask`` the question before. ``silent``
    commands show no answer unless a format is given; without ``answers`` there is none.
    """

    words: str
    help: str
    example: str
    run: str
    call: Call | None = None
    positionals: tuple[Positional, ...] = ()
    flags: tuple[Flag, ...] = ()
    either: tuple[Either, ...] = ()
    about: str = ""
    said: str = ""
    ask: str = ""
    silent: bool = False
    answers: bool = True
    items: str = ""
    columns: tuple[Column, ...] = ()
    warning: str = ""
    version: str = ""
    local: bool = False

    @property
    def is_list(self) -> bool:
        return bool(self.columns)

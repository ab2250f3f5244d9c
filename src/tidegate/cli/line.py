"""A command line, read by the table: which command, and what each flag and word says."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from tidegate.cli.problems import UsageError
from tidegate.cli.table.find import GROUPS, commands
from tidegate.cli.table.kinds import EMPTY, BadChoiceError
from tidegate.cli.table.rows import GA, TRACKS, Command, Either, Flag, Track
from tidegate.cli.table.shared import ALWAYS
from tidegate.cli.table.top import SHORT

SEARCH = "To search the help text of tidegate commands, run:\n  tidegate help -- SEARCH_TERMS"


class Words(NamedTuple):
    """The track and the words that lead to a command or a group, and the arguments behind them."""

    track: Track
    words: str
    rest: list[str]

    @property
    def name(self) -> str:
        """``tidegate.beta.tasks.queues.list``, as errors call it."""
        return ".".join(["tidegate", *filter(None, [self.track.name]), *self.words.split()])

    @property
    def command(self) -> Command | None:
        return commands(self.track).get(self.words)


class Line(NamedTuple):
    """A command with the values that were given for its flags and words; ``given`` has no defaults."""

    command: Command
    track: Track
    given: dict[str, Any]
    words: dict[str, Any]

    def value(self, flag: str) -> Any:
        """What the flag says: what was given, its default, or None."""
        if flag in self.given:
            return self.given[flag]
        return next((row.default for row in flags_of(self.command) if row.name == flag), None)

    def has(self, flag: str) -> bool:
        return flag in self.given


def flags_of(command: Command) -> Iterable[Flag]:
    """A command's own flags, then those of all, unless it has one of that name."""
    own = {flag.name for flag in command.flags}
    return (*command.flags, *(flag for flag in ALWAYS if flag.name not in own))


def find(arguments: Sequence[str]) -> Words:
    """Follow the words of a command line as far as they lead. Flags of all commands may stand before them."""
    taking = {name: not flag.kind.switch for flag in ALWAYS for name in (flag.name, flag.short) if name}
    left, track = list(arguments), GA
    kept: list[str] = []
    words: list[str] = []
    while left:
        word = left[0]
        if word in taking or word.partition("=")[0] in taking:
            kept.append(left.pop(0))
            if taking.get(word) and left:
                kept.append(left.pop(0))
            continue
        if not words and track == GA and word in TRACKS and word:
            track = TRACKS[word]
        elif found := _longer(track, [*SHORT[word]] if not words and word in SHORT else [*words, word]):
            words = found
        else:
            break
        left.pop(0)
        if " ".join(words) in commands(track):
            break
    return Words(track, " ".join(words), kept + left)


def _longer(track: Track, words: list[str]) -> list[str]:
    """The words, if they are a command or a group of the track; none otherwise."""
    text = " ".join(words)
    return (
        words
        if text in commands(track)
        or (text in GROUPS and any(known.startswith(f"{text} ") for known in commands(track)))
        else []
    )


def read(command: Command, track: Track, arguments: Sequence[str]) -> Line:
    """The values of a command line. Raises UsageError."""
    by_name = {name: flag for flag in flags_of(command) for name in (flag.name, flag.short) if name}
    texts, positional, unknown = _sorted_out(by_name, arguments)
    if "--help" in texts:
        return Line(command, track, {"--help": True}, {})
    words, more = _words(command, positional)
    given = {name: _value(by_name[name], said) for name, said in texts.items()}
    if unknown or more:
        raise UsageError(_unrecognized([*unknown, *more], by_name), usage=False)
    _check(command, given, words)
    return Line(command, track, given, words)


def _sorted_out(
    by_name: dict[str, Flag], arguments: Sequence[str]
) -> tuple[dict[str, list[str]], list[str], list[str]]:
    """The texts of each flag that is given, the words that are no flags, and what nobody knows."""
    texts: dict[str, list[str]] = {}
    positional: list[str] = []
    unknown: list[str] = []
    left = list(arguments)
    while left:
        word = left.pop(0)
        if word == "--":
            return texts, [*positional, *left], unknown
        if not _is_flag(word):
            positional.append(word)
            continue
        name, equals, text = word.partition("=")
        flag = by_name.get(name)
        if flag is None:
            unknown.append(word)
            if not equals and left and not _is_flag(left[0]):
                unknown.append(left.pop(0))
        else:
            texts.setdefault(flag.name, []).extend(_texts(flag, [text] if equals else [], left))
    return texts, positional, unknown


def _texts(flag: Flag, said: list[str], left: list[str]) -> list[str]:
    """The text of a flag: behind its ``=``, or else the next word, which is taken from those that are left."""
    if flag.kind.switch:
        if said:
            raise UsageError(f"argument {flag.name}: ignored explicit argument {said[0]!r}")
        return []
    if said:
        return said
    if left and not _is_flag(left[0]):
        return [left.pop(0)]
    raise UsageError(f"argument {flag.name}: expected one argument")


def _is_flag(word: str) -> bool:
    """Whether a word is a flag: not a single dash, nor a negative number."""
    return word.startswith("-") and word != "-" and not word[1:].replace(".", "", 1).isdigit()


def _words(command: Command, positional: list[str]) -> tuple[dict[str, Any], list[str]]:
    words: dict[str, Any] = {}
    left = list(positional)
    for row in command.positionals:
        if row.many:
            words[row.name], left = left, []
        elif left:
            words[row.name] = left.pop(0)
    return words, left


def _value(flag: Flag, texts: Sequence[str]) -> Any:
    kind = flag.kind
    if kind.switch:
        return {} if kind is EMPTY else True
    try:
        values = [kind.read(text) for text in texts]
    except BadChoiceError as error:
        raise UsageError(f"argument {flag.name}: {error}", usage=False) from None
    except ValueError as error:
        raise UsageError(f"argument {flag.name}: {error}") from None
    return kind.join(values) if kind.join else values[-1]


def _check(command: Command, given: dict[str, Any], words: dict[str, Any]) -> None:
    """Raise UsageError for what excludes each other, and for what is missing."""
    for either in command.either:
        _check_either(either, given)
    missing = [row.shown or row.name for row in command.positionals if row.required and not words.get(row.name)]
    missing += sorted(flag.name for flag in command.flags if flag.required and flag.name not in given)
    if missing:
        raise UsageError(f"argument {' '.join(missing)}: Must be specified.")


def _check_either(either: Either, given: dict[str, Any]) -> None:
    used = [option for option in either.options if any(flag in given for flag in option)]
    if len(used) > 1:
        known = " | ".join(either.said(option) for option in either.options)
        first = either.said(either.options[0])
        raise UsageError(f"argument {first}: At most one of {known} can be specified.")
    for first, *others in used:
        if first not in given:
            missing = next(flag for flag in others if flag in given)
            raise UsageError(f"argument {missing}: {first} must be specified.")


def _unrecognized(words: list[str], by_name: dict[str, Flag]) -> str:
    said = [f"{word}{_guess(word, by_name)}" for word in words]
    if len(said) == 1:
        return f"unrecognized arguments: {said[0]} \n\n{SEARCH}"
    return "\n  ".join(["unrecognized arguments:", *said, SEARCH])


def _guess(word: str, by_name: dict[str, Flag]) -> str:
    if not word.startswith("--"):
        return ""
    from difflib import get_close_matches

    near = get_close_matches(word.partition("=")[0], [name for name in by_name if name.startswith("--")], 1, 0.75)
    return f" (did you mean '{near[0]}'?)" if near else ""

"""Completion: the script for each shell, and the candidates that it asks for at each word."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from tidegate.cli.line import Line, Words, find, flags_of
from tidegate.cli.loading import load
from tidegate.cli.output.formats import FORMATS
from tidegate.cli.problems import CommandError, UsageError
from tidegate.cli.table.find import below, commands
from tidegate.cli.table.own import SHELLS
from tidegate.cli.table.rows import GA, TRACKS, Flag
from tidegate.cli.table.top import SERVERS

ASK = "__complete"
"""The hidden command that prints candidates, a line each, for the words behind it; the last one is begun."""

PATIENCE = 2.0
"""Seconds that a server may take while somebody waits for a list."""

_SCRIPTS = {
    "bash": f"""\
_tidegate() {{
    local IFS=$'\\n'
    COMPREPLY=($(tidegate {ASK} "${{COMP_WORDS[@]:1:COMP_CWORD}}" 2>/dev/null))
}}
complete -o bashdefault -o default -F _tidegate tidegate
""",
    "zsh": f"""\
#compdef tidegate
_tidegate() {{
    local -a found
    found=("${{(@f)$(tidegate {ASK} "${{(@)words[2,CURRENT]}}" 2>/dev/null)}}")
    compadd -a found
}}
if [ "$funcstack[1]" = "_tidegate" ]; then
    _tidegate "$@"
else
    (( $+functions[compdef] )) || {{ autoload -Uz compinit && compinit; }}
    compdef _tidegate tidegate
fi
""",
    "fish": f"""\
function __tidegate_candidates
    set -l words (commandline -opc)
    tidegate {ASK} $words[2..-1] (commandline -ct) 2>/dev/null
end
complete -c tidegate -f -a '(__tidegate_candidates)'
""",
}


def script(line: Line) -> None:
    """``tidegate completion SHELL``."""
    shell = line.words["SHELL"]
    if shell not in SHELLS:
        raise UsageError(f"argument SHELL: {shell!r} must be {', '.join(SHELLS[:-1])} or {SHELLS[-1]}")
    print(_SCRIPTS[shell], end="")


def complete(words: Sequence[str]) -> None:
    """Print what the last word may become. Never fails: there is nobody to tell."""
    begun = words[-1] if words else ""
    for found in sorted(set(candidates(words))):
        if found.startswith(begun):
            print(found)


def candidates(words: Sequence[str]) -> Iterable[str]:
    """Everything that may stand where the last word stands."""
    before, begun = list(words[:-1]), words[-1] if words else ""
    if before and before[0] in {name for name, _, _ in SERVERS}:
        return _click_flags(before[0])
    found = find(before)
    command = found.command
    if command is None:
        if _is_lost(found.rest):
            return ()
        top = [*(name for name, _, _ in SERVERS), "queues", *filter(None, TRACKS)] if not before else []
        return [*below(found.track, found.words), *top]
    flags = {name: flag for flag in flags_of(command) for name in (flag.name, flag.short) if name}
    last = flags.get(before[-1]) if before else None
    if last is not None and not last.kind.switch:
        return _values(last, before)
    if begun.startswith("-"):
        return [flag.name for flag in flags.values()]
    return _positionals(found, before)


def _is_lost(rest: Sequence[str]) -> bool:
    """Whether the line has a word that is neither a command nor the value of a flag."""
    return any(
        not word.startswith("-") and not before.startswith("-") for before, word in zip(["", *rest], rest, strict=False)
    )


def _positionals(found: Words, before: Sequence[str]) -> Iterable[str]:
    command = found.command
    names = {row.name for row in command.positionals} if command else set()
    if "QUEUE" in names:
        return _queues(before)
    if "NAME" in names:
        return _contexts()
    return SHELLS if "SHELL" in names else ()


def _values(flag: Flag, before: Sequence[str]) -> Iterable[str]:
    known: dict[str, Any] = {
        "--queue": lambda: _queues(before),
        "--context": _contexts,
        "--format": lambda: FORMATS,
    }
    return known[flag.name]() if flag.name in known else flag.kind.choices


def _queues(before: Sequence[str]) -> list[str]:
    """The IDs of the queues where the line works; none where no server answers."""
    from tidegate.cli.run.session import Session

    given: dict[str, Any] = {}
    for word, following in zip(before, [*before[1:], ""], strict=True):
        flag, equals, value = word.partition("=")
        if flag in {"--address", "--context", "--project", "--location"}:
            given[flag] = value if equals else following
    try:
        with Session(Line(commands(GA)["tasks queues list"], GA, given, {})) as session:
            session.server.patience = PATIENCE
            answer = session.call("GET", f"{session.location()}/queues")
    except CommandError:
        return []
    return [queue["name"].rpartition("/")[2] for queue in answer.get("queues", ())]


def _contexts() -> list[str]:
    from tidegate.cli.run.contexts import load as load_contexts

    try:
        return list(load_contexts().by_name)
    except CommandError:
        return []


def _click_flags(name: str) -> list[str]:
    where = next(where for command, _, where in SERVERS if command == name)
    return [flag for parameter in load(where).params for flag in parameter.opts if flag.startswith("--")]

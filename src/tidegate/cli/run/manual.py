"""``tidegate man``, ``tidegate help`` and ``tidegate version``: what the table says, as a page and as answers."""

from __future__ import annotations

from collections.abc import Iterator

from tidegate import __version__
from tidegate.cli.line import Line, flags_of
from tidegate.cli.loading import load
from tidegate.cli.problems import CommandError
from tidegate.cli.table.find import commands
from tidegate.cli.table.rows import BETA, GA, Command, Flag
from tidegate.cli.table.shared import ALWAYS
from tidegate.cli.table.top import SERVERS

EXIT_CODES = (
    ("0", "Done; a list that found nothing too."),
    ("1", "The server said no, a file cannot be read, a format or filter makes no sense, or the answer was no."),
    ("2", "The command line is wrong."),
    ("3", "No server can be reached."),
    ("130", "Interrupted by Ctrl-C."),
)


def version(_line: Line) -> None:
    """``tidegate version``."""
    print(f"tidegate {__version__}")


def search(line: Line) -> None:
    """``tidegate help``: the commands whose texts have all the words."""
    wanted = [word.lower() for word in line.words["WORD"]]
    found = [(words, says) for words, says, text in _texts() if all(word in text for word in wanted)]
    if not found:
        raise CommandError(f"no command says anything of {' '.join(line.words['WORD'])!r}")
    width = max(len(words) for words, _ in found)
    for words, says in found:
        print(f"{words:{width}}  {says}")


def _texts() -> Iterator[tuple[str, str, str]]:
    for name, says, _ in SERVERS:
        yield f"tidegate {name}", says, f"{name} {says}".lower()
    for words, command in sorted(commands(GA).items()):
        flags = " ".join(f"{flag.name} {flag.help}" for flag in flags_of(command))
        yield f"tidegate {words}", command.help, f"{words} {command.help} {command.about} {flags}".lower()


def page(_line: Line) -> None:
    """``tidegate man``: the page in the language of man, on stdout."""
    print("\n".join(_page()))


def _page() -> Iterator[str]:
    yield f'.TH TIDEGATE 1 "" "tidegate {__version__}"'
    yield ".ad l"
    yield from (".SH NAME", "tidegate \\- Google Cloud Tasks that you run yourself")
    yield from (".SH SYNOPSIS", ".B tidegate", "COMMAND [ARGS]...")
    yield ".SH SERVERS"
    for name, says, where in SERVERS:
        yield from (".SS", f"tidegate {name}", _escaped(says))
        for parameter in load(where).params:
            if parameter.param_type_name == "option":
                yield from _item(", ".join(parameter.opts), parameter.help or "")
    yield ".SH COMMANDS"
    yield "Those below tasks exist as alpha and beta too, as with gcloud; tidegate queues is tidegate tasks queues."
    for command in sorted(commands(GA).values()):
        yield from _command(command)
    yield ".SH COMMANDS OF THE BETA AND ALPHA TRACKS"
    for words, command in sorted(commands(BETA).items()):
        if words not in commands(GA):
            yield from _command(command, BETA.name)
    yield ".SH FLAGS OF ALL COMMANDS"
    for flag in ALWAYS:
        yield from _flag(flag)
    yield ".SH EXIT STATUS"
    for code, says in EXIT_CODES:
        yield from _item(code, says)


def _command(command: Command, track: str = "") -> Iterator[str]:
    words = " ".join(row.name if row.required else f"[{row.name}]" for row in command.positionals)
    yield from (".SS", _escaped(" ".join(filter(None, ["tidegate", track, command.words, words]))))
    yield _escaped(f"{command.help} {command.about}".strip())
    for row in command.positionals:
        yield from _item(row.name, row.help)
    for flag in command.flags:
        yield from _flag(flag)
    yield from (".PP", "Example:", ".PP", ".nf", f".RS\n{_escaped(command.example)}\n.RE", ".fi")


def _flag(flag: Flag) -> Iterator[str]:
    return _item(flag.name if flag.kind.switch else f"{flag.name}={flag.shown_value}", flag.help)


def _item(term: str, says: str) -> Iterator[str]:
    yield from (".TP", f".B {_escaped(term)}", _escaped(says))


def _escaped(text: str) -> str:
    return text.replace("\\", "\\e").replace("-", "\\-")

"""Contexts: servers by name, in a file that only their owner reads; and the commands that keep the file."""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from tidegate.cli.line import Line
from tidegate.cli.output.printing import show_answer
from tidegate.cli.problems import CommandError, UsageError

KEYS = ("address", "project", "location", "ca", "cert", "key", "token_file", "credential_file")
CREDENTIALS = frozenset({"key", "token_file", "credential_file"})
PRIVATE = 0o600
VARIABLE = "TIDEGATE_CONTEXT"

Context = Mapping[str, str]


class Contexts(NamedTuple):
    """What the file says: the contexts by name, and which is the current one; empty for none."""

    current: str
    by_name: dict[str, dict[str, str]]


def path() -> Path:
    """Where the file is, or would be."""
    home = os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config"
    return Path(home) / "tidegate" / "contexts.toml"


def load() -> Contexts:
    """The contexts; none where there is no file. Raises CommandError if it cannot be read, or others may."""
    file = path()
    try:
        text = file.read_text(encoding="utf-8")
        mode = stat.S_IMODE(file.stat().st_mode)
    except FileNotFoundError:
        return Contexts("", {})
    except (OSError, UnicodeDecodeError) as error:
        raise CommandError(
            f"cannot read {file}: {getattr(error, 'strerror', None) or 'it is not UTF-8 text'}"
        ) from None
    import tomllib

    try:
        said = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise CommandError(f"cannot read {file}: {error}") from None
    found = {
        name: {key: str(value) for key, value in context.items()} for name, context in said.get("context", {}).items()
    }
    if os.name == "posix" and mode & 0o077 and any(CREDENTIALS & context.keys() for context in found.values()):
        raise CommandError(f"{file} names credentials and others may read it: run chmod 600 {file}")
    return Contexts(str(said.get("current", "")), found)


def chosen(named: str | None) -> tuple[str, Context]:
    """The context that holds, by flag, variable or file: its name and values, both empty if there is none."""
    wanted = named or os.environ.get(VARIABLE)
    contexts = load()
    name = wanted or contexts.current
    if not name:
        return "", {}
    if name not in contexts.by_name:
        raise CommandError(f"there is no context {name!r}{_known(contexts)}")
    return name, contexts.by_name[name]


def _known(contexts: Contexts) -> str:
    names = ", ".join(sorted(contexts.by_name))
    return f"; known are {names}" if names else f"; make one with: tidegate context set {'NAME'} address=URL"


def save(contexts: Contexts) -> None:
    """Write the file anew, at once and for its owner alone."""
    from json import dumps  # a JSON text is a TOML text too

    lines = [f"current = {dumps(contexts.current)}"] if contexts.current else []
    for name, values in contexts.by_name.items():
        lines += ["", f"[context.{dumps(name)}]", *(f"{key} = {dumps(value)}" for key, value in values.items())]
    file = path()
    beside = file.with_suffix(".new")
    try:
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        beside.unlink(missing_ok=True)
        with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, PRIVATE), "w", encoding="utf-8") as out:
            out.write("\n".join(lines) + "\n")
        beside.replace(file)
    except OSError as error:
        raise CommandError(f"cannot write {file}: {error.strerror}") from None


def show_all(line: Line) -> None:
    """``context list``."""
    contexts = load()
    rows = [{"name": name, "current": name == contexts.current, **values} for name, values in contexts.by_name.items()]
    if line.value("--format"):
        show_answer(rows, line.value("--format"))
        return
    for row in rows:
        print(f"{'*' if row['current'] else ' '} {row['name']}  {row.get('address', '')}".rstrip())


def show(line: Line) -> None:
    """``context show``."""
    name, values = chosen(line.words.get("NAME") or line.value("--context"))
    if not name:
        raise CommandError("there is no current context: choose one with tidegate context use NAME")
    show_answer({"name": name, **values}, line.value("--format") or "yaml")


def use(line: Line) -> None:
    """``context use``."""
    contexts, name = _with(line)
    save(contexts._replace(current=name))


def change(line: Line) -> None:
    """``context set``: the first context that there is becomes the current one."""
    contexts, name = load(), line.words["NAME"]
    values = contexts.by_name.setdefault(name, {})
    for pair in line.words["KEY=VALUE"]:
        key, equals, value = pair.partition("=")
        if not equals or key not in KEYS:
            raise UsageError(f"argument KEY=VALUE: {pair!r} must be KEY=VALUE with a key of {', '.join(KEYS)}")
        values[key] = value
    save(contexts if contexts.current else contexts._replace(current=name))


def unset(line: Line) -> None:
    """``context unset``."""
    contexts, name = _with(line)
    for key in line.words["KEY"]:
        contexts.by_name[name].pop(key, None)
    save(contexts)


def delete(line: Line) -> None:
    """``context delete``."""
    contexts, name = _with(line)
    del contexts.by_name[name]
    save(contexts._replace(current="") if contexts.current == name else contexts)


def _with(line: Line) -> tuple[Contexts, str]:
    contexts, name = load(), line.words["NAME"]
    if name not in contexts.by_name:
        raise CommandError(f"there is no context {name!r}{_known(contexts)}")
    return contexts, name

"""Where values come from: flags before environment before file before defaults. Every refusal is one line."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import Struct

from tidegate.operator_errors import OperatorError
from tidegate.settings.kinds import RefusedError, UnknownFieldError, show_number
from tidegate.settings.rows import Row, closest
from tidegate.settings.settings import SETTINGS, Settings

DEFAULT = "default"
LONGEST_SHOWN = 200
NEEDS = (("tls_cert", "tls_key"), ("tls_key", "tls_cert"), ("tls_client_ca", "tls_cert"))

_PASSWORD = re.compile(r"(?<=://)[^/@\s]*@")


class File(Struct, frozen=True):
    """A settings file: its name in messages, and its text."""

    name: str
    text: str


class Loaded(Struct, frozen=True):
    """The settings, and the source of each.

    Sources read ``flag --port``, ``TIDEGATE_PORT``, ``tidegate.toml, line 3`` or ``default``.
    """

    settings: Settings
    sources: dict[str, str]


def load(
    flags: Mapping[str, str | Sequence[str] | None] | None = None,
    environment: Mapping[str, str] | None = None,
    file: File | None = None,
) -> Loaded:
    """The settings in force. ``flags`` has texts by setting name, several for a flag that was repeated.

    Raises OperatorError for what cannot be set: one line that names the setting, its rule, the value and its source.
    """
    flags, environment = flags or {}, environment or {}
    table = _parse(file) if file else {}
    values: dict[str, Any] = {}
    sources: dict[str, str] = {}
    for row in SETTINGS:
        found = _find(row, flags, environment, table, file)
        if found is None:
            sources[row.name] = DEFAULT
            continue
        given, sources[row.name] = found
        try:
            values[row.name] = row.read(given)
        except RefusedError as refused:
            raise _refusal(row, refused, given, sources[row.name], file) from None
    settings = Settings(**values)
    _check_together(settings, sources)
    return Loaded(settings, sources)


def _parse(file: File) -> dict[str, Any]:
    try:
        table = tomllib.loads(file.text)
    except tomllib.TOMLDecodeError as wrong:
        raise OperatorError(f"{file.name}: {wrong}") from None
    names = [row.name for row in SETTINGS]
    for name in table:
        if name not in names:
            raise OperatorError(f"there is no setting {name!r}{closest(name, names)} ({_place(file, (name,))})")
    return table


def _find(
    row: Row,
    flags: Mapping[str, str | Sequence[str] | None],
    environment: Mapping[str, str],
    table: dict[str, Any],
    file: File | None,
) -> tuple[Any, str] | None:
    flag = flags.get(row.name)
    if flag:
        return flag if isinstance(flag, str) else ",".join(flag), f"flag {row.flag}"
    text = environment.get(row.variable, "")
    # Kubernetes sets TIDEGATE_PORT=tcp://… in every pod next to a service named tidegate. It is not this setting.
    if text.strip() and not text.startswith("tcp://"):
        return text, row.variable
    if file is not None and row.name in table:
        return table[row.name], _place(file, (row.name,))
    return None


def _refusal(row: Row, refused: RefusedError, given: Any, source: str, file: File | None) -> OperatorError:
    if refused.at and file is not None and source.startswith(file.name):
        source = _place(file, (row.name, *refused.at))
    if isinstance(refused, UnknownFieldError):
        return OperatorError(f"{refused.rule} ({source})")
    name = ".".join([row.name, *(step for step in refused.at if isinstance(step, str))])
    value = refused.value if refused.at else given
    return OperatorError(f"{name} must be {refused.rule}, not {_shown(value)} ({source})")


def _shown(value: Any) -> str:
    """A refused value in one line, without the password of a URL."""
    if isinstance(value, bool):
        return str(value).lower()
    text = _PASSWORD.sub("…@", repr(value))
    return text if len(text) <= LONGEST_SHOWN else text[:LONGEST_SHOWN] + "…"


def _place(file: File, path: tuple[str | int, ...]) -> str:
    line = _line(file.text, path)
    return f"{file.name}, line {line}" if line else file.name


def _line(text: str, path: tuple[str | int, ...]) -> int | None:
    """The line on which the value at ``path`` begins: the one after the longest part of the file without it."""
    lines = text.splitlines(keepends=True)
    start = 1
    for end in range(1, len(lines) + 1):
        try:
            table = tomllib.loads("".join(lines[:end]))
        except tomllib.TOMLDecodeError:
            continue  # in the middle of a value
        if _has(table, path):
            return start
        start = end + 1
    return None


def _has(table: Any, path: tuple[str | int, ...]) -> bool:
    for step in path:
        try:
            table = table[step]
        except (KeyError, IndexError, TypeError):
            return False
    return True


def _check_together(settings: Settings, sources: Mapping[str, str]) -> None:
    for setting, needed in NEEDS:
        if getattr(settings, setting) is not None and getattr(settings, needed) is None:
            raise OperatorError(f"{setting} needs {needed} beside it ({sources[setting]})")
    _check_access(settings, sources)
    names = [queue.name for queue in settings.queue]
    for name in names:
        if names.count(name) > 1:
            raise OperatorError(f"queue must name each queue once, not {name!r} twice ({sources['queue']})")
    for queue in settings.queue:
        for limit in ("max_dispatches_per_second", "max_concurrent_dispatches"):
            asked, ceiling = getattr(queue, limit), getattr(settings, limit)
            if asked is not None and asked > ceiling:
                asked, ceiling = show_number(asked), show_number(ceiling)
                raise OperatorError(
                    f"queue.{limit} must be at most the setting {limit}, {ceiling}, "
                    f"not {asked} for {queue.name!r} ({sources['queue']})"
                )


ONLY_WITH_ACCESS = ("admin", "policy", "tokens", "issuer", "audience", "identity", "audit_log")
"""Settings that mean nothing while nobody is asked who they are."""


def _check_access(settings: Settings, sources: Mapping[str, str]) -> None:
    if settings.client_certificates in {"optional", "required"} and settings.tls_client_ca is None:
        raise OperatorError(f"client_certificates needs tls_client_ca beside it ({sources['client_certificates']})")
    if not settings.access:
        if settings.service_accounts == "known":
            raise OperatorError(f"service_accounts needs access = on beside it ({sources['service_accounts']})")
        for name in ONLY_WITH_ACCESS:
            if getattr(settings, name):
                raise OperatorError(f"{name} needs access = on beside it ({sources[name]})")
    for setting, key in (("issuer", "name"), ("issuer", "url"), ("identity", "certificate"), ("role", "name")):
        values = [getattr(each, key) for each in getattr(settings, setting)]
        for value in values:
            if values.count(value) > 1:
                raise OperatorError(f"{setting} must have each {key} once, not {value!r} twice ({sources[setting]})")

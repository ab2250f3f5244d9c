"""The settings of a server to develop with: those of the command line, and defaults that suit a laptop."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from tidegate.cli.options import load_settings
from tidegate.cli.run.place import PROJECT_VARIABLES
from tidegate.core.names import DEFAULT_LOCATION
from tidegate.core.url_map import EVERYWHERE
from tidegate.operator_errors import OperatorError
from tidegate.settings import Loaded, Settings, SqliteUrl
from tidegate.settings.kinds import URL, RefusedError
from tidegate.settings.stores import MEMORY, StoreUrl

PROJECT = "demo"
QUEUE = "default"
STORE_FILE = "tidegate.db"
DEFAULT = "default"
"""What a setting's source is when nobody said anything."""
OWN = "tidegate dev"
"""What it is of a setting that is so because this is a server to develop with."""


class DevSettings(Struct, frozen=True):
    """The settings, and where each was said. ``any_port``: nobody chose the port, so another one will do."""

    settings: Settings
    sources: Mapping[str, str]
    any_port: bool


def settings_of(flags: Mapping[str, Any], config_file: str | None, *, app: str | None, data: str | None) -> DevSettings:
    """The settings of ``tidegate dev`` with these flags. Raises OperatorError."""
    queues = full_names(flags.get("queue") or (), flags)
    loaded = load_settings({**flags, "queue": queues}, config_file)
    settings = loaded.settings
    changes: dict[str, Any] = {"store": _store(flags, data, settings), "dev": True}
    if _unsaid(loaded, "queue_name_reuse_after"):
        changes["queue_name_reuse_after"] = timedelta()
    if _unsaid(loaded, "queue") and settings.queues is None:
        first = load_settings({**flags, "queue": full_names((QUEUE,), flags)}, config_file).settings
        changes["queue"] = first.queue
    if app is not None:
        url = _app(app)
        changes["map"] = {EVERYWHERE: url, **settings.map}
        if not settings.app_engine:
            changes["app_engine"] = {"default": url}
    changed = replace(settings, **changes)
    own = {name: OWN for name in changes if getattr(changed, name) != getattr(settings, name)}
    if app is not None:
        own |= {name: "flag --app" for name in ("map", "app_engine") if name in own}
    if data is not None and "store" in own:
        own["store"] = "flag --data"
    return DevSettings(changed, {**loaded.sources, **own}, any_port=_unsaid(loaded, "port"))


def full_names(queues: Sequence[str], flags: Mapping[str, Any]) -> tuple[str, ...]:
    """Names of queues; a short one is of the project and location that are known, or of ``demo``."""
    project = flags.get("project") or next(
        (os.environ[name] for name in PROJECT_VARIABLES if os.environ.get(name)), PROJECT
    )
    location = flags.get("location") or os.environ.get("TIDEGATE_LOCATION") or DEFAULT_LOCATION
    return tuple(
        queue if "/" in queue else f"projects/{project}/locations/{location}/queues/{queue}" for queue in queues
    )


def _unsaid(loaded: Loaded, name: str) -> bool:
    return loaded.sources[name] == DEFAULT


def _store(flags: Mapping[str, Any], data: str | None, settings: Settings) -> StoreUrl:
    if flags.get("store"):
        return settings.store
    if data is None:
        return SqliteUrl(MEMORY)
    directory = Path(data)
    try:
        directory.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OperatorError(
            f"cannot keep data in {data}: {error.strerror}; name another directory with --data"
        ) from None
    return SqliteUrl(str(directory / STORE_FILE))


def _app(text: str) -> str:
    try:
        url: str = URL.read(text if "://" in text else f"http://{text}")
    except RefusedError:
        raise OperatorError(
            f"app must be a URL that starts with http:// or https://, not {text!r} (flag --app)"
        ) from None
    return url

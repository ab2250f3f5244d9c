"""Field masks: which parts of a stored message a request replaces, and which parts an answer shows.

A path names a message, which is taken as a whole, or a leaf. Scalars, lists, maps and the well-known types
(durations, times) are leaves. Paths are those of the protobuf fields: ``retry_config.max_backoff``.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from functools import lru_cache
from typing import Any

from tidegate.core.errors import InvalidArgument
from tidegate.schema.limits import MASK_PATHS_MAX

Steps = tuple[str, ...]
"""A path taken apart: ``("retry_config", "max_backoff")``."""

WELL_KNOWN = "google.protobuf."


LONGEST_REMEMBERED = 200
"""Characters of the longest path that is cached. No field has a longer one."""


def parse(descriptor: Any, paths: Collection[str]) -> list[Steps]:
    """The paths taken apart, each once; InvalidArgument for the first that names no field of the message, and for more
    than ``MASK_PATHS_MAX`` paths.
    """
    if len(paths) > MASK_PATHS_MAX:
        raise InvalidArgument(f"FieldMask.paths must have at most {MASK_PATHS_MAX} entries, but got {len(paths)}.")
    return list(dict.fromkeys(_remembered(descriptor, path) for path in paths))


def _remembered(descriptor: Any, path: str) -> Steps:
    if len(path) > LONGEST_REMEMBERED:
        raise InvalidArgument(f"Invalid mask: {path}")
    return _steps(descriptor, path)


@lru_cache(maxsize=1024)
def _steps(descriptor: Any, path: str) -> Steps:
    steps = []
    inside = descriptor  # what the next step is looked up in; None below a leaf
    for word in path.split("."):
        fields = {} if inside is None else inside.fields_by_name
        field = fields.get(word) or fields.get(f"{word}_")  # a field called ``type`` is ``type_`` in Python
        if field is None:
            raise InvalidArgument(f"Invalid mask: {path}")
        steps.append(field.name)
        inside = field.message_type if is_message(field) else None
    return tuple(steps)


def is_message(field: Any) -> bool:
    """Whether a path may go on below the field."""
    inside = field.message_type
    # Lists and maps have no presence. This distinguishes them from a single message in every release of protobuf.
    return inside is not None and field.has_presence and not inside.full_name.startswith(WELL_KNOWN)


def replace_all(stored: Any, sent: Any, fixed: Collection[Steps]) -> None:
    """Put every field of ``sent`` in place of the stored one, except the ``fixed`` ones. Unset fields are cleared."""
    merge(stored, sent, [(name,) for name in stored.DESCRIPTOR.fields_by_name], fixed)


def merge(stored: Any, sent: Any, paths: Iterable[Steps], fixed: Collection[Steps]) -> None:
    """Copy the fields that the paths name from ``sent`` to ``stored``. Fields that are unset in ``sent`` are cleared.

    The ``fixed`` paths, those of output-only fields, may be named and change nothing.
    """
    for path in paths:
        if path not in fixed:
            _merge_path(stored, sent, path)


def _merge_path(stored: Any, sent: Any, path: Steps) -> None:
    *parents, leaf = path
    for parent in parents:
        if sent is not None and sent.HasField(parent):
            sent = getattr(sent, parent)
            # The message appears even if the leaf is unset in it; in a oneof it takes the other member's place.
            getattr(stored, parent).SetInParent()
        elif stored.HasField(parent):
            sent = None  # nothing is sent below here: the stored leaf is cleared
        else:
            return
        stored = getattr(stored, parent)
    copy_field(sent, stored, stored.DESCRIPTOR.fields_by_name[leaf])


def copy_field(source: Any | None, target: Any, field: Any) -> None:
    """Copy one field from ``source`` to ``target``, or clear it when it is unset in ``source``."""
    name = field.name
    if source is None or (field.has_presence and not source.HasField(name)):
        target.ClearField(name)
    elif not field.has_presence and field.message_type is not None:
        target.ClearField(name)
        getattr(target, name).MergeFrom(getattr(source, name))
    elif field.message_type is not None:
        getattr(target, name).CopyFrom(getattr(source, name))
    else:
        setattr(target, name, getattr(source, name))


def select(message: Any, paths: Iterable[Steps]) -> Any:
    """A copy of the message with only the fields that the paths name."""
    chosen = type(message)()
    for path in paths:
        _select_path(message, chosen, path)
    return chosen


def _select_path(source: Any, target: Any, path: Steps) -> None:
    *parents, leaf = path
    for parent in parents:
        if not source.HasField(parent):
            return
        source = getattr(source, parent)
        target = getattr(target, parent)
        target.SetInParent()
    copy_field(source, target, source.DESCRIPTOR.fields_by_name[leaf])

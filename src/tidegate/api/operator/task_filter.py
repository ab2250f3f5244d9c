"""Which tasks a filter chooses, in the language of ListQueues, over the fields of a v2beta3 Task.

``url_host`` is a field besides: the host of the task's URL. Bodies are not looked into.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final
from urllib.parse import urlsplit

from tidegate.api.fields import schema_of
from tidegate.api.v2beta3 import V2beta3
from tidegate.api.views import BASIC
from tidegate.core.listing import FieldKind, FilterField, Schema, compile_filter
from tidegate.core.task import Task

_DIALECT: Final = V2beta3()
_NEW: Final = _DIALECT.messages.Task


def _url_host(message: Any) -> str:
    try:
        return urlsplit(message.http_request.url).hostname or ""
    except ValueError:  # a URL that no longer passes as one
        return ""


_SCHEMA: Final[Schema] = {**schema_of(_NEW.DESCRIPTOR), "urlhost": FilterField(FieldKind.TEXT, _url_host)}


def task_chooser(text: str) -> Callable[[Task], bool]:
    """The test that a filter describes; an empty one chooses every task. Raises InvalidArgument."""
    chooses = compile_filter(text, _SCHEMA)
    if not text.strip():
        return lambda _: True
    return lambda task: chooses(_DIALECT.write_task(task, BASIC, _NEW()))

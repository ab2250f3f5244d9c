"""A task's body: as JSON, text, hex or base64, and as a download."""

from __future__ import annotations

import asyncio
from typing import Any, Final

from msgspec import Struct

from tidegate.console import bodies
from tidegate.console.answer import Answer, download
from tidegate.console.bodies import Piece
from tidegate.console.tasks_table import body_of
from tidegate.console.visit import Visit
from tidegate.core.names import TaskName
from tidegate.schema.v2beta3 import CloudTasks, Task

TABS: Final = (("json", "JSON"), ("text", "Text"), ("hex", "Hex"), ("base64", "Base64"))


class Shown(Struct, frozen=True):
    """A body in the form ``tab``. ``trouble`` says why it is not shown in the form that was asked for."""

    tab: str
    pieces: list[Piece]
    size: int
    cut: bool
    trouble: str = ""


async def show(body: bytes, tab: str) -> Shown:
    """The first 64 KiB of ``body`` in one of the forms of ``TABS``; without one, the form that fits."""
    return await asyncio.to_thread(_show, body, tab)  # 64 KiB of JSON take some tenths of a second


def _show(body: bytes, tab: str) -> Shown:
    start, cut = bodies.cut_body(body)
    trouble = ""
    if tab in {"", "json"}:
        try:
            return Shown("json", bodies.json_pieces(start.decode(), cut=cut), len(body), cut)
        except bodies.NotJsonError as error:
            trouble = f"It is {error}." if str(error).startswith("not JSON") else f"It has {error}."
        except UnicodeDecodeError:
            trouble = "It is not UTF-8."
        trouble = f"{trouble} Shown as it is." if tab else ""
        tab = "text" if _is_text(start) or tab else "hex"
    text = {"hex": bodies.hex_of, "base64": bodies.base64_of}.get(tab, bodies.text_of)(start)
    return Shown(tab if tab in dict(TABS) else "text", [Piece(text)], len(body), cut, trouble)


def _is_text(body: bytes) -> bool:
    try:
        return b"\0" not in body and bool(body.decode() or True)
    except UnicodeDecodeError:
        return False


async def full_task(visit: Visit, name: TaskName) -> Any:
    return await visit.calls(CloudTasks.get_task, name=name, response_view=Task.View.FULL)


async def body(visit: Visit, name: TaskName) -> Answer:
    task = await full_task(visit, name)
    raw = body_of(task)
    if visit.request.asked("as") == "download":
        return download(raw, f"{name.task[:100]}.bin")
    shown = await show(raw, visit.request.asked("as"))
    return visit.page(
        "task_body.html", title=f"Body of {name.task}", section="queues", name=name, shown=shown, tabs=TABS
    )

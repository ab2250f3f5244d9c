"""A queue over time: charts that can be read off, and pictures of the same without a script."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from msgspec import Struct

from tidegate.console import charts
from tidegate.console.answer import Answer
from tidegate.console.hours import series, spread
from tidegate.console.queue_head import head_of
from tidegate.console.visit import Visit
from tidegate.core.names import QueueName
from tidegate.schema.operator import Metric

SPANS: Final = {
    "hour": ("Hour", timedelta(hours=1), timedelta(seconds=60)),
    "six": ("6 hours", timedelta(hours=6), timedelta(minutes=5)),
    "day": ("Day", timedelta(days=1), timedelta(minutes=20)),
}
CHARTS: Final = (
    ("Tasks in queue", (("Tasks", Metric.DEPTH, "accent"),)),
    (
        "Attempts in each step",
        (("Delivered", Metric.SUCCEEDED, "ok"), ("Failed", Metric.FAILED, "bad")),
    ),
    ("Created in each step", (("Created", Metric.CREATED, "accent"),)),
    ("In flight", (("In flight", Metric.IN_FLIGHT, "busy"),)),
    (
        "Response time, seconds",
        (
            ("Half within", Metric.RESPONSE_TIME_P50, "ok"),
            ("95 % within", Metric.RESPONSE_TIME_P95, "warn"),
            ("99 % within", Metric.RESPONSE_TIME_P99, "bad"),
        ),
    ),
)


class Drawn(Struct, frozen=True):
    """A chart: its lines as paths, and the same values for the script."""

    title: str
    lines: Sequence[tuple[str, str, charts.Line, float]]
    top: float
    values: str


async def metrics(visit: Visit, name: QueueName) -> Answer:
    head = await head_of(visit, name, "metrics")
    chosen = visit.request.asked("span")
    if chosen not in SPANS:
        chosen = "hour"
    _, length, step = SPANS[chosen]
    wanted = [metric for _, lines in CHARTS for _, metric, _ in lines]
    found = await asyncio.gather(*(series(visit, name, metric, step, length) for metric in wanted))
    built = all(points is not None for points in found)
    values = {
        metric: spread(points, visit.now, step, length) for metric, points in zip(wanted, found, strict=True) if built
    }
    return visit.page(
        "metrics.html",
        title=f"{name.queue}: metrics",
        section="queues",
        head=head,
        built=built,
        drawn=[_draw(title, lines, values, visit.now, step) for title, lines in CHARTS] if built else [],
        spans=[(key, label, key == chosen) for key, (label, _, _) in SPANS.items()],
        marks=[visit.now - length + length * at / 4 for at in range(5)],
    )


def _draw(title: str, lines: Any, values: dict[Metric, list[float]], now: datetime, step: timedelta) -> Drawn:
    top = charts.round_up(max(max(values[metric]) for _, metric, _ in lines))
    many = len(values[lines[0][1]])
    start = now - step * (many - 1)
    data = {
        "times": [round((start + step * at).timestamp()) for at in range(many)],
        "lines": [{"label": label, "colour": colour, "values": values[metric]} for label, metric, colour in lines],
    }
    drawn = [
        (label, colour, charts.line(values[metric], charts.PLOT_WIDTH, charts.PLOT_HEIGHT, top), values[metric][-1])
        for label, metric, colour in lines
    ]
    return Drawn(title, drawn, top, json.dumps(data))

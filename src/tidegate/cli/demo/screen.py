"""The output of the demo: progress, then tables and guarantees. Plain lines where there is no terminal."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.padding import Padding
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from tidegate.cli.demo.findings import PromiseCheck, QueueFacts, WaitFacts, blur
from tidegate.cli.demo.handler import Handler
from tidegate.cli.demo.plan import QUEUES, DemoTask

ACCENT = "cyan"
REPORT_WIDTH = 100
BAR_WIDTH = 20
INDENTED = (0, 0, 0, 2)
LINE_EVERY = 1.0  # seconds between plain lines


class Screen:
    """Where the demo writes; ``live`` shows progress while its block lasts."""

    def __init__(self, console: Console) -> None:
        self._console = console

    def title(self) -> None:
        self._console.print()
        title = Text.assemble(
            ("Tidegate", f"bold {ACCENT}"), "  a server, a handler that fails at times, some thousand tasks"
        )
        self._print(_indented(title))
        self._console.print()

    def step(self, text: str) -> None:
        self._print(_indented(Text.assemble(("● ", ACCENT), text)))

    def progress(self, tasks: Sequence[DemoTask]) -> Progress:
        return Progress(self._console, tasks)

    def report(
        self, facts: Sequence[QueueFacts], waits: Sequence[WaitFacts], judged: Sequence[PromiseCheck], lag: float
    ) -> None:
        for part in (queue_table(facts), wait_table(waits), promise_list(judged), footnote(lag)):
            self._console.print()
            self._print(part)
        self._console.print()

    def end(self, text: str, *, good: bool) -> None:
        self._print(_indented(Text(text, style="bold green" if good else "bold red")))
        self._console.print()

    def _print(self, part: RenderableType) -> None:
        self._console.print(part, width=min(self._console.width, REPORT_WIDTH))


class Progress:
    """Progress by queue. Call ``update`` often; it draws only when something has changed."""

    def __init__(self, console: Console, tasks: Sequence[DemoTask]) -> None:
        self._console = console
        self._total = {queue.id: sum(task.queue == queue.id for task in tasks) for queue in QUEUES}
        self._live = Live(console=console, auto_refresh=False, transient=True)
        self._next_line = 0.0

    def __enter__(self) -> Progress:
        if self._console.is_terminal:
            self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._live.stop()

    def update(self, handler: Handler, running_for: float) -> None:
        """``running_for``: seconds since the tasks became due, negative before."""
        if self._console.is_terminal:
            self._live.update(self._table(handler, running_for), refresh=True)
        elif running_for >= self._next_line:
            self._next_line = running_for + LINE_EVERY
            self._console.print(
                f"  {running_for:4.1f} s  {handler.done:,} of {sum(self._total.values()):,} done, "
                f"{handler.retries.total():,} retries, {handler.given_up.total():,} given up",
                highlight=False,
            )

    def _table(self, handler: Handler, running_for: float) -> RenderableType:
        table = Table(box=None, padding=INDENTED, header_style="dim")
        table.add_column("queue")
        table.add_column("")
        for heading in ("done", "rate", "at once", "retries", "given up"):
            table.add_column(heading, justify="right", no_wrap=True)
        for queue in QUEUES:
            total = self._total[queue.id]
            given_up = handler.given_up[queue.id]
            done = handler.delivered[queue.id] + given_up
            rate = handler.in_last_second(queue.id)
            table.add_row(
                Text(queue.id, style="bold"),
                ProgressBar(total=total, completed=done, width=BAR_WIDTH, complete_style=ACCENT),
                f"{done:,} of {total:,}",
                _of(rate, queue.rate, "/s"),
                _of(handler.in_flight[queue.id], queue.at_once),
                f"{handler.retries[queue.id]:,}",
                Text(f"{given_up:,}", style="yellow" if given_up else ""),
            )
        says = f"{running_for:.1f} s" if running_for >= 0 else f"due in {-running_for:.1f} s"
        return Group("", _indented(Text(says, style="dim")), table)


def queue_table(facts: Sequence[QueueFacts]) -> Table:
    """A row for each queue: the results of its tasks, and how much of its limits it used."""
    headings = ("Tasks", "Delivered", "Given\nup", "Retries", "Fastest\nsecond", "Most at\nonce", "Slowest")
    table = _report_table("Queue", headings)
    for each in facts:
        table.add_row(
            Text(each.queue.id, style="bold"),
            f"{each.tasks:,}",
            f"{each.delivered:,}",
            f"{each.given_up:,}",
            f"{each.retries:,}",
            _of(each.fastest, each.allowed),
            _of(each.at_once, each.queue.at_once),
            f"{each.slowest:.1f} s",
        )
    return table


def wait_table(waits: Sequence[WaitFacts]) -> Table:
    """A row for each queue and failure: the documented backoff and the measured ones."""
    table = _report_table("Waits", ("After failure", "Documented", "Shortest", "Median", "Longest", "Count"))
    queue = ""
    for each in waits:
        shown = "" if each.queue.id == queue else each.queue.id
        queue = each.queue.id
        seconds = (each.measured[0], median(each.measured), each.measured[-1])
        table.add_row(
            Text(shown, style="bold"),
            f"{each.failures}",
            Text(f"{each.formula:.3f} s", style=ACCENT),
            *(f"{wait:.3f} s" for wait in seconds),
            f"{len(each.measured):,}",
        )
    return table


def promise_list(promises: Sequence[PromiseCheck]) -> Table:
    """A line for each guarantee: whether it held, and the evidence."""
    table = Table(box=None, show_header=False, padding=INDENTED)
    for promise in promises:
        mark = Text("✓", style="bold green") if promise.kept else Text("✗", style="bold red")
        table.add_row(mark, Text(promise.says, style="" if promise.kept else "bold red"), Text(promise.evidence, "dim"))
    return table


def footnote(lag: float) -> RenderableType:
    """Notes on the numbers."""
    text = (
        "Measured at the handler. A second is counted where attempts arrive, so the way there may let up to "
        f"{blur(lag) * 1000:.0f} ms of the next one in."
    )
    return _indented(Text(text, style="dim"))


def _indented(part: RenderableType) -> RenderableType:
    return Padding(part, INDENTED, expand=False)


def _report_table(first: str, others: Sequence[str]) -> Table:
    table = Table(box=None, padding=INDENTED, header_style=f"dim {ACCENT}")
    table.add_column(first, vertical="bottom", min_width=max(len(queue.id) for queue in QUEUES))
    for heading in others:
        table.add_column(heading, vertical="bottom", justify="right", no_wrap=True)
    return table


def _of(some: float, limit: float, unit: str = "") -> Text:
    return Text.assemble(f"{some:,.0f}", (f" of {limit:,.0f}{unit}", "dim"))

"""What the demo shows, rendered without a terminal and with one."""

import io

from rich.console import Console

from tidegate.cli.demo.findings import PromiseCheck, QueueFacts, WaitFacts
from tidegate.cli.demo.handler import Handler
from tidegate.cli.demo.plan import QUEUES, plan
from tidegate.cli.demo.screen import Screen

FACTS = [QueueFacts(queue, 3000, 2998, 2, 31, 598, 41, 6.02) for queue in QUEUES]
WAITS = [WaitFacts(QUEUES[2], number, QUEUES[2].wait(number), (0.2, 0.203, 0.35)) for number in (1, 2)]
PROMISES = [
    PromiseCheck("Never early", True, "the promptest came 0.4 ms late"),
    PromiseCheck("Each attempt is made once", False, "x"),
]


def screen(*, terminal: bool, width: int = 100) -> tuple[Screen, io.StringIO]:
    output = io.StringIO()
    return Screen(Console(file=output, force_terminal=terminal, width=width, highlight=False)), output


def lines(output: io.StringIO) -> list[str]:
    return [" ".join(line.split()) for line in output.getvalue().splitlines() if line.strip()]


def test_the_report_has_a_line_for_each_queue_wait_and_promise() -> None:
    where, output = screen(terminal=False)
    where.report(FACTS, WAITS, PROMISES, 0.012)
    assert lines(output) == [
        "Given Fastest Most at",
        "Queue Tasks Delivered up Retries second once Slowest",
        "orders 3,000 2,998 2 31 598 of 600 41 of 1,000 6.0 s",
        "reports 3,000 2,998 2 31 598 of 240 41 of 10 6.0 s",
        "webhooks 3,000 2,998 2 31 598 of 120 41 of 50 6.0 s",
        "Waits After failure Documented Shortest Median Longest Count",
        "webhooks 1 0.200 s 0.200 s 0.203 s 0.350 s 3",
        "2 0.400 s 0.200 s 0.203 s 0.350 s 3",
        "✓ Never early the promptest came 0.4 ms late",
        "✗ Each attempt is made once x",
        "Measured at the handler. A second is counted where attempts arrive, so the way there may let up to",
        "62 ms of the next one in.",
    ]


def test_the_report_fits_eighty_columns() -> None:
    where, output = screen(terminal=False, width=80)
    where.report(FACTS, WAITS, PROMISES, 0.012)
    assert max(map(len, output.getvalue().splitlines())) <= 80
    assert "…" not in output.getvalue()
    assert "Queue Tasks Delivered up Retries second once Slowest" in lines(output)
    assert "orders 3,000 2,998 2 31 598 of 600 41 of 1,000 6.0 s" in lines(output)


def test_without_a_terminal_progress_is_a_line_a_second() -> None:
    where, output = screen(terminal=False)
    tasks = plan(40)
    with where.progress(tasks) as progress:
        for tenths in range(-5, 21):
            progress.update(Handler(QUEUES, tasks), tenths / 10)
    assert lines(output) == [f"{second} s 0 of 40 done, 0 retries, 0 given up" for second in ("0.0", "1.0", "2.0")]


def test_on_a_terminal_progress_is_drawn_and_wiped_away() -> None:
    where, output = screen(terminal=True)
    tasks = plan(40)
    with where.progress(tasks) as progress:
        progress.update(Handler(QUEUES, tasks), -0.5)
    shown = output.getvalue()
    assert "due in 0.5 s" in shown
    assert "0 of 30" in shown
    assert shown.endswith("\x1b[2K")

"""The command ``tidegate demo``. ``run`` does the work."""

from __future__ import annotations

import asyncio
import sys

import click


@click.command(short_help="See it work: a server, a handler that fails at times, some thousand tasks.")
@click.option(
    "--tasks", type=click.IntRange(40, 8000), default=4000, show_default=True, help="About how many tasks to send."
)
@click.option("--keep", is_flag=True, help="Go on with further tasks until Ctrl-C, to be looked at in the console.")
def demo(tasks: int, keep: bool) -> None:
    """See it work, in some fifteen seconds.

    \b
    Example:
      tidegate demo --tasks 400

    Starts a server of its own with a store on disk, and a handler that is slow at times and fails at times; sends it
    tasks over three queues with different limits; and ends with what became of them: delivered, retried, given up, the
    rates that held and the waits that were kept. Exit code 0 when every promise held. Nothing stays behind.
    """  # noqa: D301 - click reads the backspace
    from tidegate.cli.demo.run import run

    try:
        sys.exit(asyncio.run(run(tasks, keep=keep)))
    except (KeyboardInterrupt, asyncio.CancelledError):  # Ctrl-C, or another signal that ends a program
        sys.exit(130)

"""``tidegate dev`` as a command."""

from __future__ import annotations

import os
from functools import partial
from typing import Any

import click

from tidegate.cli.dev.emulator import from_variables, translated
from tidegate.cli.options import setting_flags
from tidegate.operator_errors import OperatorError

NEXT_PORTS = 100
"""Ports that are tried after one that is taken."""


class _Command(click.Command):
    """Takes the flags and variables of another emulator too; what is typed comes last, so it wins."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        return super().parse_args(ctx, [*from_variables(os.environ), *translated(args)])


@click.command(cls=_Command, short_help="Run a server to develop with.")
@click.option("--app", metavar="URL", help="Your application: tasks that do not call this machine go there.")
@click.option("--data", metavar="DIR", help="Where to keep queues and tasks; without it, in memory.")
@click.option("--open", "opened", is_flag=True, help="Open the console in a browser.")
@click.option("--import", "imported", metavar="FILE", help="Begin with what `tidegate export` printed to this file.")
@click.option("--export-on-exit", "exported", metavar="FILE", help="At the end, write everything to this file.")
@click.option("--headless", is_flag=True, help="Print nothing but `listening on …`.")
@click.option("--hard-reset-on-purge-queue", is_flag=True, help="A purge frees the names of tasks at once, too.")
@setting_flags
def dev(
    config_file: str | None,
    app: str | None,
    data: str | None,
    imported: str | None,
    exported: str | None,
    *,
    opened: bool,
    headless: bool,
    hard_reset_on_purge_queue: bool,
    **flags: Any,
) -> None:
    """Run a server to develop with, not one for production: in memory, with a queue, and a line for each attempt.

    \b
    Example:
      tidegate dev --queue mail --app http://localhost:3000

    A short name of a queue is of project demo (or the one that is set) and us-central1; without --queue there is one
    queue, default. --app sends every task whose URL does not name this machine to your application, with its path; the
    host that was meant is in X-Forwarded-Host. --map does so for URLs with one prefix. Names of deleted queues are free
    at once, and the helpers for tests are on.

    Once it is ready it prints where it is, and what to paste for Python, Node, Go and gcloud. If port 8123 is taken, it
    takes the next free one. Every flag of `tidegate serve` is taken, and those of aertje/cloud-tasks-emulator (-host,
    -port, -queue, -openid-issuer, -hard-reset-on-purge-queue) and its variables (INITIAL_QUEUES and others).
    """  # noqa: D301 - click reads the backspace
    import logging

    from tidegate.app import application
    from tidegate.cli.dev.attempts import AttemptLines
    from tidegate.cli.dev.banner import banner
    from tidegate.cli.dev.setup import settings_of
    from tidegate.cli.dev.state import check_readable, export_to, once_answering
    from tidegate.cli.serve import tls_of
    from tidegate.logs import set_up
    from tidegate.servers import front
    from tidegate.servers.address import Address
    from tidegate.servers.asgi import App
    from tidegate.servers.lifespan import listening

    own = settings_of(flags, config_file, app=app, data=data)
    settings = own.settings
    set_up(settings.log_format or "plain", level=logging.WARNING, times=False)
    port = free_port(settings.host, settings.port) if own.any_port else settings.port
    listeners = []
    if not headless:
        listeners.append(AttemptLines(settings.app_engine))
        logging.getLogger("tidegate.attempts").setLevel(logging.ERROR)  # each attempt has its line here
    if imported is not None:
        check_readable(imported)

    def make(address: Address) -> App:
        app = application(
            settings,
            address,
            listeners=listeners,
            sources=own.sources,
            hard_reset_on_purge=hard_reset_on_purge_queue,
        )
        if exported is not None:
            app.before_drain(partial(export_to, exported, address.url))
        return app

    def ready(address: Address) -> str:
        once_answering(address, imported=imported, opened=opened)
        return listening(address) if headless else banner(settings, address)

    front.serve(make, settings.host, port, tls=tls_of(settings), ready=ready)


def free_port(host: str, first: int) -> int:
    """The port, or the next free one where another program has it. Raises OperatorError where that is a tidegate."""
    from tidegate.servers.address import reserve, resolve

    for port in range(first, first + NEXT_PORTS):
        try:
            _, listener = reserve(resolve(host, port))
        except OperatorError:
            if _is_tidegate(host, port):
                raise OperatorError(
                    f"tidegate runs already at http://{host}:{port}: use it, stop it, or choose another with --port"
                ) from None
            continue
        except OSError:  # whoever serves says it better
            return first
        listener.close()
        return port
    return first


def _is_tidegate(host: str, port: int) -> bool:
    from http.client import HTTPConnection, HTTPException

    asked = HTTPConnection(host, port, timeout=1)
    try:
        asked.request("GET", "/$discovery/rest?version=v2")
        return b"cloudtasks" in asked.getresponse().read(4096)
    except (OSError, HTTPException):
        return False
    finally:
        asked.close()

"""``tidegate``: the commands under one name."""

from __future__ import annotations

from typing import Any

import click

from tidegate import __version__
from tidegate.cli.check import check
from tidegate.cli.config import config
from tidegate.cli.demo import demo
from tidegate.cli.queues import queues
from tidegate.cli.serve import serve
from tidegate.operator_errors import OperatorError


class _Commands(click.Group):
    """Commands that end with one line on stderr when an OperatorError says why they cannot do their work."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except OperatorError as error:
            click.echo(error.message, err=True)
            ctx.exit(error.exit_code)


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, message="tidegate %(version)s")
def main() -> None:
    """Google Cloud Tasks that you run yourself.

    Start a server and point any Cloud Tasks client at it:

        tidegate serve
    """


@click.command()
def version() -> None:
    """Print the version."""
    click.echo(f"tidegate {__version__}")


for command in (serve, demo, queues, check, config, version):
    main.add_command(command)

"""``tidegate serve``: run the server in this process."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tidegate.cli.options import load_settings, setting_flags

if TYPE_CHECKING:
    from tidegate.servers.http import Tls
    from tidegate.settings import Settings


@click.command(short_help="Run the server.")
@setting_flags
def serve(config_file: str | None, **flags: Any) -> None:
    """Run the server in the foreground.

    \b
    Example:
      tidegate serve --queue projects/demo/locations/here/queues/mail

    It prints `listening on http://HOST:PORT` once calls are answered. SIGTERM or Ctrl-C lets the attempts under way
    end, records them and exits; a second signal exits at once. What was acknowledged is on disk either way.

    Every flag is a setting. A setting can also stand in the environment, as TIDEGATE_ and its name in capitals
    (TIDEGATE_MAX_DISPATCHES_PER_SECOND), or in the file tidegate.toml of the working directory
    (max_dispatches_per_second = 50). A flag wins over the environment, that over the file. `tidegate config` shows
    what holds.
    """  # noqa: D301 - click reads the backspace
    loaded = load_settings(flags, config_file)
    settings = loaded.settings
    from tidegate.app import application
    from tidegate.logs import set_up
    from tidegate.servers import front

    set_up(settings.log_format)
    front.serve(
        partial(application, settings, sources=loaded.sources), settings.host, settings.port, tls=tls_of(settings)
    )


def tls_of(settings: Settings) -> Tls | None:
    """The files of the certificates; None for a server without."""
    from tidegate.servers.http import Tls

    if not (settings.tls_cert and settings.tls_key):
        return None
    asks = settings.asks_certificates
    client_ca = Path(settings.tls_client_ca) if settings.tls_client_ca and asks != "off" else None
    return Tls(Path(settings.tls_cert), Path(settings.tls_key), client_ca, optional=asks == "optional")

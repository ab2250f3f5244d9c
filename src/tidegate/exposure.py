"""Who reaches a server by its settings: under which names, what is warned of, and what tests may do."""

from __future__ import annotations

import logging
from urllib.parse import urlsplit

from tidegate.servers.origins import Origins
from tidegate.settings import Settings

logger = logging.getLogger("tidegate")


def origins(settings: Settings) -> Origins:
    """Under which names this server may be called, and by the pages of which other sites."""
    hosts = [settings.host, *settings.allow_hosts]
    if settings.oidc_issuer is not None:  # handlers fetch the keys of ID tokens there
        hosts.append(urlsplit(settings.oidc_issuer).hostname or "")
    return Origins(hosts, settings.allow_origins, settings.console_hosts)


def warn_of_exposure(settings: Settings) -> None:
    """Log a warning when others than this machine reach the server and nobody is asked who calls."""
    if settings.loopback or settings.access or settings.asks_certificates == "required":
        return
    if settings.tls_cert is None:
        logger.warning(
            "listening on %s without TLS: whoever reaches the port can use every queue, and what is sent can be read on"
            " the way; --tls-cert, --tls-key and --tls-client-ca let in only clients with a certificate, --access"
            " asks who calls",
            settings.host,
        )
    else:
        logger.warning(
            "listening on %s with access off: whoever reaches the port can use every queue; --access asks who calls",
            settings.host,
        )


def has_dev_helpers(settings: Settings) -> bool:
    """Whether tests may reset this server: it was said, or nobody else reaches it and it keeps nothing."""
    return settings.dev or (settings.loopback and settings.store.in_memory)

"""What the operator's service says about this server: its settings with their origin, its features, its address."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from tidegate import __version__
from tidegate.api.operator.about import About, SettingInForce
from tidegate.servers.address import Address
from tidegate.settings import SETTINGS, Settings

DEFAULT = "default"


def about(settings: Settings, sources: Mapping[str, str], address: Address, started_at: datetime) -> About:
    """A server with these settings; ``sources`` says of those that were set where."""
    return About(
        version=__version__,
        started_at=started_at,
        address=address.url,
        node=f"{address.host}:{address.port}",
        store=str(settings.store),
        features=_features(settings),
        settings=[
            SettingInForce(row.name, row.show(getattr(settings, row.name)), sources.get(row.name, DEFAULT))
            for row in SETTINGS
        ],
        max_bytes_in_flight=settings.max_bytes_in_flight,
    )


def _features(settings: Settings) -> list[str]:
    """What is turned on that changes what callers can do or see."""
    on = {
        "dev": settings.dev,
        "durable": not settings.store.in_memory,
        "throttling": settings.throttling,
        "ramp_up": settings.ramp_up,
        "tls": settings.tls_cert is not None,
        "client_certificates": settings.tls_client_ca is not None,
        "operation_log": settings.operation_log is not None,
    }
    return [name for name, is_on in on.items() if is_on]

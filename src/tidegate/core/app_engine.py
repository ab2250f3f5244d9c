"""Where App Engine services answer: the host made of a routing and a project."""

from __future__ import annotations

from functools import lru_cache

from msgspec.structs import replace

from tidegate.core.queue import AppEngineRouting

DOMAIN = "appspot.com"
DEFAULT_SERVICE = "default"


@lru_cache(maxsize=256)
def app_domain(project: str) -> str:
    """``p.appspot.com``; for a domain-scoped project such as ``example.com:app``, ``app.example.com.appspot.com``."""
    scope, _, app = project.rpartition(":")
    return f"{app}.{scope}.{DOMAIN}" if scope else f"{app}.{DOMAIN}"


def host_of(routing: AppEngineRouting, project: str) -> str:
    """The parts of the routing that are set, then the app's domain: ``1.v2.worker.p.appspot.com``."""
    parts = (routing.instance, routing.version, routing.service, app_domain(project))
    return ".".join(part for part in parts if part)


def with_host(routing: AppEngineRouting, project: str) -> AppEngineRouting:
    """The routing as it is stored: with its host filled in. Whatever host the caller sent is replaced."""
    return replace(routing, host=host_of(routing, project))

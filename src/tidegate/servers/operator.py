"""Where the operator's service answers beside unary gRPC."""

from __future__ import annotations

from typing import Final

from tidegate.api.operator import OperatorApi
from tidegate.servers.in_flight import InFlight
from tidegate.servers.mounts import Mount
from tidegate.servers.rest import RestServer

ROOT: Final = "/operator/v1/"


def operator_mounts(api: OperatorApi, in_flight: InFlight) -> list[Mount]:
    """REST below ``/operator/v1/``. It has a router of its own: its verbs end no path of Cloud Tasks."""
    return [Mount(ROOT, RestServer(api.methods(), in_flight), below=True)]

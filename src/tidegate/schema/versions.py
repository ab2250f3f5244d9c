"""The API versions there are. The operator's API stands beside them, in ``schema.operator``."""

from __future__ import annotations

from types import ModuleType
from typing import Any

from tidegate.schema import v2, v2beta2, v2beta3
from tidegate.schema.rpc import Rpc

VERSIONS: dict[str, ModuleType] = {"v2": v2, "v2beta2": v2beta2, "v2beta3": v2beta3}


def rows(version: str) -> list[Rpc[Any, Any]]:
    """Every row of one version, in order."""
    return [row for service in VERSIONS[version].SERVICES for row in service.rpcs]


def all_rows() -> list[Rpc[Any, Any]]:
    """Every row of every version. Locations and Operations come once for each: their REST paths differ."""
    return [row for version in VERSIONS for row in rows(version)]

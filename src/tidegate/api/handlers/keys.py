"""The encryption key of a location."""

from __future__ import annotations

from typing import Any

from tidegate.api import masks
from tidegate.api.dialect import Dialect
from tidegate.core.names import CmekName
from tidegate.engine.engine import Engine

KMS_KEY = ("kms_key",)


async def get_cmek_config(engine: Engine, dialect: Dialect, request: Any, name: CmekName) -> Any:
    return dialect.messages.CmekConfig(name=name, kms_key=await engine.keys.get(name.parent))


async def update_cmek_config(engine: Engine, dialect: Dialect, request: Any, name: CmekName) -> Any:
    """Only the key can change; an empty mask names everything."""
    paths = masks.parse(dialect.messages.CmekConfig.DESCRIPTOR, request.update_mask.paths)
    if paths and KMS_KEY not in paths:
        return await get_cmek_config(engine, dialect, request, name)
    key = request.cmek_config.kms_key
    await engine.keys.set(name.parent, key)
    return dialect.messages.CmekConfig(name=name, kms_key=key)

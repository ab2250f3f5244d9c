"""Messages and enums, part of ``types``."""

from tidegate.schema.v2.cmek_config import CmekConfig

__all__ = ["CmekConfig"]

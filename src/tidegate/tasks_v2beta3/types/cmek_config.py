"""Messages and enums, part of ``types``."""

from tidegate.schema.v2beta3.cmek_config import CmekConfig

__all__ = ["CmekConfig"]

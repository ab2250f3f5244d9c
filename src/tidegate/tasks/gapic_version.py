"""The version."""

from tidegate import __version__

__all__ = ["__version__"]

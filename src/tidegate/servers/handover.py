"""What the front tells the application inside Envoy: environment variables, for nothing else outlives exec."""

from __future__ import annotations

from typing import Final

APP: Final = "TIDEGATE_APP"
"""The application to run, ``module:attribute``."""
ADDRESS: Final = "TIDEGATE_ADDRESS"
"""Where it listens, as ``Address.to_environment`` writes it."""
BEFORE: Final = "TIDEGATE_ENVIRONMENT_BEFORE"
"""What the variables that start Python inside Envoy were before (JSON; null: not set)."""

"""Where the servers of a test run: in its process, in one of their own, or at an address that is given."""

from __future__ import annotations

import os
from typing import Final

import pytest

IN_PROCESS: Final = "inprocess"
PROCESS: Final = "process"
OPTION: Final = "--tidegate-mode"
SETTING: Final = "tidegate_mode"
VARIABLE: Final = "TIDEGATE_MODE"
SAYS: Final = (
    f"where tidegate's server runs: {IN_PROCESS} (default), {PROCESS}, or HOST:PORT of one that runs with --dev"
)


def add_options(parser: pytest.Parser) -> None:
    """The command line's option, and the setting of pytest's configuration."""
    parser.getgroup("tidegate").addoption(OPTION, dest=SETTING, metavar="MODE", help=SAYS)
    parser.addini(SETTING, SAYS)


def mode_of(config: pytest.Config) -> str:
    """What the option says, else the variable, else the setting: ``inprocess``, ``process`` or an address.

    Raises:
        pytest.UsageError: it is none of them.
    """
    given = config.getoption(SETTING) or os.environ.get(VARIABLE) or config.getini(SETTING) or IN_PROCESS
    mode = str(given).strip()
    if mode not in {IN_PROCESS, PROCESS} and not mode.rpartition(":")[2].isdigit():
        raise pytest.UsageError(f"{OPTION} must be {IN_PROCESS}, {PROCESS} or HOST:PORT, not {mode!r}")
    return mode

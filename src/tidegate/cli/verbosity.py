"""How much a command says on stderr of what it does: ``--verbosity``, or CLOUDSDK_CORE_VERBOSITY.

Results, what was done, questions, ``--log-http`` and what is wrong with a line do not go by it.
"""

from __future__ import annotations

import os
import sys

from tidegate.cli.problems import CommandError

VARIABLE = "CLOUDSDK_CORE_VERBOSITY"
LEVELS = ("debug", "info", "warning", "error", "critical", "none")
USUAL = "warning"
MASKED = "--- Token Redacted ---"
"""What stands for a credential in what is told."""


def verbosity(flag: str | None) -> str:
    """The level that the flag says, or else the variable."""
    said = flag or os.environ.get(VARIABLE, "").lower()
    return said if said in LEVELS else USUAL


class Told:
    """Writes lines of a level to stderr, if the command's verbosity shows that level."""

    def __init__(self, shown: str = USUAL) -> None:
        self._shown = LEVELS.index(shown)

    def shows(self, level: str) -> bool:
        return LEVELS.index(level) >= self._shown

    def debug(self, text: str) -> None:
        if self.shows("debug"):
            print(f"DEBUG: {text}", file=sys.stderr)

    def info(self, text: str) -> None:
        if self.shows("info"):
            print(f"INFO: {text}", file=sys.stderr)

    def warning(self, text: str) -> None:
        if self.shows("warning"):
            from tidegate.cli.colours import YELLOW, paint

            print(f"{paint('WARNING:', YELLOW, sys.stderr)} {text}", file=sys.stderr)

    def error(self, name: str, problem: CommandError) -> None:
        """Why the command ``name`` could not do its work."""
        if self.shows("error"):
            from tidegate.cli.colours import RED, paint

            print(f"{paint('ERROR:', RED, sys.stderr)} ({name}) {problem.text}", file=sys.stderr)

"""Why a command cannot do its work, and the exit code that says so."""

from __future__ import annotations

REFUSED, MISUSED, UNREACHABLE, INTERRUPTED = 1, 2, 3, 130


class CommandError(Exception):
    """The command ends with ``code`` and ``ERROR: (its name) text`` on stderr."""

    def __init__(self, text: str, code: int = REFUSED) -> None:
        super().__init__(text)
        self.text = text
        self.code = code


class UsageError(CommandError):
    """The command line is wrong; with ``usage`` the command's usage follows the text."""

    def __init__(self, text: str, *, usage: bool = True) -> None:
        super().__init__(text, MISUSED)
        self.usage = usage

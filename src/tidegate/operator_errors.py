"""Why a command or a server cannot do its work, told to the operator."""

from __future__ import annotations


class OperatorError(Exception):
    """Ends the process with ``message`` on stderr and ``exit_code``.

    The message is one line that names the cause and the cure. Only a list of faults or the end of a log adds lines.
    """

    def __init__(self, message: str, exit_code: int = 1) -> None:
        super().__init__(message)
        self.message = message
        self.exit_code = exit_code

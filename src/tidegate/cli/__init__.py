"""The command line. Each command is a module; what is slow to import is imported inside the command."""

from tidegate.cli.main import main

__all__ = ["main"]

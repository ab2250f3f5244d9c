"""The command line. What is slow to import is imported inside the command that needs it."""

from tidegate.cli.main import main

__all__ = ["main"]

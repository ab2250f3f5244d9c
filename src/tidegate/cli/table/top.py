"""The first words of a command line, and what the first page of the help is made of. It imports nothing: that page is
asked for often, and by programs too.
"""

from __future__ import annotations

SERVERS = (
    ("dev", "Run a server to develop with: memory, a queue, a line for each attempt.", "tidegate.cli.dev.command:dev"),
    ("serve", "Run the server.", "tidegate.cli.serve:serve"),
    ("check", "Look for damage in a store.", "tidegate.cli.check:check"),
    ("config", "Show the settings that hold.", "tidegate.cli.config:config"),
    ("demo", "See it work: a server, a fickle handler, some thousand tasks.", "tidegate.cli.demo:demo"),
)
"""Commands with the flags of a server: name, what it does, and its click command as ``module:name``."""

GROUPS = {
    "tasks": "Manage queues and tasks, with the commands of gcloud tasks.",
    "context": "Name servers, and choose one.",
}
SHORT = {"queues": ("tasks", "queues")}
"""What one word stands for."""

TRACKS = {
    "alpha": "Commands of gcloud's alpha track, by the API v2beta2.",
    "beta": "Commands of gcloud's beta track, by the API v2beta3.",
}
ALONE = {
    "completion": "Print the script that completes commands, flags and names of queues.",
    "help": "Search the commands for words.",
    "man": "Print the man page.",
    "version": "Print the version.",
}
"""Commands of one word."""

_HEAD = """\
Usage: tidegate COMMAND [ARGS]...

  Google Cloud Tasks that you run yourself.

  Start a server to develop with, and point any Cloud Tasks client at it:

      tidegate dev
"""
_FOOT = "Every command has --help. --version shows the version.\n"


def first_page(bold: str = "{}") -> str:
    """What ``tidegate --help`` prints; ``bold`` has a place for a heading."""
    servers = [(name, says) for name, says, _ in SERVERS]
    queues = [("queues", "Short for tasks queues: manage queues.")]
    rest = [*GROUPS.items(), *queues, *ALONE.items(), *TRACKS.items()]
    blocks = [
        "\n".join([bold.format(title), *(f"  {name:10}  {says}" for name, says in rows)]) + "\n"
        for title, rows in (("Run a server:", servers), ("Use one:", sorted(rest)))
    ]
    return "\n".join([_HEAD, *blocks, _FOOT])

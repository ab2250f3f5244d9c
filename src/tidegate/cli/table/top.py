"""The first words of a command line, and what the first page of the help is made of. It imports nothing: that page is
asked for often, and by programs too.
"""

from __future__ import annotations

SERVERS = (
    ("dev", "Run a server to develop with: memory, a queue, a line for each attempt.", "tidegate.cli.dev.command:dev"),
    ("serve", "Run the server.", "tidegate.cli.serve:serve"),
    ("backup", "Copy a store to a file, while a server may be using it.", "tidegate.cli.backup:backup"),
    ("check", "Look for damage in a store.", "tidegate.cli.check:check"),
    ("migrate", "Bring the tables of a PostgreSQL store up to date.", "tidegate.cli.migrate:migrate"),
    ("move", "Move a store from a file to PostgreSQL.", "tidegate.cli.move:move"),
    ("config", "Show the settings that hold.", "tidegate.cli.config:config"),
    ("demo", "See it work: a server, a handler that fails at times, some thousand tasks.", "tidegate.cli.demo:demo"),
)
"""Commands with the flags of a server: name, what it does, and its click command as ``module:name``."""

GROUPS = {
    "tasks": "Manage queues and tasks, with the commands of gcloud tasks.",
    "context": "Name servers, and choose one.",
    "iam": "Say who may do what: accounts, keys, tokens, policies.",
    "dead": "Manage tasks that were given up.",
    "faults": "Have attempts fail on purpose.",
    "clock": "Move the time by which tasks go.",
}
SHORT = {"queues": ("tasks", "queues")}
"""What one word stands for."""

TRACKS = {
    "alpha": "Commands of gcloud's alpha track, by the API v2beta2.",
    "beta": "Commands of gcloud's beta track, by the API v2beta3.",
}
OPERATING = {
    "attempts": "List the attempts of a task that were kept.",
    "bench": "Measure a server: creates and dispatches.",
    "curl": "Print a task's request as a command line for curl.",
    "doctor": "Check a server and the way to it, a line a check.",
    "drain": "Start no more attempts on a node.",
    "env": "Print the lines that point clients at the server.",
    "explain": "Say why a task does not run, and when it will.",
    "export": "Print queues and tasks as lines of JSON.",
    "import": "Create the queues and tasks that export printed.",
    "import-gcp": "Copy queues and tasks from Google.",
    "nodes": "List the processes of the server.",
    "replay": "Send a task's request once more, without touching the task.",
    "tail": "Print a line for each attempt, as it ends.",
    "undrain": "Start attempts again on a node.",
}
ALONE = OPERATING | {
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
    operating = {*OPERATING, "dead", "faults", "clock", "iam"}
    blocks = [
        "\n".join([bold.format(title), *(f"  {name:10}  {says}" for name, says in rows)]) + "\n"
        for title, rows in (
            ("Run a server:", servers),
            ("Use one:", sorted(row for row in rest if row[0] not in operating)),
            ("Operate one:", sorted(row for row in rest if row[0] in operating)),
        )
    ]
    return "\n".join([_HEAD, *blocks, _FOOT])

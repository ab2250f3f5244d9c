"""The commands that only Tidegate has and that are no server: queues as code, contexts, help, completion, man page."""

from __future__ import annotations

from tidegate.cli.table.rows import Command, Positional
from tidegate.cli.table.shared import LOCATION
from tidegate.cli.table.top import ALONE

CONTEXT = "tidegate.cli.run.contexts"
FILE = Positional("FILE", "A queue.yaml.")
NAME = Positional("NAME", "The context.")
SHELLS = ("bash", "zsh", "fish")

OWN_COMMANDS = (
    Command(
        "tasks queues plan",
        "Show what a queue.yaml would change.",
        "tidegate queues plan queue.yaml",
        "tidegate.cli.queues.command:plan",
        positionals=(FILE,),
        flags=(LOCATION,),
        about="Nothing is changed. A line begins with + for a queue that would be created, ~ for one that would be"
        " updated, - for one that would be disabled because the file leaves it out.",
    ),
    Command(
        "tasks queues apply",
        "Apply a queue.yaml.",
        "tidegate queues apply queue.yaml",
        "tidegate.cli.queues.command:apply",
        positionals=(FILE,),
        flags=(LOCATION,),
        about="All of the file is applied, or nothing. The changes are shown before they are made, and what differs"
        " after. Queues that the file leaves out are disabled, except default; listed ones that are paused run again"
        " unless the file says resume_paused_queues: False.",
    ),
    Command(
        "context list",
        "List the contexts.",
        "tidegate context list",
        f"{CONTEXT}:show_all",
        local=True,
    ),
    Command(
        "context show",
        "Show a context, the current one if none is named.",
        "tidegate context show --format json",
        f"{CONTEXT}:show",
        positionals=(NAME._replace(required=False),),
        local=True,
    ),
    Command(
        "context use",
        "Make a context the current one.",
        "tidegate context use prod",
        f"{CONTEXT}:use",
        positionals=(NAME,),
        local=True,
    ),
    Command(
        "context set",
        "Create or change a context.",
        "tidegate context set prod address=https://tasks.example.com project=shop location=europe-west1",
        f"{CONTEXT}:change",
        positionals=(NAME, Positional("KEY=VALUE", "What to set.", many=True)),
        about="Keys: address, project, location, ca, cert, key, token_file, credential_file.",
        local=True,
    ),
    Command(
        "context unset",
        "Take values out of a context.",
        "tidegate context unset prod location",
        f"{CONTEXT}:unset",
        positionals=(NAME, Positional("KEY", "What to take out.", many=True)),
        local=True,
    ),
    Command(
        "context delete",
        "Delete a context.",
        "tidegate context delete prod",
        f"{CONTEXT}:delete",
        positionals=(NAME,),
        local=True,
    ),
    Command(
        "completion",
        ALONE["completion"],
        "tidegate completion bash",
        "tidegate.cli.run.completion:script",
        positionals=(Positional("SHELL", "bash, zsh or fish."),),
        about='For bash: eval "$(tidegate completion bash)" in ~/.bashrc; zsh the same in ~/.zshrc; fish: tidegate'
        " completion fish | source in ~/.config/fish/config.fish.",
        local=True,
    ),
    Command(
        "help",
        ALONE["help"],
        "tidegate help -- lease",
        "tidegate.cli.run.manual:search",
        positionals=(Positional("WORD", "A word to look for.", required=False, many=True),),
        local=True,
    ),
    Command(
        "man",
        ALONE["man"],
        "tidegate man",
        "tidegate.cli.run.manual:page",
        about="To read it: tidegate man | man -l -",
        local=True,
    ),
    Command(
        "version",
        ALONE["version"],
        "tidegate version",
        "tidegate.cli.run.manual:version",
        local=True,
    ),
)

"""From the words of a command line to a command."""

from __future__ import annotations

from functools import cache

from tidegate.cli.table import top
from tidegate.cli.table.dev_only import DEV_COMMANDS
from tidegate.cli.table.iam import IAM_COMMANDS
from tidegate.cli.table.moving import MOVING_COMMANDS
from tidegate.cli.table.operating import OPERATING_COMMANDS
from tidegate.cli.table.own import OWN_COMMANDS
from tidegate.cli.table.places import place_commands
from tidegate.cli.table.queues import queue_commands
from tidegate.cli.table.rows import GA, TRACKS, Command, Track
from tidegate.cli.table.tasks import task_commands

GROUPS = {
    **top.GROUPS,
    **top.TRACKS,
    "tasks queues": "Manage queues.",
    "iam service-accounts": "Manage service accounts.",
    "iam service-accounts keys": "Manage the keys of service accounts.",
    "iam policies": "Show and change who has which role on what.",
    "iam tokens": "Create static tokens.",
    "tasks locations": "Show the locations.",
    "tasks cmek-config": "Show and change the keys that encrypt tasks.",
}


@cache
def commands(track: Track) -> dict[str, Command]:
    """The commands of a track by their words."""
    rows = (*queue_commands(track), *place_commands(track), *task_commands(track))
    if track == GA:
        rows = (*rows, *OWN_COMMANDS, *OPERATING_COMMANDS, *DEV_COMMANDS, *MOVING_COMMANDS, *IAM_COMMANDS)
    return {row.words: row for row in rows}


def below(track: Track, group: str) -> list[str]:
    """The words that may follow a group's, in the order of the alphabet."""
    begin = f"{group} " if group else ""
    return sorted({words.removeprefix(begin).split()[0] for words in commands(track) if words.startswith(begin)})


def elsewhere(words: str) -> list[str]:
    """The tracks that have a command, where another one was asked."""
    return [name for name, track in sorted(TRACKS.items()) if words in commands(track)]

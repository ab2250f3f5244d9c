"""The commands for locations, CMEK configs and policies."""

from __future__ import annotations

from tidegate.cli.table.kinds import SWITCH
from tidegate.cli.table.queues import CALL, LIST
from tidegate.cli.table.rows import Call, Column, Command, Either, Flag, Positional, Track
from tidegate.cli.table.shared import LISTING, LOCATION, QUEUE

CMEK = "tidegate.cli.run.cmek:update"
POLICY = "tidegate.cli.run.policies"

MEMBER = Flag("--member", "Who: user:EMAIL, serviceAccount:EMAIL, group:EMAIL …", required=True, metavar="PRINCIPAL")
ROLE = Flag("--role", "Which role: roles/cloudtasks.enqueuer …", required=True)
KEY_FLAGS = (
    Flag("--kms-key-name", "The key: its full name, or its ID with --kms-keyring."),
    Flag("--kms-keyring", "The key ring of the key."),
    Flag("--kms-project", "The project of the key; --project without it."),
)
CLEAR_KEY = Flag("--clear-kms-key", "Use no key any more.", SWITCH)


def place_commands(track: Track) -> tuple[Command, ...]:
    """Locations and CMEK configs."""
    where = LOCATION._replace(help="The location whose config is meant.")
    return (
        Command(
            "tasks locations list",
            "List the locations.",
            "tidegate tasks locations list",
            LIST,
            Call("ListLocations", "GET", "{project}/locations"),
            flags=LISTING,
            items="locations",
            columns=(Column("NAME", "locationId"), Column("FULL_NAME", "name")),
        ),
        Command(
            "tasks locations describe",
            "Show details about a location.",
            "tidegate tasks locations describe us-central1",
            CALL,
            Call("GetLocation", "GET", "{location}"),
            (Positional("LOCATION", "The location: its ID, its full name or its URL."),),
        ),
        Command(
            "tasks cmek-config describe",
            "Show the CMEK config of a location.",
            "tidegate tasks cmek-config describe --location us-central1",
            CALL,
            Call("GetCmekConfig", "GET", "{location}/cmekConfig"),
            flags=(where._replace(required=True),),
        ),
        Command(
            "tasks cmek-config update",
            "Set or clear the key of a location.",
            "tidegate tasks cmek-config update --location us-central1 --clear-kms-key",
            CMEK,
            Call("UpdateCmekConfig", "PATCH", "{location}/cmekConfig", {"name": "{location}/cmekConfig"}),
            flags=(where, CLEAR_KEY, *KEY_FLAGS),
            either=(Either(((CLEAR_KEY.name,), tuple(flag.name for flag in KEY_FLAGS))),),
            said="Updated Cmek config for KMS key: [{key}].",
        ),
        *_policy_commands(track),
    )


def _policy_commands(track: Track) -> tuple[Command, ...]:
    conditions = (
        Flag("--condition", "When it holds: expression=…,title=…,description=…", metavar="[KEY=VALUE,…]"),
        Flag("--condition-from-file", "A YAML or JSON file that says when it holds.", metavar="FILE"),
    )
    every = Flag("--all", "Whatever the condition.", SWITCH)
    binding = (LOCATION, MEMBER, ROLE, *(conditions if track.alpha else ()))
    listing = tuple(flag for flag in LISTING if flag.name != "--uri")  # gcloud takes them, and has nothing to list
    setting = Call("SetIamPolicy", "POST", "{name}:setIamPolicy", {})
    queue = QUEUE._replace(shown="(QUEUE : --location=LOCATION)")
    updated = "Updated IAM policy for queue [{queue}]."
    return (
        Command(
            "tasks queues get-iam-policy",
            "Show who may do what with a queue.",
            "tidegate tasks queues get-iam-policy mail --format json",
            CALL,
            Call("GetIamPolicy", "POST", "{name}:getIamPolicy", {}),
            (queue,),
            (LOCATION, *listing),
        ),
        Command(
            "tasks queues set-iam-policy",
            "Replace the policy of a queue by that of a file.",
            "tidegate tasks queues set-iam-policy mail policy.json --quiet",
            f"{POLICY}:replace",
            setting,
            (queue, Positional("POLICY_FILE", "A YAML or JSON file with the policy.")),
            (LOCATION,),
            about="With an etag in the file it succeeds only while the policy is the one that has this etag.",
            said=updated,
        ),
        Command(
            "tasks queues add-iam-policy-binding",
            "Give somebody a role for a queue.",
            "tidegate tasks queues add-iam-policy-binding mail --member user:a@example.com"
            " --role roles/cloudtasks.viewer",
            f"{POLICY}:add",
            setting,
            (queue,),
            binding,
            said=updated,
        ),
        Command(
            "tasks queues remove-iam-policy-binding",
            "Take a role for a queue from somebody.",
            "tidegate tasks queues remove-iam-policy-binding mail --member user:a@example.com"
            " --role roles/cloudtasks.viewer",
            f"{POLICY}:remove",
            setting,
            (queue,),
            (*binding, every) if track.alpha else binding,
            said=updated,
        ),
    )

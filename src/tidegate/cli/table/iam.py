"""The commands of access control: service accounts and their keys, policies, static tokens, and who may what."""

from __future__ import annotations

from typing import Any

from tidegate.cli.table.queues import last_part
from tidegate.cli.table.rows import Column, Command, Flag, Positional

RUN = "tidegate.cli.run.iam"
ABOUT = (Flag("--display-name", "A name for people."), Flag("--description", "What it is for."))
EMAIL = Positional("EMAIL", "The email of the account.")
ACCOUNT = Flag("--iam-account", "The email of the account.", required=True, metavar="EMAIL")
RESOURCE = Positional("RESOURCE", "server, projects/PROJECT, the full name of a queue, or the email of an account.")
MEMBER = Flag("--member", "The member, such as user:ann@example.com.", required=True)
ROLE = Flag("--role", "The role, such as roles/cloudtasks.enqueuer.", required=True)


def iam(words: str, text: str, example: str, run: str, **more: Any) -> Command:
    return Command(f"iam {words}", text, f"tidegate iam {example}", f"{RUN}.{run}", **more)


IAM_COMMANDS = (
    iam(
        "service-accounts list",
        "List the service accounts of a project.",
        "service-accounts list --project shop",
        "accounts:show_all",
        columns=(Column("DISPLAY_NAME", "displayName"), Column("EMAIL", "email")),
    ),
    iam(
        "service-accounts create",
        "Create a service account.",
        "service-accounts create mailer --project shop",
        "accounts:create",
        positionals=(Positional("ACCOUNT_ID", "What stands before the @ of its email: 6 to 30 characters."),),
        flags=ABOUT,
    ),
    iam(
        "service-accounts describe",
        "Show a service account.",
        "service-accounts describe mailer@shop.iam.gserviceaccount.com",
        "accounts:describe",
        positionals=(EMAIL,),
    ),
    iam(
        "service-accounts update",
        "Change what a service account is called.",
        "service-accounts update mailer@shop.iam.gserviceaccount.com --display-name Mailer",
        "accounts:update",
        positionals=(EMAIL,),
        flags=ABOUT,
    ),
    iam(
        "service-accounts delete",
        "Delete a service account with its keys and its policy.",
        "service-accounts delete mailer@shop.iam.gserviceaccount.com",
        "accounts:delete",
        positionals=(EMAIL,),
        answers=False,
    ),
    iam(
        "service-accounts keys create",
        "Create a key and write its file, which is nowhere else.",
        "service-accounts keys create key.json --iam-account mailer@shop.iam.gserviceaccount.com",
        "accounts:create_key",
        positionals=(
            Positional("FILE", "Where to write the key file, for its owner alone. It must not be there yet."),
        ),
        flags=(ACCOUNT,),
        answers=False,
    ),
    iam(
        "service-accounts keys list",
        "List the keys of a service account.",
        "service-accounts keys list --iam-account mailer@shop.iam.gserviceaccount.com",
        "accounts:show_keys",
        flags=(ACCOUNT,),
        columns=(Column("KEY_ID", "name", last_part), Column("CREATED_AT", "validAfterTime")),
    ),
    iam(
        "service-accounts keys delete",
        "Delete a key; the next call with it is refused.",
        "service-accounts keys delete 77e7d78a --iam-account mailer@shop.iam.gserviceaccount.com",
        "accounts:delete_key",
        positionals=(Positional("KEY_ID", "The ID of the key."),),
        flags=(ACCOUNT,),
        answers=False,
    ),
    iam(
        "policies get",
        "Show the policy of a resource.",
        "policies get projects/shop",
        "policies:show",
        positionals=(RESOURCE,),
    ),
    iam(
        "policies add",
        "Give a member a role on a resource.",
        "policies add projects/shop --member user:ann@example.com --role roles/cloudtasks.viewer",
        "policies:add",
        positionals=(RESOURCE,),
        flags=(MEMBER, ROLE),
    ),
    iam(
        "policies remove",
        "Take a role on a resource from a member.",
        "policies remove projects/shop --member user:ann@example.com --role roles/cloudtasks.viewer",
        "policies:remove",
        positionals=(RESOURCE,),
        flags=(MEMBER, ROLE),
    ),
    iam(
        "tokens create",
        "Create a static token for a member.",
        "tokens create user:ann@example.com --file tokens.txt",
        "tokens:create",
        positionals=(Positional("MEMBER", "Whose it is, such as user:ann@example.com."),),
        flags=(
            Flag("--file", "The file of --tokens, to which its line is added; without it the line goes to stderr."),
            Flag("--until", "The last day on which it is good.", metavar="DATE"),
            Flag("--note", "What it is for."),
        ),
        about="Prints the token, which is kept nowhere; the file has its SHA-256. The server reads the file again when"
        " it changes.",
        local=True,
    ),
    iam("whoami", "Show who the server says you are.", "whoami", "explain:whoami"),
    iam(
        "explain",
        "Say whether a member has a permission on a resource, and why.",
        "explain cloudtasks.tasks.create projects/shop/locations/here/queues/mail",
        "explain:explain",
        positionals=(Positional("PERMISSION", "Such as cloudtasks.tasks.create."), RESOURCE),
        flags=(Flag("--member", "The member; without it you yourself."),),
    ),
)

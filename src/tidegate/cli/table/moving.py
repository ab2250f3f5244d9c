"""The commands that bring queues and tasks from one server to another."""

from __future__ import annotations

from tidegate.cli.table.kinds import MANY, SWITCH
from tidegate.cli.table.operating import RUN, operating
from tidegate.cli.table.rows import Flag, Positional
from tidegate.cli.table.shared import LOCATION
from tidegate.cli.table.top import ALONE

MOVING_COMMANDS = (
    operating(
        "export",
        ALONE["export"],
        "export --include-dead",
        f"{RUN}.state:export",
        flags=(
            LOCATION,
            Flag("--queue", "Only this queue; can be given again.", MANY),
            Flag("--all-projects", "All that the server holds.", SWITCH),
            Flag("--include-dead", "Dead tasks too.", SWITCH),
            Flag("--include-policies", "IAM policies too.", SWITCH),
            Flag("--include-secrets", "Credentials in headers and URLs as they are, in place of ***.", SWITCH),
        ),
        about="A line of JSON for each queue and each task, with their counts and times. The last line counts them: an"
        " export without it is not complete.",
    ),
    operating(
        "import",
        ALONE["import"],
        "import state.jsonl --dry-run",
        f"{RUN}.state:import_file",
        positionals=(Positional("FILE", "What export wrote; - is standard input."),),
        flags=(
            LOCATION,
            Flag("--map", "What a name begins with becomes something else: project=a:b, location=a:b.", MANY),
            Flag("--paused", "Make the queues paused.", SWITCH),
            Flag("--replace", "Replace what is there; without it, it is kept.", SWITCH),
            Flag("--dry-run", "Only read and count.", SWITCH),
        ),
        about="A name that is taken is skipped and counted, so an import that was interrupted can be run again.",
    ),
    operating(
        "import-gcp",
        ALONE["import-gcp"],
        "import-gcp --from-project shop --from-location us-central1 --plan",
        f"{RUN}.google:import_gcp",
        flags=(
            LOCATION,
            Flag("--from-project", "The project at Google.", required=True),
            Flag("--from-location", "Its location; can be given again. All of them without it.", MANY),
            Flag("--from-queue", "Only the queue with this ID; can be given again.", MANY),
            Flag("--from-address", "Where Google's API answers.", metavar="URL"),
            Flag(
                "--from-token-file", "A file with the access token for it, as `gcloud auth print-access-token` prints."
            ),
            Flag("--plan", "Only say what would come, and what cannot be kept.", SWITCH),
            Flag("--follow", "Go on until nothing is left there.", SWITCH),
            Flag("--pause-source", "Pause each queue there first.", SWITCH),
        ),
        about="Queues come paused, with the names that they have. Nothing changes at Google, unless --pause-source.",
    ),
)

"""The commands for operating a server, by the operator's API."""

from __future__ import annotations

from typing import Any

from tidegate.cli.table.kinds import COUNT, SPAN, SWITCH
from tidegate.cli.table.queues import CALL, LIST, last_part
from tidegate.cli.table.rows import Call, Column, Command, Either, Flag, Positional
from tidegate.cli.table.shared import LISTING, LOCATION, NEEDED_QUEUE_FLAG, QUEUE_FLAG
from tidegate.cli.table.top import ALONE

VERSION = "operator/v1"
"""What the paths of the operator's API begin with, in place of a version of Cloud Tasks."""

RUN = "tidegate.cli.run.operating"
TASK = Positional("TASK", "The task: its ID, its full name or its URL.")
DEAD = Positional("DEAD_TASK", "The dead task: its ID, its full name or its URL.")
IDS = Positional(
    "DEAD_TASK", "The dead tasks; without one, those that --filter chooses, or all.", required=False, many=True
)
FILTER = Flag("--filter", "Only those that this expression chooses, such as reason=ATTEMPTS.", metavar="EXPRESSION")
DRY_RUN = Flag("--dry-run", "Only count them.", SWITCH)
TO = Flag("--to", "Send it there in place of its own URL.", field="url", metavar="URL")
NODE = Flag("--node", "The node, by its name; without it the one that answers.", field="node")
UNPAGED = tuple(flag for flag in LISTING if flag.name != "--page-size")


def operating(words: str, text: str, example: str, run: str, call: Call | None = None, **more: Any) -> Command:
    return Command(words, text, f"tidegate {example}", run, call, version=VERSION, **more)


ATTEMPT_COLUMNS = (
    Column("NUMBER", "number"),
    Column("START_TIME", "startTime"),
    Column("OUTCOME", "outcome"),
    Column("STATUS", "httpStatus"),
    Column("TOTAL", "timing.total"),
    Column("NEXT", "retryTime"),
    Column("ERROR", "error"),
)
DEAD_COLUMNS = (
    Column("DEAD_TASK", "name", last_part),
    Column("DEATH_TIME", "deathTime"),
    Column("REASON", "reason"),
    Column("TASK_NAME", "task.name", last_part),
    Column("STATUS", "lastAttempt.httpStatus"),
    Column("ERROR", "lastAttempt.error"),
    Column("GROUP", "errorGroup"),
)
GROUP_COLUMNS = (
    Column("GROUP", "errorGroup"),
    Column("COUNT", "count"),
    Column("TEXT", "text"),
    Column("FIRST_TIME", "firstTime"),
    Column("LAST_TIME", "lastTime"),
    Column("SAMPLE", "sample", last_part),
)
NODE_COLUMNS = (
    Column("NODE", "name"),
    Column("STATE", "state"),
    Column("VERSION", "version"),
    Column("START_TIME", "startTime"),
    Column("IN_FLIGHT", "inFlight"),
)


OPERATING_COMMANDS = (
    operating(
        "tail",
        ALONE["tail"],
        "tail mail --failed",
        f"{RUN}.tail:tail",
        positionals=(Positional("QUEUE", "Only these queues.", required=False, many=True),),
        flags=(
            LOCATION,
            Flag("--failed", "Only attempts that failed.", SWITCH),
            Flag("--since", "Begin with what happened in the last so long.", SPAN),
        ),
        about="Goes on until Ctrl-C. When the connection breaks it comes back, and says what was missed. --format json"
        " prints an event a line.",
    ),
    operating(
        "explain",
        ALONE["explain"],
        "explain t1 --queue mail",
        f"{RUN}.explain:explain",
        positionals=(TASK._replace(required=False, help=f"{TASK.help} Without one, the queue is explained."),),
        flags=(
            QUEUE_FLAG,
            LOCATION,
            Flag("--probe", "Also resolve the host and connect to it; nothing is sent.", SWITCH, "?probe"),
        ),
        about="The decisive reason comes first. The exit code is 0 whatever the reason.",
    ),
    operating(
        "attempts",
        ALONE["attempts"],
        "attempts t1 --queue mail",
        LIST,
        Call("ListAttempts", "GET", "{task}/attempts"),
        positionals=(TASK,),
        flags=(QUEUE_FLAG, LOCATION, *LISTING),
        items="attempts",
        columns=ATTEMPT_COLUMNS,
        about="The newest first.",
    ),
    operating(
        "replay",
        ALONE["replay"],
        "replay t1 --queue mail --to http://localhost:3000/mail",
        CALL,
        Call("ReplayTask", "POST", "{task}:replay", {}),
        positionals=(TASK,),
        flags=(
            QUEUE_FLAG,
            LOCATION,
            Flag("--to", "Send it there in place of its own URL.", field="url", metavar="URL"),
        ),
        about="Nothing of the task changes, and nothing is kept of the answer.",
    ),
    operating(
        "curl",
        ALONE["curl"],
        "curl t1 --queue mail",
        f"{RUN}.explain:curl",
        Call("RenderRequest", "GET", "{task}:render"),
        positionals=(TASK,),
        flags=(
            QUEUE_FLAG,
            LOCATION,
            Flag("--attempt", "The attempt's number; without it the next one.", COUNT, "?attempt"),
        ),
        about="Tokens and other secrets are left out.",
    ),
    operating(
        "dead list",
        "List the dead tasks of a queue, the newest first.",
        "dead list --queue mail",
        LIST,
        Call("ListDeadTasks", "GET", "{queue}/deadTasks"),
        flags=(NEEDED_QUEUE_FLAG, LOCATION, *LISTING),
        items="deadTasks",
        columns=DEAD_COLUMNS,
    ),
    operating(
        "dead group",
        "Count the dead tasks of a queue that failed alike.",
        "dead group --queue mail",
        LIST,
        Call("GroupDeadTasks", "GET", "{queue}/deadTasks:group"),
        flags=(NEEDED_QUEUE_FLAG, LOCATION, *UNPAGED),
        items="groups",
        columns=GROUP_COLUMNS,
    ),
    operating(
        "dead describe",
        "Show a dead task and its last attempt.",
        "dead describe t1 --queue mail",
        CALL,
        Call("GetDeadTask", "GET", "{dead}"),
        positionals=(DEAD,),
        flags=(QUEUE_FLAG, LOCATION),
    ),
    operating(
        "dead redrive",
        "Put dead tasks back into a queue.",
        "dead redrive --queue mail --filter httpStatus=503",
        f"{RUN}.dead:redrive",
        Call("RedriveDeadTasks", "POST", "{queue}/deadTasks:redrive", {}),
        positionals=(IDS,),
        flags=(
            NEEDED_QUEUE_FLAG,
            LOCATION,
            FILTER._replace(field="filter"),
            Flag("--to-queue", "Put them there in place of their own queue."),
            Flag("--at", "When the first is due; now without it.", field="at", metavar="TIME"),
            Flag("--spread", "Over how long they become due, evenly.", SPAN, "spread"),
            Flag("--keep-counts", "Keep their counts of attempts.", SWITCH, "keepCounts"),
            DRY_RUN._replace(field="validateOnly"),
        ),
    ),
    operating(
        "dead delete",
        "Delete dead tasks.",
        "dead delete t1 --queue mail --quiet",
        f"{RUN}.dead:delete",
        Call("PurgeDeadTasks", "POST", "{queue}/deadTasks:purge", {}),
        positionals=(IDS,),
        flags=(NEEDED_QUEUE_FLAG, LOCATION, FILTER._replace(field="filter"), DRY_RUN._replace(field="validateOnly")),
    ),
    operating(
        "nodes",
        ALONE["nodes"],
        "nodes",
        LIST,
        Call("ListNodes", "GET", "nodes"),
        flags=UNPAGED,
        items="nodes",
        columns=NODE_COLUMNS,
    ),
    operating(
        "drain",
        ALONE["drain"],
        "drain",
        CALL,
        Call("Drain", "POST", "server:drain", {}),
        flags=(NODE,),
        said="Draining: no attempt starts until `tidegate undrain`.",
        silent=True,
    ),
    operating(
        "undrain",
        ALONE["undrain"],
        "undrain",
        CALL,
        Call("Undrain", "POST", "server:undrain", {}),
        flags=(NODE,),
        said="Attempts start again.",
        silent=True,
    ),
    operating(
        "doctor",
        ALONE["doctor"],
        "doctor",
        f"{RUN}.doctor:doctor",
        flags=(
            Flag("--url", "Also call this handler, with an empty POST.", metavar="URL"),
            Flag("--token", "Also check this ID token: that it is signed by the server's keys, and not out of date."),
            Flag("--audience", "With --token: whom the token must be for."),
        ),
        either=(Either((("--token", "--audience"),)),),
        about="A line a check: ok, warn or fail, with the cure. Exit code 1 if one fails.",
    ),
    operating(
        "env",
        ALONE["env"],
        "env",
        f"{RUN}.environment:exports",
        flags=(
            Flag("--shell", "The shell that reads them: sh or fish.", default="sh"),
            Flag("--unset", "The lines that take them back.", SWITCH),
        ),
        about='For a POSIX shell: eval "$(tidegate env)".',
    ),
    operating(
        "bench",
        ALONE["bench"],
        "bench --seconds 5",
        f"{RUN}.bench:bench",
        flags=(
            LOCATION,
            Flag("--seconds", "How long to create tasks.", COUNT, default=5),
            Flag("--callers", "How many callers at one time.", COUNT, default=16),
            Flag("--yes", "Do it on a server that is not on this machine.", SWITCH),
        ),
        about="Makes a queue of its own, creates tasks and has them delivered to itself, and deletes it. Prints a line"
        " of JSON with both rates.",
    ),
)

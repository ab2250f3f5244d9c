"""The commands that only a server with ``--dev`` answers: faults and the clock."""

from __future__ import annotations

from tidegate.cli.table.kinds import COUNT, EMPTY, FLOAT, INTEGER, SPAN
from tidegate.cli.table.operating import RUN, operating
from tidegate.cli.table.queues import CALL, LIST, last_part
from tidegate.cli.table.rows import Call, Column, Either, Flag, Positional
from tidegate.cli.table.shared import LISTING, LOCATION, NEEDED_QUEUE_FLAG

EFFECTS = ("delay", "status", "noAnswer", "hang", "dropResponse", "duplicate", "refuse")
FAULT_COLUMNS = (
    Column("FAULT", "name", last_part),
    Column("EFFECT", "", lambda _value, record: next((key for key in EFFECTS if key in record), "")),
    Column("PROBABILITY", "probability", lambda value, _record: 1 if value is None else value),
    Column("REMAINING", "remaining"),
    Column("HITS", "hitCount"),
)
FAULT_FLAGS = (
    Flag("--delay", "Send the request so much later.", SPAN, "delay.duration"),
    Flag("--status", "Send nothing; answer with this status.", INTEGER, "status.code"),
    Flag("--retry-after", "With --status: the Retry-After of the answer.", SPAN, "status.retryAfter"),
    Flag("--no-answer", "Send nothing; the connection breaks.", EMPTY, "noAnswer"),
    Flag("--hang", "Send nothing; the attempt ends at its deadline.", EMPTY, "hang"),
    Flag("--drop-response", "Send the request, and lose the answer.", EMPTY, "dropResponse"),
    Flag("--duplicate", "Send the request so often.", COUNT, "duplicate.times"),
    Flag("--spacing", "With --duplicate: the time between two requests.", SPAN, "duplicate.spacing"),
    Flag("--refuse", "Send nothing; nobody listens at the address.", EMPTY, "refuse"),
)

DEV_COMMANDS = (
    operating(
        "faults list",
        "List the faults of a queue.",
        "faults list --queue mail",
        LIST,
        Call("ListFaults", "GET", "{queue}/faults"),
        flags=(NEEDED_QUEUE_FLAG, LOCATION, *LISTING),
        items="faults",
        columns=FAULT_COLUMNS,
    ),
    operating(
        "faults add",
        "Have attempts of a queue fail on purpose.",
        "faults add --queue mail --status 503 --probability 0.5",
        CALL,
        Call("CreateFault", "POST", "{queue}/faults", {}),
        flags=(
            NEEDED_QUEUE_FLAG,
            LOCATION,
            Flag("--fault-id", "The ID of the fault.", field="?faultId"),
            Flag("--task-prefix", "Only tasks whose ID begins so.", field="match.taskPrefix"),
            Flag("--url-regex", "Only tasks in whose URL this is found.", field="match.urlRegex"),
            Flag("--from-attempt", "Only attempts from this number on.", COUNT, "match.attemptFrom"),
            Flag("--to-attempt", "Only attempts up to this number.", COUNT, "match.attemptTo"),
            Flag("--probability", "Which part of them: 0 to 1.", FLOAT, "probability"),
            Flag("--times", "How many attempts in all.", COUNT, "remaining"),
            *FAULT_FLAGS,
        ),
        either=(
            Either(
                (
                    ("--delay",),
                    ("--status", "--retry-after"),
                    ("--no-answer",),
                    ("--hang",),
                    ("--drop-response",),
                    ("--duplicate", "--spacing"),
                    ("--refuse",),
                )
            ),
        ),
        said="Created fault [{name}].",
        silent=True,
        about="The server must run with --dev.",
    ),
    operating(
        "faults clear",
        "Remove the faults of all queues of a location.",
        "faults clear",
        CALL,
        Call("ClearFaults", "POST", "{location}/faults:clear", {}),
        flags=(LOCATION,),
        said="Cleared the faults of [{location}].",
        silent=True,
    ),
    operating("clock show", "Show the time by which tasks go.", "clock show", CALL, Call("GetClock", "GET", "clock")),
    operating(
        "clock advance",
        "Move the clock forward.",
        "clock advance 1h",
        f"{RUN}.clock:advance",
        Call("AdvanceClock", "POST", "clock:advance", {}),
        positionals=(Positional("SPAN", "How far, as 90s, 10m, 1h30m or 2d; `next` for the next task that is due."),),
        about="The server must run with --dev. A clock never goes back.",
    ),
    operating("clock freeze", "Stop the clock.", "clock freeze", CALL, Call("FreezeClock", "POST", "clock:freeze", {})),
    operating(
        "clock reset", "Let the clock go on.", "clock reset", CALL, Call("ResetClock", "POST", "clock:reset", {})
    ),
    operating(
        "clock run",
        "Deliver everything, skipping the time in between.",
        "clock run --max 30d",
        CALL,
        Call("RunUntilIdle", "POST", "clock:runUntilIdle", {}),
        flags=(
            Flag("--max", "Skip so much at most.", SPAN, "maxVirtual", default="2592000s"),
            Flag("--timeout", "Wait so long at most.", SPAN, "timeout"),
        ),
    ),
)

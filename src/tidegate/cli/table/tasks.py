"""The commands for tasks, as each track has them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tidegate.cli.table.kinds import CONTENT, FILE, HEADER, METHOD, ROUTING, SECONDS, SWITCH, TAG, VIEW
from tidegate.cli.table.queues import CALL, LIST, last_part
from tidegate.cli.table.rows import ALPHA, BETA, Call, Column, Command, Either, Flag, Positional, Track
from tidegate.cli.table.shared import LEASE_LIMIT, LISTING, LOCATION, NEEDED_QUEUE_FLAG, QUEUE_FLAG

TASK = Positional("TASK", "The task: its ID, its full name or its URL.")
TASK_ID = Positional("TASK_ID", "The ID of the new task. Without it the server chooses one.", required=False)

SCHEDULE_TIME = Flag("--schedule-time", "When the task is first attempted; now without it.", field="task.scheduleTime")
LEASED_UNTIL = Flag(
    "--schedule-time", "The schedule time that the lease gave the task.", field="scheduleTime", required=True
)
LEASE_DURATION = Flag(
    "--lease-duration", "How many seconds the lease lasts from now on.", SECONDS, "leaseDuration", required=True
)
LEASE_FILTERS = (
    Flag("--tag", "Lease only tasks with this tag.", TAG, "filter"),
    Flag("--oldest-tag", "Lease only tasks with the tag of the oldest one.", SWITCH),
)
PULL_VERSION = ALPHA.version
"""Only v2beta2 has leases, so the commands for them call it in every track."""


def task_commands(track: Track) -> tuple[Command, ...]:
    """Every command below ``tasks`` that is about a task."""
    view = Flag("--response-view", "How much to show: basic or full.", VIEW, "?responseView", default="BASIC")
    page = tuple(flag._replace(default=25) if flag.name == "--page-size" else flag for flag in LISTING)
    return (
        _create_http(track),
        _create_app_engine(track),
        *_lease_commands(),
        Command(
            "tasks list",
            "List the tasks of a queue.",
            "tidegate tasks list --queue mail",
            LIST,
            Call("ListTasks", "GET", "{queue}/tasks"),
            flags=(NEEDED_QUEUE_FLAG, LOCATION, *page),
            items="tasks",
            columns=task_columns(track),
        ),
        _on_task("describe", "Show details about a task.", "GET", "", None, (view,), rpc="GetTask"),
        _on_task(
            "delete", "Delete a task.", "DELETE", "", None, rpc="DeleteTask", said="Deleted task [{id}].", answers=False
        ),
        _on_task("run", "Run a task now.", "POST", ":run", {}, rpc="RunTask"),
        Command(
            "tasks buffer",
            "Put a task without a body into a queue that has an HTTP target.",
            "tidegate tasks buffer --queue calls --location us-central1",
            CALL,
            Call("BufferTask", "POST", "{queue}/tasks/{task_id}:buffer", {}),
            flags=(
                NEEDED_QUEUE_FLAG,
                LOCATION._replace(required=True, help="Where the queue is."),
                Flag("--task-id", "The ID of the new task."),
            ),
            said="Buffered task in queue [{short}].",
            answers=False,
        ),
    )


def task_columns(track: Track) -> tuple[Column, ...]:
    """What a list of tasks shows."""
    keys = (
        (
            "status.attemptDispatchCount",
            "status.attemptResponseCount",
            "status.lastAttemptStatus.responseStatus.message",
        )
        if track.alpha
        else ("dispatchCount", "responseCount", "lastAttempt.responseStatus.message")
    )
    return (
        Column("TASK_NAME", "name", last_part),
        Column("TYPE", "type", _task_type),
        Column("CREATE_TIME", "createTime"),
        Column("SCHEDULE_TIME", "scheduleTime"),
        Column("DISPATCH_ATTEMPTS", keys[0], lambda value, _task: value or "0"),
        Column("RESPONSE_ATTEMPTS", keys[1], lambda value, _task: value or "0"),
        Column("LAST_ATTEMPT_STATUS", keys[2], lambda value, _task: value or "Unknown"),
    )


def _task_type(_value: Any, task: Mapping[str, Any]) -> str:
    kinds = {"pullMessage": "pull", "appEngineHttpRequest": "app-engine", "httpRequest": "http"}
    return next((kind for field, kind in kinds.items() if field in task), "")


def _push_flags(request: str) -> tuple[Flag, ...]:
    return (
        SCHEDULE_TIME,
        Flag("--method", "The HTTP method; POST without it.", METHOD, f"{request}.httpMethod"),
        Flag("--header", "A header of the request; can be given again.", HEADER, f"{request}.headers"),
    )


def _body_flags(name: str, field: str) -> tuple[tuple[Flag, ...], Either]:
    flags = (
        Flag(f"--{name}-content", f"The {name} of the task, as text.", CONTENT, field),
        Flag(f"--{name}-file", f"A file with the {name} of the task; - is standard input.", FILE, field),
    )
    return flags, Either(tuple((flag.name,) for flag in flags))


def _create(
    words: str, says: str, example: str, flags: tuple[Flag, ...], either: tuple[Either, ...], request: str, version: str
) -> Command:
    return Command(
        words,
        says,
        example,
        CALL,
        Call("CreateTask", "POST", "{queue}/tasks", {"task": {"name": "{task}", request: {}}}),
        (TASK_ID,),
        (NEEDED_QUEUE_FLAG, LOCATION, *flags),
        either,
        said="Created task [{name}].",
        silent=True,
        version=version,
    )


def _create_http(track: Track) -> Command:
    request = "task.httpRequest"
    oidc = (
        Flag(
            "--oidc-service-account-email",
            "The service account whose ID token the task carries.",
            field=f"{request}.oidcToken.serviceAccountEmail",
        ),
        Flag("--oidc-token-audience", "The audience of that token.", field=f"{request}.oidcToken.audience"),
    )
    oauth = (
        Flag(
            "--oauth-service-account-email",
            "The service account whose access token the task carries.",
            field=f"{request}.oauthToken.serviceAccountEmail",
        ),
        Flag("--oauth-token-scope", "The scope of that token.", field=f"{request}.oauthToken.scope"),
    )
    body, either = _body_flags("body", f"{request}.body")
    url = Flag("--url", "The whole URL to call.", field=f"{request}.url", required=True)
    auth = Either((tuple(flag.name for flag in oauth), tuple(flag.name for flag in oidc)))
    return _create(
        "tasks create-http-task",
        "Create a task that calls a URL.",
        "tidegate tasks create-http-task --queue mail --url http://localhost:3000/work --body-content hello",
        (*_push_flags(request), url, *body, *oidc, *oauth),
        (either, auth),
        "httpRequest",
        BETA.version if track.alpha else "",  # v2beta2 knows no HTTP tasks
    )


def _create_app_engine(track: Track) -> Command:
    request = "task.appEngineHttpRequest"
    payload, uri = ("payload", "url") if track.alpha else ("body", "relative-uri")
    body, either = _body_flags(payload, f"{request}.{payload}")
    routing = Flag("--routing", "The service, version and instance to call.", ROUTING, f"{request}.appEngineRouting")
    field = f"{request}.relativeUrl" if track.alpha else f"{request}.relativeUri"
    path = Flag(f"--{uri}", "Path and query to call; / without it.", field=field)
    return _create(
        "tasks create-app-engine-task",
        "Create a task that calls an App Engine service.",
        f"tidegate {'alpha ' if track.alpha else ''}tasks create-app-engine-task --queue mail --{uri} /work",
        (*_push_flags(request), routing, path, *body),
        (either,),
        "appEngineHttpRequest",
        "",
    )


def _on_task(
    verb: str,
    says: str,
    http_verb: str,
    suffix: str,
    body: Mapping[str, Any] | None,
    flags: tuple[Flag, ...] = (),
    *,
    rpc: str,
    said: str = "",
    answers: bool = True,
    version: str = "",
    example: str = "",
) -> Command:
    return Command(
        f"tasks {verb}",
        says,
        f"tidegate tasks {verb} t1 --queue mail{example}",
        CALL,
        Call(rpc, http_verb, f"{{task}}{suffix}", body),
        (TASK,),
        (QUEUE_FLAG, LOCATION, *flags),
        said=said,
        answers=answers,
        version=version,
    )


def _lease_commands() -> tuple[Command, ...]:
    when = " --schedule-time 2030-01-01T00:00:00Z"
    body, either = _body_flags("payload", "task.pullMessage.payload")
    tag = Flag("--tag", "A label that tasks can be leased by.", field="task.pullMessage.tag")
    listing = tuple(flag for flag in LISTING if flag.name not in {"--limit", "--page-size"})
    return (
        _create(
            "tasks create-pull-task",
            "Create a task in a pull queue.",
            "tidegate tasks create-pull-task --queue work --tag big --payload-content hello",
            (SCHEDULE_TIME, tag, *body),
            (either,),
            "pullMessage",
            PULL_VERSION,
        ),
        Command(
            "tasks lease",
            "Lease tasks of a pull queue and show them.",
            "tidegate tasks lease --queue work --lease-duration 60 --limit 10",
            "tidegate.cli.run.lists:lease",
            Call("LeaseTasks", "POST", "{queue}/tasks:lease", {}),
            flags=(NEEDED_QUEUE_FLAG, LOCATION, LEASE_DURATION, *LEASE_FILTERS, LEASE_LIMIT, *listing),
            either=(Either((("--oldest-tag",), ("--tag",))),),
            items="tasks",
            columns=task_columns(ALPHA),
            version=PULL_VERSION,
        ),
        _on_task(
            "acknowledge",
            "Say that the work of a leased task is done: the task is deleted.",
            "POST",
            ":acknowledge",
            {},
            (LEASED_UNTIL,),
            rpc="AcknowledgeTask",
            answers=False,
            version=PULL_VERSION,
            example=when,
        ),
        _on_task(
            "renew-lease",
            "Keep a leased task for longer.",
            "POST",
            ":renewLease",
            {},
            (LEASED_UNTIL, LEASE_DURATION),
            rpc="RenewLease",
            version=PULL_VERSION,
            example=f"{when} --lease-duration 60",
        ),
        _on_task(
            "cancel-lease",
            "Give a leased task back.",
            "POST",
            ":cancelLease",
            {},
            (LEASED_UNTIL,),
            rpc="CancelLease",
            version=PULL_VERSION,
            example=when,
        ),
    )

"""The commands for queues, as each track has them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tidegate.cli.table.kinds import (
    ALPHA_ATTEMPTS,
    ATTEMPTS,
    CHANGED_TYPE,
    FLOAT,
    HEADER_OVERRIDE,
    INTEGER,
    METHOD,
    QUEUE_TYPE,
    ROUTING,
    URI,
)
from tidegate.cli.table.rows import ALPHA, BETA, GA, Call, Column, Command, Either, Flag, Track
from tidegate.cli.table.shared import LISTING, LOCATION, QUEUE

CALL = "tidegate.cli.run.calls:call"
LIST = "tidegate.cli.run.lists:show_list"
UPDATE = "tidegate.cli.run.calls:update"

ROUTING_FIELDS = {
    GA: "appEngineRoutingOverride",
    BETA: "appEngineHttpQueue.appEngineRoutingOverride",
    ALPHA: "appEngineHttpTarget.appEngineRoutingOverride",
}

_SECONDS = 'A number of seconds with an s, such as "5s".'
_OVERRIDES = "for all tasks of the queue."

HTTP_FLAGS = (
    Flag("--http-uri-override", f"Parts of the URL {_OVERRIDES}", URI, "httpTarget.uriOverride"),
    Flag("--http-method-override", f"The HTTP method {_OVERRIDES}", METHOD, "httpTarget.httpMethod"),
    Flag(
        "--http-header-override",
        "A header that every task of the queue is sent with; can be given again.",
        HEADER_OVERRIDE,
        "httpTarget.headerOverrides",
    ),
)
OIDC_FLAGS = (
    Flag(
        "--http-oidc-service-account-email-override",
        "The service account whose ID token every task carries.",
        field="httpTarget.oidcToken.serviceAccountEmail",
    ),
    Flag("--http-oidc-token-audience-override", "The audience of that token.", field="httpTarget.oidcToken.audience"),
)
OAUTH_FLAGS = (
    Flag(
        "--http-oauth-service-account-email-override",
        "The service account whose access token every task carries.",
        field="httpTarget.oauthToken.serviceAccountEmail",
    ),
    Flag("--http-oauth-token-scope-override", "The scope of that token.", field="httpTarget.oauthToken.scope"),
)
TYPE = Flag("--type", "How tasks reach their workers: push or pull.", QUEUE_TYPE, "type", default="PUSH")
HTTP_AUTH = Either((tuple(flag.name for flag in OAUTH_FLAGS), tuple(flag.name for flag in OIDC_FLAGS)))


def retry_flags(track: Track) -> tuple[Flag, ...]:
    """What pull queues have too."""
    attempts = "The most attempts of one task, or unlimited."
    return (
        Flag("--max-attempts", attempts, ALPHA_ATTEMPTS, "retryConfig", "retryConfig.maxAttempts")
        if track.alpha
        else Flag("--max-attempts", attempts, ATTEMPTS, "retryConfig.maxAttempts"),
        Flag(
            "--max-retry-duration",
            f"How long a task is tried, from its first attempt on. {_SECONDS}",
            field="retryConfig.maxRetryDuration",
        ),
    )


def push_flags(track: Track) -> tuple[Flag, ...]:
    """The settings of a push queue, without those of its HTTP target."""
    rate, most = (
        ("--max-tasks-dispatched-per-second", "--max-concurrent-tasks")
        if track.alpha
        else ("--max-dispatches-per-second", "--max-concurrent-dispatches")
    )
    flags = (
        *retry_flags(track),
        Flag("--max-doublings", "How often the wait doubles.", INTEGER, "retryConfig.maxDoublings"),
        Flag("--min-backoff", f"The wait after the first failure. {_SECONDS}", field="retryConfig.minBackoff"),
        Flag("--max-backoff", f"The longest wait between attempts. {_SECONDS}", field="retryConfig.maxBackoff"),
        Flag("--routing-override", f"The App Engine route {_OVERRIDES}", ROUTING, ROUTING_FIELDS[track]),
        Flag(rate, "The most attempts that start in a second.", FLOAT, f"rateLimits.{_camel(rate)}"),
        Flag(most, "The most attempts under way at one time.", INTEGER, f"rateLimits.{_camel(most)}"),
    )
    if track.alpha:
        return flags
    ratio = "The part of the queue's operations that is logged, from 0.0 to 1.0."
    return (*flags, Flag("--log-sampling-ratio", ratio, FLOAT, "stackdriverLoggingConfig.samplingRatio"))


def queue_commands(track: Track) -> tuple[Command, ...]:
    """Every command below ``tasks queues``, but for policies."""
    typed = (TYPE,) if track == BETA else ()
    changed = tuple(flag._replace(kind=CHANGED_TYPE, default=None) for flag in typed)
    target: dict[str, Any] = {"appEngineHttpQueue": {}} if track == BETA else {}
    push, http = push_flags(track), (*HTTP_FLAGS, *OIDC_FLAGS, *OAUTH_FLAGS)
    rate = "--max-tasks-dispatched-per-second" if track.alpha else "--max-dispatches-per-second"
    found = [
        _create("create", track, (*typed, *push, *http), f"{rate} 5", either=(HTTP_AUTH,), body=target),
        _update("update", track, (*changed, *_with_clear((*push, *http))), f"{rate} 5"),
        _plain("delete", "Delete a queue.", "DELETE", "Deleted", None, track, ask=DELETE_QUESTION),
        Command(
            "tasks queues describe",
            "Show details about a queue.",
            f"tidegate {_before(track)}tasks queues describe mail",
            CALL,
            Call("GetQueue", "GET", "{name}"),
            (QUEUE,),
            (LOCATION,),
        ),
        Command(
            "tasks queues list",
            "List all queues.",
            f"tidegate {_before(track)}tasks queues list --filter state=RUNNING",
            LIST,
            Call("ListQueues", "GET", "{location}/queues"),
            flags=(LOCATION, *LISTING),
            items="queues",
            columns=queue_columns(track),
        ),
        _plain("pause", "Pause a queue: its tasks wait.", "POST", "Paused", {}, track),
        _plain("resume", "Let a paused or disabled queue run again.", "POST", "Resumed", {}, track),
        _plain("purge", "Delete all tasks of a queue.", "POST", "Purged", {}, track, ask=PURGE_QUESTION),
    ]
    found += _pull_commands(track)
    if track == GA:
        return tuple(found)
    found += [
        _create("create-app-engine-queue", track, push, f"{rate} 5", body=target, warning=_deprecated("create", track)),
        _update("update-app-engine-queue", track, _with_clear(push), f"{rate} 5", warning=_deprecated("update", track)),
    ]
    return tuple(found)


def _pull_commands(track: Track) -> tuple[Command, ...]:
    """Pull queues in every track; v2 has none, and v2beta3 changes none, so there they are those of v2beta2."""
    made = track if track == BETA else ALPHA
    body: dict[str, Any] = {"type": "PULL"} if made == BETA else {"pullTarget": {}}
    changed = _update("update-pull-queue", track, _with_clear(retry_flags(ALPHA)), "--max-attempts 5")
    return (
        _create("create-pull-queue", track, retry_flags(made), "--max-attempts 5", body=body, version=made.version),
        changed._replace(version=ALPHA.version),
    )


DELETE_QUESTION = (
    "Deleted queues can not be re-created for a duration of up to 7 days. Are you sure you want to delete: [{short}]"
)
PURGE_QUESTION = "Are you sure you want to purge: [{short}]"


def queue_columns(track: Track) -> tuple[Column, ...]:
    """What a list of queues shows."""
    most = "maxConcurrentTasks" if track.alpha else "maxConcurrentDispatches"
    rate = "maxTasksDispatchedPerSecond" if track.alpha else "maxDispatchesPerSecond"
    kind = () if track == GA else (Column("TYPE", "type", _queue_kind),)
    return (
        Column("QUEUE_NAME", "name", last_part),
        *kind,
        Column("STATE", "state"),
        Column("MAX_NUM_OF_TASKS", f"rateLimits.{most}", _unlimited),
        Column("MAX_RATE (/sec)", f"rateLimits.{rate}", _unlimited),
        Column("MAX_ATTEMPTS", "retryConfig.maxAttempts", _unlimited),
    )


def last_part(name: Any, _record: Mapping[str, Any]) -> Any:
    """``mail`` of a full name."""
    return name.rpartition("/")[2] if isinstance(name, str) else name


def _unlimited(value: Any, _record: Mapping[str, Any]) -> Any:
    return "unlimited" if not value or value == -1 else value


def _queue_kind(_value: Any, queue: Mapping[str, Any]) -> str:
    if "pullTarget" in queue or queue.get("type") == "PULL":
        return "pull"
    routed = {"appEngineHttpTarget", "appEngineHttpQueue", "appEngineRoutingOverride"} & queue.keys()
    return "push" if routed or queue.get("type") == "PUSH" else ""


def _create(
    verb: str,
    track: Track,
    flags: tuple[Flag, ...],
    example: str,
    *,
    either: tuple[Either, ...] = (),
    body: Mapping[str, Any] | None = None,
    warning: str = "",
    version: str = "",
) -> Command:
    return Command(
        f"tasks queues {verb}",
        "Create a pull queue." if "pull" in verb else "Create a queue.",
        f"tidegate {_before(track)}tasks queues {verb} mail {example}",
        CALL,
        Call("CreateQueue", "POST", "{parent}/queues", {"name": "{name}", **(body or {})}),
        (QUEUE,),
        (LOCATION, *flags),
        either,
        said="Created queue [{short}].",
        silent=True,
        warning=warning,
        version=version,
    )


def _update(verb: str, track: Track, flags: tuple[Flag, ...], example: str, *, warning: str = "") -> Command:
    cleared = {flag.name for flag in flags}
    pairs = tuple(Either(((flag.clear.name,), (flag.name,))) for flag in flags if flag.clear.name in cleared)
    return Command(
        f"tasks queues {verb}",
        "Change the settings of a pull queue." if "pull" in verb else "Change the settings of a queue.",
        f"tidegate {_before(track)}tasks queues {verb} mail {example}",
        UPDATE,
        Call("UpdateQueue", "PATCH", "{name}", {"name": "{name}"}),
        (QUEUE,),
        (LOCATION, *flags),
        pairs,
        about="What is not given stays as it is.",
        said="Updated queue [{short}].",
        silent=True,
        warning=warning,
    )


def _plain(
    verb: str, says: str, http_verb: str, done: str, body: Mapping[str, Any] | None, track: Track, *, ask: str = ""
) -> Command:
    suffix = "" if http_verb == "DELETE" else f":{verb}"
    return Command(
        f"tasks queues {verb}",
        says,
        f"tidegate {_before(track)}tasks queues {verb} mail{' --quiet' if ask else ''}",
        CALL,
        Call(f"{verb.capitalize()}Queue", http_verb, f"{{name}}{suffix}", body),
        (QUEUE,),
        (LOCATION,),
        said=f"{done} queue [{{short}}].",
        ask=ask,
        answers=False,
    )


def _deprecated(verb: str, track: Track) -> str:
    """The warnings of a command that has another name by now, a line each; gcloud's alpha track has two."""
    text = "This {} is deprecated. Use `tidegate {} tasks queues {}` instead"
    lines = [text.format("command", BETA.name, verb)]
    if track.alpha:
        lines.insert(0, text.format("command group" if verb == "create" else "command", track.name, verb))
    return "\n".join(lines)


def _with_clear(flags: tuple[Flag, ...]) -> tuple[Flag, ...]:
    return tuple(each for flag in flags for each in (flag, flag.clear))


def _before(track: Track) -> str:
    return f"{track.name} " if track.name else ""


def _camel(flag: str) -> str:
    first, *rest = flag.removeprefix("--").split("-")
    return first + "".join(word.capitalize() for word in rest)

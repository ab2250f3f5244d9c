"""``tidegate import-gcp``: queues and tasks as Google's API shows them, into a server of ours."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import closing
from typing import Any, NamedTuple

from tidegate.cli.output.printing import table
from tidegate.cli.problems import CommandError
from tidegate.cli.run.operating.state import import_records, renamed, tell
from tidegate.cli.run.place import Access, read_address
from tidegate.cli.run.rest import Server
from tidegate.cli.run.session import Session
from tidegate.cli.table.rows import Column

GOOGLE = "https://cloudtasks.googleapis.com"
VERSION = "v2beta3"
"""It shows pull queues too."""

PAGE = 1000
PAUSE = 10.0
"""Seconds between two looks at the source, with --follow."""

OUTPUT_ONLY = ("stats", "purgeTime", "view", "firstAttempt")
PLAN = (Column("QUEUE", "queue"), Column("STATE", "state"), Column("TASKS", "tasks"), Column("NOT_KEPT", "notKept"))


class Source(NamedTuple):
    """Google's side: its server, and what of it is asked for."""

    server: Server
    project: str
    locations: list[str]
    queues: frozenset[str]

    def found_queues(self) -> Iterator[dict[str, Any]]:
        """The queues, by name."""
        for location in self.locations or self._all_locations():
            for queue in self._all(f"projects/{self.project}/locations/{location}/queues", "queues"):
                if not self.queues or queue["name"].rpartition("/")[2] in self.queues:
                    yield queue

    def tasks(self, queue: str) -> Iterator[dict[str, Any]]:
        """The tasks of a queue, whole."""
        return self._all(f"{queue}/tasks", "tasks", responseView="FULL")

    def _all_locations(self) -> list[str]:
        found = self._all(f"projects/{self.project}/locations", "locations")
        return [each.get("locationId") or each["name"].rpartition("/")[2] for each in found]

    def _all(self, path: str, items: str, **query: str) -> Iterator[dict[str, Any]]:
        token = ""
        while True:
            asked = {"pageSize": PAGE, **query, **({"pageToken": token} if token else {})}
            page = self.server.call("GET", f"/{VERSION}/{path}", asked)
            yield from page.get(items, ())
            token = page.get("nextPageToken", "")
            if not token:
                return


def import_gcp(session: Session) -> None:
    """Copy what Google has, or say what would come."""
    line = session.line
    if line.has("--pause-source") and line.has("--follow"):
        raise CommandError("A source that is paused never empties: give --pause-source or --follow, not both.")
    source = _source(session)
    with closing(source.server):
        _copy(session, source)


def _copy(session: Session, source: Source) -> None:
    line = session.line
    queues = list(source.found_queues())
    if line.has("--plan"):
        _plan(session, source, queues)
        return
    for queue in queues:
        if line.has("--pause-source") and queue.get("state") == "RUNNING":
            source.server.call("POST", f"/{VERSION}/{queue['name']}:pause", body={})
    changes = _changes(session)
    copied: dict[str, set[str]] = {}
    while True:
        done: dict[str, Any] = {"imported": 0, "skipped": 0, "failures": []}
        left = 0
        for queue in queues:
            tasks = list(source.tasks(queue["name"]))
            left += len(tasks)
            part = import_records(session.server, _records(queue, tasks, changes), conflict="SKIP", paused=True)
            for key, value in part.items():
                done[key] += value
            now = {task["name"] for task in tasks}
            _drop(session, copied.get(queue["name"], set()) - now, changes)
            copied[queue["name"]] = now
        tell(session, done)
        if not line.has("--follow") or not left:
            break
        time.sleep(PAUSE)
    session.say(f"{len(queues)} queues are here, paused: resume them when the source has stopped.")


def _drop(session: Session, gone: set[str], changes: list[tuple[str, str]]) -> None:
    """Delete copies of tasks that Google has delivered meanwhile."""
    for name in sorted(gone):
        here = renamed({"name": name}, changes)["name"]
        try:
            session.server.call("DELETE", f"/{VERSION}/{here}")
        except CommandError as error:
            if not error.text.startswith("NOT_FOUND"):
                raise


def _records(
    queue: dict[str, Any], tasks: list[dict[str, Any]], changes: list[tuple[str, str]]
) -> Iterator[dict[str, Any]]:
    yield renamed({"queue": {"queue": _kept(queue)}}, changes)
    for task in tasks:
        yield renamed({"task": _kept(task)}, changes)


def _kept(resource: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in resource.items() if key not in OUTPUT_ONLY}


def _changes(session: Session) -> list[tuple[str, str]]:
    """Names stay, unless --project says another project."""
    before, after = session.line.value("--from-project"), session.line.value("--project")
    return [(f"/projects/{before}/", f"/projects/{after}/")] if after and after != before else []


def _source(session: Session) -> Source:
    line = session.line
    url, tls, host = read_address(line.value("--from-address") or GOOGLE)
    here = session.place.access
    key_file = line.value("--credential-file") or here.credential_file
    token_file = line.value("--from-token-file")
    if tls and not token_file and not key_file:
        raise CommandError(
            "Nobody says who calls Google: give --from-token-file (gcloud auth print-access-token writes one) or"
            " --credential-file."
        )
    access = Access(url, tls, host, token_file=token_file, credential_file=None if token_file else key_file)
    return Source(
        Server(access, log=line.has("--log-http")),
        line.value("--from-project"),
        line.value("--from-location") or [],
        frozenset(line.value("--from-queue") or ()),
    )


def _plan(session: Session, source: Source, queues: list[dict[str, Any]]) -> None:
    """Show what would come, and what of it could not be kept."""
    rows = [
        {
            "queue": queue["name"],
            "state": queue.get("state", ""),
            "tasks": sum(1 for _ in source.tasks(queue["name"])),
            "notKept": not_kept(queue),
        }
        for queue in queues
    ]
    if session.format is not None:
        session.answer(rows, PLAN)
        return
    table(rows, PLAN)
    if not rows:
        session.say("Listed 0 items.")
    session.say("IAM policies, CMEK configs and the names of finished tasks are not copied.")


def not_kept(queue: dict[str, Any]) -> str:
    """What of a queue's settings is another here."""
    lost = []
    if queue.get("state") == "DISABLED":
        lost.append("state DISABLED (comes paused)")
    if "appEngineHttpQueue" in queue:
        lost.append("App Engine tasks go where `app_engine` says")
    return "; ".join(lost)

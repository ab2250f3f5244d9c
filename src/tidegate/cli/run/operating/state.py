"""``tidegate export`` and ``tidegate import``: queues and tasks as lines of JSON."""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from tidegate.cli.problems import CommandError, UsageError
from tidegate.cli.run.rest import Server
from tidegate.cli.run.session import Session
from tidegate.cli.table.operating import VERSION
from tidegate.core.masking import MASK

RECORDS_MAX = 100
BYTES_MAX = 8 * 2**20
"""What one call takes: records, and bytes of their JSON. The server takes 16 MiB of the message, which is shorter."""

NAMES = frozenset({"name", "parent"})
"""The fields of a record that hold names of resources."""

KINDS = {"queue": "queue", "task": "task", "deadTask": "dead task"}
SHOWN_FAILURES = 10


def export(session: Session) -> None:
    """Print the records of a location, or of the whole server."""
    line = session.line
    query: dict[str, Any] = {
        "includeDead": line.has("--include-dead"),
        "includePolicies": line.has("--include-policies"),
        "includeSecrets": line.has("--include-secrets"),
    }
    query = {name: "true" for name, wanted in query.items() if wanted}
    if line.value("--queue"):
        query["queues"] = [session.queue(text) for text in line.value("--queue")]
    parent = "-" if line.has("--all-projects") else session.location()
    masked = 0
    for record in exported(session.server, parent, query):
        line_of_record = as_line(record)
        masked += "includeSecrets" not in query and has_masked(line_of_record)
        print(line_of_record)
    if masked:
        session.warn(
            f"{masked} of them have secrets in headers or URLs, which are {MASK} in the export and would be sent so;"
            " --include-secrets exports them as they are"
        )


def exported(server: Server, parent: str, query: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """The records of an export. Raises CommandError when it ends before the last one."""
    whole = False
    for record in server.stream(f"/{VERSION}/{parent}/state:export", query):
        whole = "trailer" in record
        yield record
    if not whole:
        raise CommandError("the export ended before its last record: what was printed is not complete; run it again")


def has_masked(line: str) -> bool:
    """Whether a record has a secret that was taken out of it: the value of a header, or of a parameter of a URL."""
    return f'"{MASK}"' in line or f"={MASK}" in line or f"//{MASK}@" in line


def as_line(record: dict[str, Any]) -> str:
    """A record as it stands in a file."""
    return json.dumps(record, sort_keys=True, ensure_ascii=False, separators=(",", ":"))


def import_file(session: Session) -> None:
    """Create what a file has."""
    line = session.line
    changes = [_mapping(text) for text in line.value("--map") or ()]
    records = read_records(line.words["FILE"], changes)
    masked = 0

    def told() -> Iterator[dict[str, Any]]:
        nonlocal masked
        for record in records:
            masked += has_masked(as_line(record))
            yield record

    if line.has("--dry-run"):
        counted: Counter[str] = Counter()
        for record in records:
            counted.update(kind for kind in KINDS if kind in record)
        session.say(f"Would import {_said(counted)}.")
        return
    if line.has("--replace"):
        session.confirm("Are you sure you want to replace the queues and tasks that have these names")
    conflict = "REPLACE" if line.has("--replace") else "SKIP"
    done = import_records(session.server, told(), conflict=conflict, paused=line.has("--paused"))
    if masked:
        session.warn(f"{masked} of them have {MASK} in place of secrets, for the export was made without them")
    tell(session, done)


def tell(session: Session, done: dict[str, Any]) -> None:
    """Say what came of an import. Raises CommandError if something could not be imported."""
    session.say(f"Imported {done['imported']}, skipped {done['skipped']} that were there.")
    for failure in done["failures"][:SHOWN_FAILURES]:
        session.warn(f"{failure.get('name', '')}: {failure.get('status', {}).get('message', '')}")
    if session.format is not None:
        session.answer(done)
    if done["failures"]:
        raise CommandError(f"{len(done['failures'])} records could not be imported.")


def import_records(
    server: Server, records: Iterable[dict[str, Any]], *, conflict: str = "SKIP", paused: bool = False
) -> dict[str, Any]:
    """Have the server make these records, as many at a time as it takes; what came of all of them."""
    done: dict[str, Any] = {"imported": 0, "skipped": 0, "failures": []}
    for part in _parts(records):
        body = {"records": part, "onConflict": conflict, "paused": paused}
        answer = server.call("POST", f"/{VERSION}/-/state:import", body=body)
        done["imported"] += int(answer.get("imported", 0))
        done["skipped"] += int(answer.get("skipped", 0))
        done["failures"] += answer.get("failures", [])
    return done


def read_records(path: str, changes: Iterable[tuple[str, str]] = ()) -> Iterator[dict[str, Any]]:
    """The queues, tasks and dead tasks of a file, under the names that ``changes`` make of theirs.

    Raises CommandError: for a file that cannot be read, a line that is no record, and a file whose last record is
    missing, after all others.
    """
    whole = False
    for number, text in enumerate(_lines(path), 1):
        if not text.strip():
            continue
        try:
            record = json.loads(text)
            known = record.keys() & {*KINDS, "header", "trailer"}
        except (ValueError, AttributeError):
            known = set()
        if len(known) != 1:
            raise CommandError(f"{path}, line {number}: this is no record of an export")
        whole = "trailer" in record
        if known & KINDS.keys():
            yield renamed(record, changes)
    if not whole:
        raise CommandError(f"{path} has no last record: the export was not complete; what it has was read")


def renamed(value: Any, changes: Iterable[tuple[str, str]]) -> Any:
    """A record under other names."""
    if isinstance(value, dict):
        return {
            key: _renamed(item, changes) if key in NAMES and isinstance(item, str) else renamed(item, changes)
            for key, item in value.items()
        }
    return [renamed(item, changes) for item in value] if isinstance(value, list) else value


def _renamed(name: str, changes: Iterable[tuple[str, str]]) -> str:
    for before, after in changes:
        name = f"/{name}/".replace(before, after, 1)[1:-1]
    return name


def _mapping(text: str) -> tuple[str, str]:
    """``/projects/a/`` and ``/projects/b/`` of ``project=a:b``."""
    kind, _, names = text.partition("=")
    before, colon, after = names.partition(":")
    if kind not in {"project", "location", "queue"} or not (before and colon and after):
        raise UsageError(f"argument --map: {text!r} must be project=OLD:NEW, location=OLD:NEW or queue=OLD:NEW")
    return f"/{kind}s/{before}/", f"/{kind}s/{after}/"


def _parts(records: Iterable[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    """The records, as many together as one call takes."""
    part: list[dict[str, Any]] = []
    size = 0
    for record in records:
        length = len(json.dumps(record))
        if part and (len(part) == RECORDS_MAX or size + length > BYTES_MAX):
            yield part
            part, size = [], 0
        part.append(record)
        size += length
    if part:
        yield part


def _lines(path: str) -> Iterator[str]:
    if path == "-":
        yield from sys.stdin
        return
    try:
        with Path(path).open(encoding="utf-8") as file:
            yield from file
    except (OSError, UnicodeDecodeError) as error:
        raise CommandError(f"Unable to read file [{path}]: {error}") from None


def _said(counted: Counter[str]) -> str:
    return ", ".join(f"{counted[kind]} {name}{'' if counted[kind] == 1 else 's'}" for kind, name in KINDS.items())

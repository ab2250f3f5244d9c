"""What a command works with: its line, its server, and the names that the line means."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Mapping
from typing import Any, Self

from tidegate.cli.line import Line
from tidegate.cli.output.formats import Format, read_format
from tidegate.cli.output.printing import show
from tidegate.cli.problems import CommandError
from tidegate.cli.run.place import Place
from tidegate.cli.run.rest import Server
from tidegate.cli.table.rows import GA, TRACKS, Column
from tidegate.cli.verbosity import Told

PAGE_SIZE = 100
VERSIONS = {track.version for track in TRACKS.values()}
_URL = re.compile(r"https?://[^/]+/(?:v[0-9a-z]+/)?")
_QUEUE = re.compile(r"projects/[^/]+/locations/[^/]+/queues/.+")
_TASK = re.compile(r"(projects/[^/]+/locations/[^/]+/queues/[^/]+)/tasks/.+")
_DEAD = re.compile(r"projects/[^/]+/locations/[^/]+/queues/[^/]+/deadTasks/[^/]+")
_LOCATION = re.compile(r"projects/[^/]+/locations/[^/]+")


class Session:
    """A command line at work."""

    def __init__(self, line: Line, told: Told | None = None) -> None:
        self.line = line
        self._told = told or Told()
        self.place = Place(line)
        self.version = line.command.version or line.track.version
        self.server = Server(
            self.place.access, log=line.has("--log-http") and not line.has("--no-log-http"), told=self._told
        )
        self.place.locations = self._locations
        self.format = read_format(line.value("--format")) if line.value("--format") else None
        self.quiet = line.has("--quiet") or os.environ.get("CLOUDSDK_CORE_DISABLE_PROMPTS", "") in {"1", "true"}
        for warning in filter(None, line.command.warning.split("\n")):
            self.warn(warning)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.server.close()

    def call(self, verb: str, path: str, query: Mapping[str, Any] | None = None, body: Any = None) -> Any:
        """The answer of the server; ``path`` is behind the version."""
        return self.server.call(verb, f"/{self.version}/{path}", query, body)

    def _locations(self, project: str) -> list[str]:
        version = self.version if self.version in VERSIONS else GA.version  # the operator's API has none
        found = self.server.call("GET", f"/{version}/projects/{project}/locations", {"pageSize": PAGE_SIZE})
        return [each.get("locationId") or each["name"].rpartition("/")[2] for each in found.get("locations", ())]

    def names(self) -> dict[str, str]:
        """Every name that a path, a body or a text of the command has a place for."""
        line, words = self.line, self.line.words
        if "DEAD_TASK" in words and (found := _DEAD.fullmatch(_path(str(words["DEAD_TASK"])))):
            return {"dead": found[0]}
        if "QUEUE" in words or line.value("--queue") or "TASK" in words:
            return self._queue_names()
        if line.command.call and "{" not in line.command.call.path:
            return {}
        if "LOCATION" in words:
            return {"location": self.location(words["LOCATION"])}
        path = line.command.call.path if line.command.call else ""
        if "{project}" in path:
            return {"project": f"projects/{self.place.project()}"}
        return {"location": self.location()}

    def _queue_names(self) -> dict[str, str]:
        line, words = self.line, self.line.words
        text = words.get("TASK") or words.get("TASK_ID")
        full = _TASK.fullmatch(_path(text)) if text else None
        said = words.get("QUEUE") or line.value("--queue")
        if "TASK" in words and not said and full is None:
            raise CommandError("Must specify either the fully qualified task path or the queue flag.")
        queue = full[1] if full and not said else self.queue(said)
        parent, _, queue_id = queue.partition("/queues/")
        task = (full[0] if full else f"{queue}/tasks/{text}") if text else ""
        return {
            "name": queue,
            "queue": queue,
            "parent": parent,
            "location": parent,
            "short": f"{parent.rpartition('/')[2]}/{queue_id}",
            "task": task,
            "dead": f"{queue}/deadTasks/{words.get('DEAD_TASK')}",
            "id": task.rpartition("/tasks/")[2],
            "task_id": line.value("--task-id") or "",
        }

    def queue(self, text: str) -> str:
        """The full name of a queue."""
        path = _path(text)
        return path if _QUEUE.fullmatch(path) else f"{self.location()}/queues/{text}"

    def location(self, text: str = "") -> str:
        """The full name of a location, the one that the command works in if none is named."""
        path = _path(text)
        if _LOCATION.fullmatch(path):
            return path
        return f"projects/{self.place.project()}/locations/{text or self.place.location()}"

    def confirm(self, question: str) -> None:
        """Go on if the answer is yes; at the end of the input it is no: for commands that gcloud does not have."""
        self.ask(question, at_end=False)

    def ask(self, question: str, *, at_end: bool = True) -> None:
        """Go on if the answer is yes; at the end of the input it is ``at_end``. Raises CommandError for no."""
        if self.quiet:
            return
        from shutil import get_terminal_size
        from textwrap import wrap

        *before, last = question.split("\n")
        wrapped = " \n".join(wrap(f"{last} (Y/n)?", get_terminal_size().columns - 1, break_on_hyphens=False))
        print("\n".join([*before, f"{wrapped}  "]), end="", file=sys.stderr, flush=True)
        while True:
            answer = sys.stdin.readline()
            if not sys.stdin.isatty():
                print(file=sys.stderr)
            word = answer.strip().lower()
            if word in {"y", "yes"} or (at_end if not answer else not word):
                return
            if word in {"n", "no"} or not answer:
                raise CommandError("Aborted by user.")
            print("Please enter 'y' or 'n':  ", end="", file=sys.stderr, flush=True)

    def say(self, text: str) -> None:
        """A line on stderr about what was done."""
        if not self.line.has("--no-user-output-enabled"):
            print(text, file=sys.stderr)

    def warn(self, text: str) -> None:
        """A line on stderr about what may surprise."""
        self._told.warning(text)

    def answer(self, answer: Any, columns: tuple[Column, ...] = ()) -> None:
        """Show the answer of a call as the command and ``--format`` want it."""
        command = self.line.command
        if self.line.has("--no-user-output-enabled"):
            return
        self._told.info(f'Display format: "{self.line.value("--format") or "default"}"')
        if not command.answers:
            answer = []
        elif self.format is None and command.silent:
            return
        show(answer, self.format or Format("yaml"), columns)


def _path(text: str) -> str:
    """A name without the URL that may lead to it."""
    return _URL.sub("", text, count=1)

"""``tidegate queues plan`` and ``tidegate queues apply``: what a queue.yaml changes on a running server."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tidegate.cli.problems import CommandError
from tidegate.cli.queues.text import lines
from tidegate.cli.run.place import PROJECT_VARIABLES
from tidegate.cli.run.session import Session
from tidegate.core.errors import ApiError
from tidegate.core.names import PROJECT_ID, LocationName
from tidegate.core.queue_changes import QueueChange, changes
from tidegate.core.queue_yaml import planned, read_queue_yaml

if TYPE_CHECKING:
    from tidegate.core.queue_yaml import QueueFile


def plan(session: Session) -> None:
    """Show what applying the file would change. Nothing is changed."""
    work = _Work(session)
    work.show(work.changes())


def apply(session: Session) -> None:
    """Show what the file changes, apply it, and say whether anything is left."""
    work = _Work(session)
    work.show(work.changes())
    work.upload()
    work.session.say(f"Applied {work.path} to {work.location}.")
    left = work.changes()
    work.show(left)
    if left:
        raise CommandError(
            f"the queues of {work.location} are not as {work.path} says: if the server was started with another"
            " --location, or with other ceilings, say so here too"
        )


class _Work:
    """A file that was read, and the server that it is for."""

    def __init__(self, session: Session) -> None:
        from tidegate.cli.options import load_settings
        from tidegate.operator_errors import OperatorError

        self.session, line = session, session.line
        self.path = Path(line.words["FILE"])
        try:  # what the server was started with by variables or the file counts here too
            settings = load_settings({}, None).settings
        except OperatorError as wrong:
            raise CommandError(wrong.message) from None
        self._file, self._data = self._read(settings)
        application = self._file.application.rpartition("~")[2]
        said = line.value("--project") or settings.project
        self._project = said or application or session.place.known(*PROJECT_VARIABLES, key="project")
        if not re.fullmatch(PROJECT_ID, self._project):
            raise CommandError(f"{self.path} names no application; say with --project whose its queues are")
        known = session.place.known("TIDEGATE_LOCATION", key="location")
        location = line.value("--location") or known or settings.location
        self.location: LocationName = LocationName(f"projects/{self._project}/locations/{location}")

    def changes(self) -> list[QueueChange]:
        """What applying the file would change now."""
        from tidegate.cli.queues.server import queues

        existing = queues(self.session.server, self.location)
        try:
            after = {queue.name: queue for queue in planned(self._file, self.location, existing)}
        except ApiError as error:
            raise CommandError(f"{self.path}: {error.message}") from None
        return changes([queue for queue in existing if queue.name in after], after.values())

    def show(self, found: list[QueueChange]) -> None:
        """Print the changes, or as JSON or YAML if a format says so."""
        form = self.session.format
        if form is not None:
            from tidegate.cli.output.printing import show
            from tidegate.cli.queues.text import records

            show(records(found), form)
        elif found:
            print("\n".join(lines(found)))
        else:
            print(f"No changes: the queues of {self.location} are as {self.path} says.")

    def upload(self) -> None:
        """Apply the file."""
        from tidegate.cli.queues.server import upload

        upload(self.session.server, self._project, self._data)

    def _read(self, settings: Any) -> tuple[QueueFile, bytes]:
        from tidegate.api.yaml_text import read_yaml
        from tidegate.core.validation import Ceilings

        try:
            data = self.path.read_bytes()
            text = read_yaml(data)
            ceilings = Ceilings(settings.max_dispatches_per_second, settings.max_concurrent_dispatches)
            return read_queue_yaml(text.data, ceilings, text.lines), data
        except OSError as error:
            raise CommandError(f"cannot read {self.path}: {error.strerror}") from None
        except ApiError as error:
            raise CommandError(f"{self.path}: {error.message}") from None

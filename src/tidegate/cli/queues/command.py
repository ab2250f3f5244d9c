"""``tidegate queues plan`` and ``tidegate queues apply``: what a queue.yaml changes on a running server."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

import click

from tidegate.operator_errors import OperatorError

if TYPE_CHECKING:
    from tidegate.cli.queues.server import RemoteServer
    from tidegate.core.names import LocationName
    from tidegate.core.queue_changes import QueueChange
    from tidegate.core.queue_yaml import QueueFile

ADDRESS = "http://127.0.0.1:8123"
REFUSED, UNREACHABLE = 1, 3  # exit codes

Command = TypeVar("Command", bound=Callable[..., Any])


@click.group(short_help="See and apply a queue.yaml on a running server.")
def queues() -> None:
    """See what a queue.yaml would change on a running server, and apply it."""


def _options(command: Command) -> Command:
    for decorate in (
        click.option("--location", metavar="LOCATION", help="Where the queues are: what the server's --location says."),
        click.option("--project", metavar="PROJECT", help="Whose the queues are, if not the file's application's."),
        click.option(
            "--address",
            metavar="URL",
            envvar=["TIDEGATE_ADDRESS", "CLOUD_TASKS_EMULATOR_HOST"],
            default=ADDRESS,
            show_default=True,
            help="Where the server answers.",
        ),
        click.argument("file", metavar="FILE", type=click.Path(path_type=Path)),
    ):
        command = decorate(command)
    return command


@queues.command(short_help="Show what a queue.yaml would change.")
@_options
def plan(file: Path, address: str, project: str | None, location: str | None) -> None:
    """Show what applying FILE, a queue.yaml, would change on a running server. Nothing is changed.

    A line begins with + for a queue that would be created, ~ for one that would be updated, - for one that would be
    disabled because the file leaves it out.
    """
    work = _Work("queues.plan", file, address, project, location)
    _show(work.changes(), work)


@queues.command(short_help="Apply a queue.yaml.")
@_options
def apply(file: Path, address: str, project: str | None, location: str | None) -> None:
    """Apply FILE, a queue.yaml, to a running server, all of it or nothing, and show what is changed.

    Queues that the file leaves out are disabled, except `default`; listed ones that are paused run again unless the
    file says `resume_paused_queues: False`. `tidegate queues plan` shows it before.
    """
    work = _Work("queues.apply", file, address, project, location)
    _show(work.changes(), work)
    work.upload()
    click.echo(f"Applied {file} to {work.location}.", err=True)
    left = work.changes()
    if left:
        _show(left, work)
        work.fail(
            f"the queues of {work.location} are not as {file} says: if the server was started with another --location,"
            " or with other ceilings, say so here too",
            REFUSED,
        )
    _show(left, work)


def _show(changes: list[QueueChange], work: _Work) -> None:
    if not changes:
        click.echo(f"No changes: the queues of {work.location} are as {work.path} says.")
        return
    for line in _lines(changes):
        click.echo(line)


def _lines(changes: Sequence[QueueChange]) -> Iterator[str]:
    """A line for each queue and, below it, one for each field that changes; at last how many queues it is of a kind."""
    for change in changes:
        sign, verb = _kind(change)
        yield f"{sign} {change.queue.queue} ({verb})"
        width = max(len(each.field) for each in change.fields)
        for each in change.fields:
            became = each.after if change.created else f"{each.before or 'unset'} -> {each.after or 'unset'}"
            yield f"    {each.field:{width}}  {became}"
    verbs = [_kind(change)[1] for change in changes]
    yield ", ".join(f"{verbs.count(verb)} {verb}" for verb in ("create", "update", "disable") if verb in verbs) + "."


def _kind(change: QueueChange) -> tuple[str, str]:
    if change.created:
        return "+", "create"
    return ("-", "disable") if change.disabled else ("~", "update")


class _Work:
    """A file that was read, and the server that it is for."""

    def __init__(self, command: str, path: Path, address: str, project: str | None, location: str | None) -> None:
        from tidegate.cli.options import load_settings
        from tidegate.core.names import LocationName

        self._command = command
        self.path = path
        # The settings of the server count here too, where it was started with those of the environment or the file.
        settings = load_settings({"project": project, "location": location}, None).settings
        self._server = self._connected(address)
        self._file, self._data = self._read(path, settings)
        self._project = settings.project or self._file.application.rpartition("~")[2]
        self.location: LocationName = LocationName(f"projects/{self._project_id()}/locations/{settings.location}")

    def changes(self) -> list[QueueChange]:
        """What applying the file would change now."""
        from tidegate.core.errors import ApiError
        from tidegate.core.queue_changes import changes
        from tidegate.core.queue_yaml import planned

        with self._answered():
            existing = self._server.queues(self.location)
        try:
            after = {queue.name: queue for queue in planned(self._file, self.location, existing)}
        except ApiError as error:
            self.fail(f"{self.path}: {error.message}", REFUSED)
        return changes([queue for queue in existing if queue.name in after], after.values())

    def upload(self) -> None:
        """Apply the file."""
        with self._answered():
            self._server.upload(self._project, self._data)

    def fail(self, text: str, code: int) -> NoReturn:
        """End the command with an error in gcloud's form."""
        raise OperatorError(f"ERROR: (tidegate.{self._command}) {text}", code)

    def _connected(self, address: str) -> RemoteServer:
        from tidegate.cli.queues.server import RemoteServer
        from tidegate.client.emulator import EmulatorAddress

        try:
            return RemoteServer(EmulatorAddress.parse(address).url)
        except ValueError as error:
            self.fail(f"argument --address: {error}", 2)

    def _read(self, path: Path, settings: Any) -> tuple[QueueFile, bytes]:
        from tidegate.api.yaml_text import read_yaml
        from tidegate.core.errors import ApiError
        from tidegate.core.queue_yaml import read_queue_yaml
        from tidegate.core.validation import Ceilings

        try:
            data = path.read_bytes()
            text = read_yaml(data)
            ceilings = Ceilings(settings.max_dispatches_per_second, settings.max_concurrent_dispatches)
            return read_queue_yaml(text.data, ceilings, text.lines), data
        except OSError as error:
            self.fail(f"cannot read {path}: {error.strerror}", REFUSED)
        except ApiError as error:
            self.fail(f"{path}: {error.message}", REFUSED)

    def _project_id(self) -> str:
        from tidegate.core.names import PROJECT_ID

        if not re.fullmatch(PROJECT_ID, self._project):
            self.fail(f"{self.path} names no application; say with --project whose its queues are", REFUSED)
        return self._project

    @contextmanager
    def _answered(self) -> Iterator[None]:
        from tidegate.cli.queues.server import CallRefusedError, UnreachableError

        try:
            yield
        except CallRefusedError as error:
            self.fail(str(error), REFUSED)
        except UnreachableError as error:
            self.fail(
                f"cannot reach {self._server.url}: {error}; start a server with 'tidegate serve', or say with --address"
                " where one answers",
                UNREACHABLE,
            )

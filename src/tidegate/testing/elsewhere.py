"""A test's server in another process: its clock is moved over the operator's API, its attempts come over HTTP."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any

from google.api_core.exceptions import FailedPrecondition, NotFound

import tidegate as package
from tidegate import tasks_v2
from tidegate.core.names import DEFAULT_LOCATION
from tidegate.core.target import CalledUrl, address_of
from tidegate.testing.receiver import QUEUE_HEADER, receiver
from tidegate.testing.served import LONGEST_WAIT, NO_REST, HandOver
from tidegate.testing.server import Server
from tidegate.testing.steps import Steps
from tidegate.testing.travel import Travel

NOTHING = timedelta()
PATIENCE = timedelta(seconds=LONGEST_WAIT)


class Elsewhere:
    """``Served``: a server at ``target`` that runs with ``--dev``.

    ``overrides`` makes each queue of the test send its attempts here, for a server that was not started for that.
    ``resets`` has the server forget everything before each test, its clock's moves too: for one that nobody else uses.

    Raises:
        RuntimeError: the server runs without ``--dev``.
    """

    def __init__(self, target: str, *, overrides: bool, resets: bool, stop: Callable[[], None] | None = None) -> None:
        self._target = target
        self._overrides = overrides
        self._resets = resets
        self._stop = stop
        self._client = package.connect(target)
        self._operator = self._client.operator
        self._threads = ThreadPoolExecutor(2, "tidegate verbs")
        self._receiver = receiver()
        self._travel = Travel()
        self._ahead = NOTHING
        self._parents: set[str] = set()

    @property
    def target(self) -> str:
        return self._target

    def now(self) -> datetime:
        return _set(self._operator.get_clock().now)

    def begin(self, project: str) -> None:
        self._receiver.forget()
        self._parents = {f"projects/{project}"}
        if self._resets:
            self._operator.reset_server()
        try:
            self._operator.advance_clock({"duration": NOTHING})
        except FailedPrecondition as error:
            raise RuntimeError(f"the server at {self._target} cannot be used by tests: start it with --dev") from error
        self._ahead = self._operator.get_clock().offset
        self._receiver.url_of = self._url_of
        self._receiver.wanted = True

    def run_until(self, last: datetime | None, hand_over: HandOver) -> Steps[None]:
        while True:
            begun, signs = time.monotonic(), 0
            call = self._threads.submit(self._run, NOTHING if last is None else max(last - self.now(), NOTHING))
            while (delivery := (yield self._receiver.next(call))) is not None:
                signs += 1
                if self._travel.is_on:
                    yield from self._take_along()
                yield from hand_over(delivery)
            done = call.result()
            yield from self._take_along()
            if done.idle or time.monotonic() - begun < LONGEST_WAIT:
                return
            if not signs and not done.advanced:
                raise TimeoutError(NO_REST)

    def move_to(self, moment: datetime) -> Steps[None]:
        if moment > self.now():
            yield self._threads.submit(self._operator.advance_clock, {"to_time": moment})
            yield from self._take_along()

    def next_due(self) -> datetime | None:
        return min(self._moments(), default=None)

    def wait(self, seconds: float) -> Steps[None]:
        yield self._threads.submit(time.sleep, seconds)

    def queue_fields(self, name: str) -> dict[str, Any]:
        self._parents.add(name)
        if not self._overrides:
            return {}
        address = self._receiver.address
        overriding = tasks_v2.UriOverride
        return {
            "http_target": {
                "uri_override": {
                    "scheme": overriding.Scheme.HTTP,
                    "host": address.ip,
                    "port": address.port,
                    "uri_override_enforce_mode": overriding.UriOverrideEnforceMode.ALWAYS,
                },
                "header_overrides": [{"header": {"key": QUEUE_HEADER, "value": f"{self._receiver.secret} {name}"}}],
            }
        }

    def close(self) -> None:
        self._receiver.forget()
        if self._stop is None:  # else all ends with its process
            for name in self._queues():
                with suppress(NotFound):
                    self._client.delete_queue(name=name)
        self._threads.shutdown()
        self._client.transport.close()
        if self._stop is not None:
            self._stop()

    def _run(self, skip: timedelta) -> Any:
        """Run the test's queues; those that were deleted meanwhile are no longer the test's."""
        request = {"parents": sorted(self._parents), "max_virtual": skip, "timeout": PATIENCE}
        try:
            return self._operator.run_until_idle(request, timeout=2 * LONGEST_WAIT)
        except NotFound:
            self._parents = {name for name in self._parents if "/queues/" not in name or self._is_there(name)}
            return self._operator.run_until_idle(request | {"parents": sorted(self._parents)}, timeout=2 * LONGEST_WAIT)

    def _take_along(self) -> Steps[None]:
        """Move the patched clocks of the test by what the server's has been moved."""
        ahead = (yield self._threads.submit(self._operator.get_clock)).offset
        if ahead > self._ahead:
            self._travel.move(ahead - self._ahead)
        self._ahead = ahead

    def _moments(self) -> Iterable[datetime]:
        for name in self._queues():
            queue = self._client.get_queue(name=name)
            if queue.state == tasks_v2.Queue.State.RUNNING:
                for task in self._client.list_tasks(request={"parent": name, "page_size": 1}):
                    yield _set(task.schedule_time)
                    break

    def _queues(self) -> list[str]:
        """The queues of the test."""
        found = {name for name in self._parents if "/queues/" in name and self._is_there(name)}
        for parent in self._parents:
            if "/queues/" not in parent:
                place = f"{parent}/locations/{DEFAULT_LOCATION}"
                found.update(queue.name for queue in self._client.list_queues(parent=place))
        return sorted(found)

    def _is_there(self, name: str) -> bool:
        try:
            self._client.get_queue(name=name)
        except NotFound:
            return False
        return True

    def _url_of(self, queue: str, task: str) -> str | None:
        """The URL of a task as it was created."""
        try:
            url = self._client.get_task(name=f"{queue}/tasks/{task}").http_request.url
        except NotFound:  # deleted while it was under way
            return None
        called = address_of(url)
        return called.url if isinstance(called, CalledUrl) else None


def _set(moment: datetime | None) -> datetime:
    """A moment that every server answers."""
    assert moment is not None  # noqa: S101 - see above
    return moment


def server_for_tests() -> Server:
    """A process whose attempts, wherever their URLs lead, come to this one."""
    scheme_maps = (f"{scheme}://={receiver().base(scheme)}" for scheme in ("http", "https"))
    return Server(*(argument for each in scheme_maps for argument in ("--map", each)))


def in_a_process() -> Elsewhere:
    """A server in a process of its own, which ends with it."""
    server = server_for_tests().start()
    try:
        return Elsewhere(server.address, overrides=False, resets=True, stop=server.stop)
    except BaseException:
        server.stop()
        raise

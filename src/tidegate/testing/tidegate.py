"""What the fixture ``tidegate`` gives: a server of the test's own, its clock, its handlers, what they were asked."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any, TypeAlias, TypeVar
from uuid import uuid4

import tidegate as package
from tidegate.core.names import DEFAULT_LOCATION
from tidegate.testing.apps import Handler
from tidegate.testing.deliveries import Deliveries
from tidegate.testing.expectations import Expectation, Expectations
from tidegate.testing.handler_request import HandlerRequest
from tidegate.testing.local import LocalServer
from tidegate.testing.queue import Queue
from tidegate.testing.spans import Span, span_of
from tidegate.testing.steps import Steps, await_steps, run_steps
from tidegate.testing.targets import Answers, Targets
from tidegate.testing.travel import Travel

T = TypeVar("T")
MaybeAwaitable: TypeAlias = Any
"""A number, or within a running event loop an awaitable of one."""

LONGEST_WAIT = 10.0
"""Seconds of the machine's time without a sign of the engine after which something is wrong with it."""

RETRIES = ("max_attempts", "max_retry_duration", "min_backoff", "max_backoff", "max_doublings")
RATES = ("max_dispatches_per_second", "max_concurrent_dispatches")
SPANS = ("max_retry_duration", "min_backoff", "max_backoff")


class Tidegate:
    """A server within the test. Nothing is delivered but by the verbs: ``run``, ``advance``, ``run_until_idle``,
    ``wait_idle``. Within a running event loop these return awaitables.

        def test_mail(tidegate):
            queue = tidegate.queue()
            tidegate.app = my_flask_app
            order(...)                       # creates tasks in queue.name
            tidegate.run()
            tidegate.expect(url="/mail", times=1)
    """

    def __init__(self) -> None:
        self._deliveries: Deliveries | None = None
        self._server = LocalServer(self._made)
        self._targets = Targets()
        self._runner: asyncio.Runner | None = None
        self._travel = Travel()
        self._unclaimed: list[str] = []
        self._expectations = Expectations()
        self.requests: list[HandlerRequest] = []
        """Every request that a task made, in their order."""
        self.project = f"test-{uuid4().hex[:12]}"
        self.location = f"projects/{self.project}/locations/{DEFAULT_LOCATION}"

    def _made(self, loop: asyncio.AbstractEventLoop) -> Deliveries:
        self._deliveries = Deliveries(loop)
        return self._deliveries

    # The server

    @property
    def address(self) -> str:
        """``127.0.0.1:PORT``: gRPC, REST, the operator's API and the console."""
        return self._server.target

    @property
    def url(self) -> str:
        """``http://127.0.0.1:PORT``."""
        return self._server.address.url

    def client(self, version: str = "v2") -> Any:
        """A client of this server: ``tidegate.tasks_v2.CloudTasksClient``, which has the names of Google's."""
        return package.connect(self.address, version=version)  # type: ignore[call-overload]

    def async_client(self, version: str = "v2") -> Any:
        """The same, with methods that are awaited."""
        return package.connect(self.address, version=version, asynchronous=True)  # type: ignore[call-overload]

    def queue(self, name: str = "default", **settings: Any) -> Queue:
        """A queue, made if it is not there yet.

        Args:
            name: its ID, or its full name.
            settings: fields of ``Queue``; those of its ``retry_config`` and ``rate_limits`` may be given by themselves,
                such as ``max_attempts=3``, spans in seconds.

        Raises:
            google.api_core.exceptions.GoogleAPICallError: the server refuses the settings.
        """
        full = name if name.startswith("projects/") else f"{self.location}/queues/{name}"
        made: dict[str, Any] = {"name": full}
        for key, value in settings.items():
            given = timedelta(seconds=value) if key in SPANS and isinstance(value, int | float) else value
            if key in RETRIES:
                made.setdefault("retry_config", {})[key] = given
            elif key in RATES:
                made.setdefault("rate_limits", {})[key] = given
            else:
                made[key] = given
        with self.client() as client:
            if settings:
                client.update_queue(queue=made)  # which makes one that is not there
            else:
                from google.api_core.exceptions import AlreadyExists  # noqa: PLC0415 - slow to import

                with suppress(AlreadyExists):
                    client.create_queue(parent=full.partition("/queues/")[0], queue=made)
        return Queue(self, full)

    def close(self) -> None:
        """Stop the server."""
        self._server.close()
        if self._runner is not None:
            self._runner.close()

    # Handlers

    @property
    def app(self) -> Any:
        """The application that takes all requests: ASGI or WSGI."""
        raise AttributeError("tidegate.app can only be set")

    @app.setter
    def app(self, app: Any) -> None:
        self.deliver_to(app)

    def deliver_to(self, app: Any, base: str = "") -> None:
        """Have an application take the requests whose URL begins with ``base``, and all others without one.

        ASGI applications run in the test's event loop, or in one of their own in its thread; WSGI applications (Flask,
        Django) are called in the test's thread, within the verbs. Their lifespan is not run.
        """
        self._targets.put("app", app, base)

    def responds(self, with_: int | Iterable[int] | Handler = 200, base: str = "") -> None:
        """Answer requests without an application: with a status, with these in turn, or with what a function says.

        The function gets a ``HandlerRequest`` and returns a status, or a status and headers.
        """
        handler: Handler = with_ if callable(with_) else Answers(with_)
        self._targets.put("function", handler, base)

    # Verbs

    def run(self) -> MaybeAwaitable:
        """Deliver what is due now, and what follows from it at once. Answers how many requests were made."""
        return self._verb(self._run())

    def advance(self, by: Span) -> MaybeAwaitable:
        """Let time pass: ``"1h"``, ``"90s"``, a timedelta or seconds. What is due meanwhile is delivered, each at its
        moment. Answers how many requests were made.
        """
        return self._verb(self._advance(span_of(by)))

    def run_until_idle(self, max: Span = "30d") -> MaybeAwaitable:  # noqa: A002 - it reads well where it is called
        """Deliver everything, skipping the time in between, ``max`` of it at most. Answers how many requests were
        made.
        """
        return self._verb(self._run_until_idle(span_of(max)))

    def wait_idle(self, timeout: Span = 5) -> MaybeAwaitable:
        """Deliver what is due as time goes by itself, until no task is left that will run without moving the clock.

        Raises:
            AssertionError: something was still due after ``timeout`` of the machine's time.
        """
        return self._verb(self._wait_idle(span_of(timeout)))

    def now(self) -> datetime:
        """The time by which tasks go."""
        return self._server.engine.clock.now()

    def _verb(self, steps: Steps[T]) -> MaybeAwaitable:
        try:
            asyncio.get_running_loop()
        except RuntimeError:
            if self._runner is None:
                self._runner = asyncio.Runner()
            return run_steps(steps, self._runner)
        return await_steps(steps)

    def _run(self) -> Steps[int]:
        before = len(self.requests)
        yield from self._deliver()
        self._complain()
        return len(self.requests) - before

    def _advance(self, by: timedelta) -> Steps[int]:
        before = len(self.requests)
        yield from self._deliver()
        target = self.now() + by
        while (moment := self._server.engine.next_moment()) is not None and moment <= target:
            yield from self._move(moment)
            yield from self._deliver()
        yield from self._move(target)
        yield from self._deliver()
        self._complain()
        return len(self.requests) - before

    def _run_until_idle(self, most: timedelta) -> Steps[int]:
        before = len(self.requests)
        yield from self._deliver()
        last = self.now() + most
        while (moment := self._server.engine.next_moment()) is not None and moment <= last:
            yield from self._move(moment)
            yield from self._deliver()
        self._complain()
        return len(self.requests) - before

    def _wait_idle(self, patience: timedelta) -> Steps[int]:
        before = len(self.requests)
        deadline = datetime.now(UTC) + patience
        while True:
            yield from self._deliver()
            moment = self._server.engine.next_moment()
            if moment is None or moment > self.now() + patience:
                break
            if datetime.now(UTC) > deadline:
                raise AssertionError(f"tasks are still due after {patience}")
            yield self._server.begin(asyncio.sleep(0.005))
        self._complain()
        return len(self.requests) - before

    def _move(self, moment: datetime) -> Steps[None]:
        """Let the clock show the moment, and take those of time-machine and freezegun along."""
        control = self._server.engine.time
        assert control is not None  # noqa: S101 - the server runs with dev
        before = self.now()
        if moment > before:
            yield self._server.begin(control.advance_to(moment))
            self._travel.move(moment - before)

    def _deliver(self) -> Steps[None]:
        """Have handlers answer what is there, until the engine has nothing more to do at this moment."""
        deliveries = self._deliveries
        assert deliveries is not None  # noqa: S101 - made with the server
        while True:
            while (delivery := deliveries.take()) is not None:
                request = delivery.request
                self.requests.append(request)
                ask = self._targets.find(request)
                if ask is None:
                    self._unclaimed.append(request.url)
                    delivery.refuse()
                else:
                    delivery.answer((yield ask))
            if (yield self._server.begin(self._settled(deliveries))):
                return

    async def _settled(self, deliveries: Deliveries) -> bool:
        """Wait for the engine: whether it has nothing to do, else there is an attempt to take."""
        loop = asyncio.get_running_loop()
        patience = loop.time() + LONGEST_WAIT
        while not self._server.engine.quiet():
            if not deliveries.empty:
                return False
            if loop.time() > patience:
                raise TimeoutError(f"the engine did not come to rest within {LONGEST_WAIT:g} s")
            await deliveries.arrived(0.001)
        return deliveries.empty

    def _complain(self) -> None:
        """Fail the test when a request had no handler."""
        if self._unclaimed:
            urls, self._unclaimed = sorted(set(self._unclaimed)), []
            raise AssertionError(
                f"no handler takes {', '.join(urls)}: set tidegate.app, or name its base with tidegate.deliver_to"
            )

    # Looking

    def expect(
        self,
        url: str | None = None,
        *,
        json: Any = ...,
        body: Any = ...,
        headers: dict[str, Any] | None = None,
        method: str | None = None,
        times: int = 1,
    ) -> Expectation:
        """Expect that tasks make such a request ``times``, by the end of the test or ``assert_expected``.

        ``url`` is a whole one, or a path. Values may be any object with ``==``. Without ``json`` and ``body`` any body
        will do.
        """
        return self._expectations.add(url, json=json, body=body, headers=headers or {}, method=method, times=times)

    def assert_expected(self) -> None:
        """Raise AssertionError for the first expectation that does not hold, with the request that is nearest to it."""
        self._expectations.check(self.requests)

    def assert_no_tasks(self) -> None:
        """Raise AssertionError when a task is left in a queue that this test made."""
        left = self.tasks_left()
        if left:
            raise AssertionError(f"{len(left)} tasks are left:\n" + "\n".join(left))

    def tasks_left(self) -> list[str]:
        """A line for each task that is left, of the queues of this test's project."""
        with self.client() as client:
            lines = []
            for queue in client.list_queues(parent=self.location):
                for task in client.list_tasks(parent=queue.name):
                    url = task.http_request.url or "App Engine"
                    tried = f", {task.dispatch_count} attempts" if task.dispatch_count else ""
                    lines.append(f"  {task.name.partition('/queues/')[2]}: {url}, due {task.schedule_time}{tried}")
            return lines

    def failures(self) -> list[str]:
        """A line for each request whose handler did not answer 2xx, with what it raised."""
        return [
            f"  {request.method} {request.url} -> {request.status}"
            + (f": {type(request.error).__name__}: {request.error}" if request.error else "")
            for request in self.requests
            if request.status is None or not 200 <= request.status <= 299
        ]


Factory: TypeAlias = Callable[[], Tidegate]

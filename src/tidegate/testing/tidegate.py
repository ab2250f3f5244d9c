"""What the fixture ``tidegate`` gives: a server of the test's own, its clock, its handlers, what they were asked."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from contextlib import suppress
from datetime import datetime, timedelta
from time import monotonic
from typing import Any, TypeAlias, TypeVar
from uuid import uuid4

import tidegate as package
from tidegate.core.names import DEFAULT_LOCATION
from tidegate.testing.apps import Handler
from tidegate.testing.done import Done
from tidegate.testing.expectations import Expectation, Expectations
from tidegate.testing.faults import Faults
from tidegate.testing.handler_request import HandlerRequest
from tidegate.testing.in_process import InProcess
from tidegate.testing.queue import Queue
from tidegate.testing.queue_fields import queue_fields
from tidegate.testing.report import failures, last_attempts, tasks_left
from tidegate.testing.served import Delivery, Served
from tidegate.testing.spans import Span, span_of
from tidegate.testing.steps import Steps, await_steps, run_steps
from tidegate.testing.targets import Answers, Targets

T = TypeVar("T")
MaybeAwaitable: TypeAlias = Any
"""A number, or within a running event loop an awaitable of one."""


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

    def __init__(self, served: Served | None = None) -> None:
        """``served`` is the server; one within this process without it."""
        self._served = served or InProcess()
        self._targets = Targets()
        self._runner: asyncio.Runner | None = None
        self._unclaimed: list[str] = []
        self._expectations = Expectations()
        self._inner: Any = None
        self._named: set[str] = set()
        self.requests: list[HandlerRequest] = []
        """Every request that a task made, in their order."""
        self.project = f"test-{uuid4().hex[:12]}"
        self.location = f"projects/{self.project}/locations/{DEFAULT_LOCATION}"
        self.faults = Faults(lambda: self._client.operator, self._queues)
        """Makes what attempts meet on purpose: ``faults.duplicate()``, ``faults.status(503, times=2)`` …"""
        self._served.begin(self.project)

    # The server

    @property
    def address(self) -> str:
        """``127.0.0.1:PORT``: gRPC, REST, the operator's API and the console."""
        return self._served.target

    @property
    def url(self) -> str:
        """``http://127.0.0.1:PORT``."""
        return f"http://{self.address}"

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
        made = {"name": full, **self._served.queue_fields(full), **queue_fields(settings)}
        self._named.add(full)
        if settings:
            self._client.update_queue(queue=made)  # which makes one that is not there
        else:
            from google.api_core.exceptions import AlreadyExists  # noqa: PLC0415 - slow to import

            with suppress(AlreadyExists):
                self._client.create_queue(parent=full.partition("/queues/")[0], queue=made)
        return Queue(self, full)

    def close(self) -> None:
        """Stop the server, or take the test's queues from one that goes on."""
        if self._inner is not None:
            self._inner.transport.close()
        self._served.close()
        if self._runner is not None:
            self._runner.close()

    @property
    def _client(self) -> Any:
        """A client for the fixture's own calls."""
        if self._inner is None:
            self._inner = self.client()
        return self._inner

    def _queues(self, which: Any = None) -> list[str]:
        """The full names of the queues that an argument means: all that the test has for None."""
        if which is not None:
            name = str(which)
            return [name if name.startswith("projects/") else f"{self.location}/queues/{name}"]
        places = {self.location, *(name.partition("/queues/")[0] for name in self._named)}
        found = {queue.name for place in places for queue in self._client.list_queues(parent=place)}
        return sorted(name for name in found if name in self._named or name.startswith(f"{self.location}/"))

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
        return self._served.now()

    def pause(self, queue: Queue | str | None = None) -> Done:
        """Start no attempts of a queue, or of any that the test has so far."""
        for name in self._queues(queue):
            self._client.pause_queue(name=name)
        return Done()

    def resume(self, queue: Queue | str | None = None) -> Done:
        """Start attempts again."""
        for name in self._queues(queue):
            self._client.resume_queue(name=name)
        return Done()

    def _verb(self, steps: Steps[T]) -> MaybeAwaitable:
        if asyncio._get_running_loop() is not None:  # noqa: SLF001 - the documented way raises, which tests would show
            return await_steps(steps)
        if self._runner is None:
            self._runner = asyncio.Runner()
        return run_steps(steps, self._runner)

    def _run(self) -> Steps[int]:
        before = len(self.requests)
        yield from self._served.run_until(None, self._hand_over)
        return self._made_since(before)

    def _advance(self, by: timedelta) -> Steps[int]:
        before, target = len(self.requests), self.now() + by
        yield from self._served.run_until(target, self._hand_over)
        yield from self._served.move_to(target)
        yield from self._served.run_until(None, self._hand_over)
        return self._made_since(before)

    def _run_until_idle(self, most: timedelta) -> Steps[int]:
        before = len(self.requests)
        yield from self._served.run_until(self.now() + most, self._hand_over)
        return self._made_since(before)

    def _wait_idle(self, patience: timedelta) -> Steps[int]:
        before, deadline = len(self.requests), monotonic() + patience.total_seconds()
        while True:
            yield from self._served.run_until(None, self._hand_over)
            moment = self._served.next_due()
            if moment is None or moment > self.now() + patience:
                return self._made_since(before)
            if monotonic() > deadline:
                raise AssertionError(f"tasks are still due after {patience}")
            yield from self._served.wait(0.005)

    def _hand_over(self, delivery: Delivery) -> Steps[None]:
        """Let the handler of its URL answer an attempt."""
        request = delivery.request
        self.requests.append(request)
        ask = self._targets.find(request)
        if ask is None:
            self._unclaimed.append(request.url)
            delivery.refuse()
        else:
            delivery.answer((yield ask))

    def _made_since(self, before: int) -> int:
        self._complain()
        return len(self.requests) - before

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
        """A line for each task that is left in the test's queues, with the reason."""
        return tasks_left(self._client, self._queues())

    def last_attempts(self) -> list[str]:
        """A line for each attempt that was kept, the newest first."""
        return last_attempts(self._client, self._queues())

    def failures(self) -> list[str]:
        """A line for each request whose handler did not answer 2xx, with what it raised."""
        return failures(self.requests)


Factory: TypeAlias = Callable[[], Tidegate]

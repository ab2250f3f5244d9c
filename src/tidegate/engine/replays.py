"""Tasks sent once more for somebody to see what happens. Nothing of the task changes, and nothing is kept."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from msgspec.structs import replace

from tidegate.core import refusals
from tidegate.core.attempt_record import AttemptRecord, attempt_record
from tidegate.core.errors import FailedPrecondition, InvalidArgument, ResourceExhausted
from tidegate.core.lifecycle import Outcome
from tidegate.core.masking import is_secret
from tidegate.core.names import TaskName
from tidegate.core.queue import Queue
from tidegate.core.target import CalledUrl, HttpCall, Unsendable, address_of, compose
from tidegate.core.task import Task
from tidegate.core.urls import split
from tidegate.engine.attempt_report import AttemptReport
from tidegate.engine.dispatcher import NO_TOKEN_OVER_HTTP
from tidegate.engine.lookup import found
from tidegate.engine.ports.store import Reader
from tidegate.engine.ports.world import MintError, World

AT_ONCE: Final = 16
"""Replays under way. They pass the limits of queues, and each holds a body of up to a megabyte."""

MARK: Final = ("X-Tidegate-Replay", "1")
"""The header by which a handler knows a replay."""

URL_MAX: Final = 2083
"""Characters of a URL, as of a task's own."""


class Replays:
    """Sends tasks once more, over the same connections and through the same egress rules as attempts."""

    def __init__(self, world: World, app_engine: Mapping[str, str], *, https_tokens: bool) -> None:
        """``app_engine`` and ``https_tokens`` are the operator's policy."""
        self._store = world.store
        self._clock = world.clock
        self._machine = world.machine
        self._sender = world.sender
        self._mint = world.mint
        self._app_engine = app_engine
        self._https_tokens = https_tokens
        self._under_way = 0

    async def send(self, name: TaskName, url: str) -> AttemptRecord:
        """Send the task's request, to ``url`` unless that is empty, and tell what came of it.

        To another origin than the task's own it goes without its token and other secrets.

        Raises NotFound, FailedPrecondition for a task without a request, InvalidArgument for a URL that cannot be
        called, ResourceExhausted when too many are under way.
        """
        queue, task = await self._store.read(lambda reader: _look(reader, name))
        now = self._clock.now()
        attempted = task.dispatched(now)
        call = compose(attempted, queue, self._app_engine)
        if isinstance(call, Unsendable):
            raise FailedPrecondition(f"The task has no request that could be sent: {call.reason}.")
        call = _marked(_elsewhere(call, url) if url else call)
        if self._under_way >= AT_ONCE:
            raise ResourceExhausted(f"{self._under_way} replays are under way, which is the most at one time.")
        self._under_way += 1
        try:
            return await self._sent(attempted, call)
        finally:
            self._under_way -= 1

    async def _sent(self, task: Task, call: HttpCall) -> AttemptRecord:
        report = AttemptReport(self._machine.monotonic)
        report.call = call
        began = self._machine.monotonic()
        outcome = await self._outcome(call, report)
        took = self._machine.monotonic() - began
        exchange = report.exchange(task, took, bodies=True)
        return attempt_record(task, outcome, None, self._clock.now(), exchange, forced=True)

    async def _outcome(self, call: HttpCall, report: AttemptReport) -> Outcome:
        if call.token is None:
            return await self._sender.send(call, None, report)
        if self._https_tokens and not call.url.startswith("https://"):
            return NO_TOKEN_OVER_HTTP
        try:
            authorization = await self._mint.authorization(call.token)
        except MintError as error:
            return Outcome(reason=f"no token: {error}", unsendable=True)
        return await self._sender.send(call, authorization, report)


def _look(reader: Reader, name: TaskName) -> tuple[Queue, Task]:
    stored = found(reader.queue(name.parent), otherwise=refusals.not_found)
    task = reader.task(stored, name.task, body=True)
    if task is None:
        raise refusals.not_found()
    return stored.queue, task


def _marked(call: HttpCall) -> HttpCall:
    return replace(call, headers=(*call.headers, MARK))


def _elsewhere(call: HttpCall, url: str) -> HttpCall:
    """The call to another URL; without secrets, unless it is of the same origin."""
    address = address_of(url) if len(url) <= URL_MAX else None
    if not isinstance(address, CalledUrl):
        raise InvalidArgument("ReplayTaskRequest.url must be an http or https URL that can be called.")
    if _origin(address.url) == _origin(call.url):
        return replace(call, url=address.url)
    headers = tuple((name, value) for name, value in call.headers if not is_secret(name))
    if address.user:
        headers = (*headers, ("Authorization", address.user))
    return replace(call, url=address.url, headers=headers, token=None)


def _origin(url: str) -> tuple[str, str, int | None] | None:
    parts = split(url)
    return None if parts is None else (parts.scheme, parts.host.lower(), parts.port)

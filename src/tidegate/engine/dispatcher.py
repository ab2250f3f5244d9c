"""One attempt: compose the call, send it, hand on what came back."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import timedelta
from typing import Final

from tidegate.core.attempt_record import is_kept
from tidegate.core.lifecycle import Outcome
from tidegate.core.queue import Queue
from tidegate.core.queue_options import Keep, Keeping, keeping
from tidegate.core.target import HttpCall, compose
from tidegate.core.task import Task
from tidegate.engine.attempt_report import AttemptReport
from tidegate.engine.life import Life
from tidegate.engine.ports.events import AttemptStarted
from tidegate.engine.ports.tracing import AttemptTrace, TraceHeaders
from tidegate.engine.ports.world import MintError, World
from tidegate.engine.records import Ended, Recorder
from tidegate.engine.under_way import AttemptUnderWay, UnderWay

logger = logging.getLogger(__name__)

FENCED = Outcome(reason="the other nodes took this one for dead")
CUT_OFF = Outcome(reason="the server stopped before the attempt ended")
NO_TOKEN_OVER_HTTP = Outcome(forbidden=True, reason="tokens are sent to https URLs only")
INTERNAL_ERROR = Outcome(reason="internal error", unsendable=True)

NONE: Final = Keep.NONE  # a member of an enum takes long to look up


class Dispatcher:
    """Runs attempts, each in a task of its own."""

    def __init__(
        self,
        world: World,
        under_way: UnderWay,
        recorder: Recorder,
        app_engine: Mapping[str, str],
        *,
        https_tokens: bool,
        keeping: Keeping,
        life: Life | None = None,
    ) -> None:
        """``app_engine`` maps services to URLs; ``https_tokens`` says that tokens go to ``https`` URLs only;
        ``keeping`` what is kept of attempts where a queue does not say so itself. Where there are other nodes, requests
        are sent only while this one may trust in its ``life``.
        """
        self._clock = world.clock
        self._machine = world.machine
        self._events = world.events
        self._sender = world.sender
        self._mint = world.mint
        self._tracing = world.tracing
        self._under_way = under_way
        self._recorder = recorder
        self._app_engine = app_engine
        self._https_tokens = https_tokens
        self._life = life
        self._hanging_up: asyncio.Task[None] | None = None
        self._keeping = keeping
        self._warned = False
        self.node = ""
        """By what name kept attempts say that this process made them: a host and a port."""

    def dispatch(self, queue: Queue, queue_id: int, tasks: Sequence[Task], *, forced: bool = False) -> None:
        """Start attempts of tasks that the store has marked as dispatched; ``forced`` ones were asked for by a
        caller.
        """
        start = asyncio.get_running_loop().create_task  # to ask for the loop is a system call
        begin = self._under_way.begin
        for task in tasks:
            attempt = begin(queue, queue_id, task, forced=forced)
            attempt.running = start(self._run(attempt))

    async def drain(self, patience: timedelta, no_more: Callable[[], Awaitable[None]] | None = None) -> int:
        """Wait for the attempts under way and record them; cut off those that outlast ``patience``. Once all have ended
        ``no_more`` sees to it that nobody starts others, and those that it still lets in are waited for as well.

        Returns how many were cut off. Their tasks are due again when the server starts next, and so are those whose
        outcomes the store does not take now.
        """
        cut = await self._under_way.drain(patience, no_more)
        await self._recorder.drained()
        return cut

    def hang_up(self) -> None:
        """Forget all attempts under way; their handlers see the connection closed. Call when the node's life ends."""
        attempts = self._under_way.all()
        for attempt in attempts:
            attempt.forgotten = True
            if attempt.running is not None:
                attempt.running.cancel()
        if attempts:
            self._hanging_up = asyncio.get_running_loop().create_task(self._give_back(attempts))

    async def _give_back(self, attempts: Sequence[AttemptUnderWay]) -> None:
        """Give back what attempts held that were cancelled before they began."""
        running = [attempt.running for attempt in attempts if attempt.running is not None]
        if running:
            await asyncio.wait(running)
        for attempt in attempts:
            if attempt.running is not None:
                self._under_way.forget(attempt)

    async def _run(self, attempt: AttemptUnderWay) -> None:
        queue, task = attempt.queue, attempt.task
        headers: TraceHeaders = ()
        trace = None
        if self._tracing is not None:
            headers, trace = self._tracing.attempt(queue, task)
        outcome = CUT_OFF
        try:
            started = self._machine.monotonic()
            self._events.emit(AttemptStarted(queue, task, self._clock.now()))
            kept = keeping(queue.options, self._keeping)
            report = None if kept.attempts is NONE else AttemptReport(self._machine.monotonic)
            outcome = await self._outcome(queue, task, report, headers, trace)
            self._under_way.connections.ended(queue.name, attempt.handler, answered=outcome.answered)
            now = self._clock.now()
            took = self._machine.monotonic() - started
            exchange = None
            if report is not None and is_kept(outcome, kept.attempts):
                exchange = report.exchange(task, took, bodies=kept.bodies, node=self.node)
            self._recorder.add(
                Ended(queue, attempt.queue_id, task, outcome, timedelta(seconds=took), now, attempt.forced, exchange)
            )
        except asyncio.CancelledError:
            if not attempt.forgotten:
                if report is not None:
                    self._keep_cut_off(attempt, report, kept, started)
                raise
            self._under_way.connections.ended(queue.name, attempt.handler, answered=False)
            took = self._machine.monotonic() - started
            self._recorder.drop(
                Ended(queue, attempt.queue_id, task, FENCED, timedelta(seconds=took), self._clock.now())
            )
        finally:
            if trace is not None:
                trace.ended(FENCED if attempt.forgotten else outcome)
            self._under_way.end(attempt)  # a callback for it would cost a microsecond

    def _keep_cut_off(self, attempt: AttemptUnderWay, report: AttemptReport, kept: Keeping, started: float) -> None:
        """Its outcome is not known and never will be; what was seen of it is kept."""
        took = self._machine.monotonic() - started
        exchange = report.exchange(attempt.task, took, bodies=kept.bodies, node=self.node)
        self._recorder.cut_off(
            Ended(
                attempt.queue,
                attempt.queue_id,
                attempt.task,
                CUT_OFF,
                timedelta(seconds=took),
                self._clock.now(),
                attempt.forced,
                exchange,
            )
        )

    async def _outcome(
        self,
        queue: Queue,
        task: Task,
        report: AttemptReport | None,
        headers: TraceHeaders,
        trace: AttemptTrace | None,
    ) -> Outcome:
        try:
            call = compose(task, queue, self._app_engine, headers)
            if not isinstance(call, HttpCall):
                return Outcome(reason=call.reason, unsendable=True)
            if trace is not None:
                trace.sends(call)
            if report is not None:
                report.call = call
            if call.token is None:
                authorization = None
            elif not self._may_carry_tokens(call.url):
                return NO_TOKEN_OVER_HTTP
            else:
                authorization = await self._mint.authorization(call.token)
            if self._life is not None:
                await self._life.trust()  # last of all: another node may start the task after that
            return await self._sender.send(call, authorization, report)
        except MintError as error:
            return Outcome(reason=f"no token: {error}", unsendable=True)
        except Exception:
            logger.exception("an attempt of %s failed here, not at its handler", task.name, extra={"task": task.name})
            return INTERNAL_ERROR

    def _may_carry_tokens(self, url: str) -> bool:
        """Whether a token may go there: a task's own URL was looked at when it was created, where its queue's routing
        leads may be another.
        """
        if url.startswith("https://"):
            return True
        if not self._https_tokens and not self._warned:
            self._warned = True
            logger.warning("tokens are sent to http URLs, where others may read them; --token-urls https forbids it")
        return not self._https_tokens

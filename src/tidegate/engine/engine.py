"""The engine: its parts put together, started, drained."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta

from msgspec.structs import replace

from tidegate.core.names import QueueName
from tidegate.engine.accounts import Accounts
from tidegate.engine.attempts import Attempts
from tidegate.engine.bulk import Select, bulk_workers
from tidegate.engine.cmek import Keys
from tidegate.engine.creation import Rules
from tidegate.engine.dead_letters import DeadLetters
from tidegate.engine.dispatcher import Dispatcher
from tidegate.engine.executions import Executions
from tidegate.engine.explaining import Explaining
from tidegate.engine.idle_run import IdleRuns
from tidegate.engine.janitor import Janitor
from tidegate.engine.leases import Leases
from tidegate.engine.life import Life, LivingStore
from tidegate.engine.long_running import LongRunning
from tidegate.engine.lookout import Lookout
from tidegate.engine.movable_clock import MovableClock
from tidegate.engine.node_board import NodeBoard, NodeFace
from tidegate.engine.nodes import Nodes
from tidegate.engine.numbers import Numbers
from tidegate.engine.operation_runner import OperationRunner
from tidegate.engine.operations import Operations
from tidegate.engine.operator_rules import OperatorRules
from tidegate.engine.options import Options
from tidegate.engine.orphans import Orphans
from tidegate.engine.policies import Policies
from tidegate.engine.ports.events import AllDeleted
from tidegate.engine.ports.store import Transaction
from tidegate.engine.ports.world import World
from tidegate.engine.queues import Queues
from tidegate.engine.records import Recorder
from tidegate.engine.redrive import Select as DeadSelect
from tidegate.engine.redrive import dead_task_workers
from tidegate.engine.releasing import release_attempts
from tidegate.engine.replays import Replays
from tidegate.engine.scheduler import Scheduler
from tidegate.engine.shelving import Shelving
from tidegate.engine.state import State
from tidegate.engine.store_errors import AnsweringStore
from tidegate.engine.strays import Strays
from tidegate.engine.tasks import Tasks
from tidegate.engine.time_control import TimeControl
from tidegate.engine.under_way import UnderWay

logger = logging.getLogger(__name__)

PAUSE_AFTER_ERROR = 1.0
"""Seconds until a part that runs by itself goes on after an error that it did not expect."""


class Engine:
    """A task queue at work: ``queues`` and ``tasks`` are what callers use, the rest runs by itself."""

    board: NodeBoard | None = None
    """What the nodes tell of themselves, where the store can have any."""

    def __init__(self, world: World, operator_rules: OperatorRules = OperatorRules()) -> None:  # noqa: B008 - a frozen value
        self.shelving = Shelving(operator_rules.keeping, operator_rules.app_engine)
        self._life: Life | None = None
        self.nodes: Nodes | None = None
        """The other nodes, where the store can have any."""
        if not world.membership.alone:
            self._life = Life(world.machine)
            world = replace(world, store=LivingStore(world.store, self._life))
            self.nodes = Nodes(world, self._life, self.shelving)
        inner, world = world, replace(world, store=AnsweringStore(world.store))
        self._inner = inner
        self._store = world.store
        self.clock = world.clock
        self.machine = world.machine
        self.ids = world.ids
        self._events = world.events
        self.operator_rules = operator_rules
        self.under_way = UnderWay(world.sender.connections_kept_for)
        self._executions = Executions()
        self._recorder = Recorder(
            inner,
            self.under_way,
            self._executions,
            self._recorded,
            self._roomier,
            throttling=operator_rules.throttling,
            shelving=self.shelving,
        )
        self.dispatcher = Dispatcher(
            inner,
            self.under_way,
            self._recorder,
            operator_rules.app_engine,
            https_tokens=operator_rules.https_tokens,
            keeping=operator_rules.keeping,
            life=self._life,
        )
        self.scheduler = Scheduler(
            inner,
            self.under_way,
            self.dispatcher.dispatch,
            ramp_up=operator_rules.ramp_up,
            life=self._life,
            nodes=self.nodes,
        )
        if self._life is not None and self.nodes is not None:
            self._life.at_end(self._recorder.forget)
            self._life.at_end(self.dispatcher.hang_up)
            self._lookout = Lookout(inner, self.nodes, self.scheduler.wake)
        self.queues = Queues(
            world,
            self.scheduler,
            self._executions,
            operator_rules.queue_name_reuse_after,
            hard_reset_on_purge=operator_rules.hard_reset_on_purge,
        )
        rules = Rules(operator_rules.https_tokens, operator_rules.ramp_up)
        self.tasks = Tasks(world, self.scheduler, self.dispatcher, rules)
        self.state = State(world, self.scheduler, rules, operator_rules.keeping, operator_rules.app_engine)
        self.explaining = Explaining(
            world, self.scheduler, self.under_way, operator_rules.app_engine, https_tokens=operator_rules.https_tokens
        )
        self.leases = Leases(world, self.shelving)
        self.attempts = Attempts(world)
        self.dead_letters = DeadLetters(world)
        self.options = Options(world, operator_rules.keeping)
        self.numbers = Numbers(world)
        self.replays = Replays(world, operator_rules.app_engine, https_tokens=operator_rules.https_tokens)
        self.policies = Policies(world)
        self.accounts = Accounts(world)
        self.operations = Operations(world)
        self.long_running = OperationRunner(world, inner.store, self.nodes)
        self.keys = Keys(world)
        self._janitor = Janitor(inner, self.shelving, self.nodes)
        self.time: TimeControl | None = None
        """Moves the clock, if it is one that can be moved."""
        self.idle_runs: IdleRuns | None = None
        if isinstance(world.clock, MovableClock):
            self.time = TimeControl(world.store, world.clock, world.machine, self.next_moment, self.quiet)
            self.idle_runs = IdleRuns(world.store, self.time, world.machine, self.scheduler, self.under_way)
        self._running: dict[str, asyncio.Task[None]] = {}

    async def join(self, name: str, address: str = "", version: str = "") -> None:
        """Become one of the nodes that share the store, called ``name``: a host and a port. Kept attempts bear this
        name, and the other nodes are told the rest. Call it before all else.
        """
        self.dispatcher.node = name
        if self.nodes is not None:
            await self.nodes.join(name)
            if address:
                started = self.clock.now()

                def face(now: datetime) -> NodeFace:
                    at_work = self.under_way.attempts
                    return NodeFace(name, address, version, started, now, self.draining, at_work)

                self.board = self.explaining.board = NodeBoard(self._inner, self._store, face, self.drain, self.undrain)
                await self.board.join()

    def serve_bulk(self, select: Select) -> None:
        """Let operations change many tasks; ``select`` reads which from their requests. Call before ``start``."""
        self.long_running.add_workers(
            bulk_workers(select, self._events, self.scheduler, self.dispatcher, self.under_way, self.shelving)
        )

    def serve_dead_tasks(self, select: DeadSelect) -> None:
        """Let operations drive and purge dead tasks; ``select`` reads which from their requests. Call before
        ``start``.
        """
        self.long_running.add_workers(dead_task_workers(select, self._events, self.scheduler))

    async def start(self) -> None:
        """Take up the work where the last process left it: attempts that ended with it are due again at once."""
        if self.nodes is None:
            await release_attempts(self._store, 0, self.clock.now(), self.shelving)
            left = await self._store.write(self._take_up)
            await self.scheduler.start()
            self.long_running.start(left)
        parts = {"scheduler": self.scheduler.run, "janitor": self._janitor.run}
        if self.nodes is not None and self._life is not None:
            parts |= {
                "nodes": self.nodes.run,
                "lookout": self._lookout.run,
                "politeness": self.scheduler.politeness.run,
                "strays": Strays(self._inner, self.nodes, self._life, self.under_way).run,
                "orphans": Orphans(self._inner, self.nodes, self.long_running).run,
            }
        if self.board is not None:
            parts["board"] = self.board.run
        loop = asyncio.get_running_loop()
        self._running = {name: loop.create_task(self._keep_going(name, run)) for name, run in parts.items()}

    def _take_up(self, tx: Transaction) -> Sequence[LongRunning]:
        return self.long_running.take_over(tx, self.clock.now())

    async def stop(self, patience: timedelta = timedelta()) -> int:
        """Claim no more, give attempts under way ``patience`` to end, record them; return how many were cut off."""
        self.scheduler.stop()
        beating = [self._running.pop(part) for part in ("nodes", "board") if part in self._running]
        for name, running in self._running.items():
            if name != "scheduler":
                running.cancel()
        await asyncio.wait(self._running.values())  # however they end
        await self.long_running.stop()
        await self.scheduler.handed_back()
        cut = await self.dispatcher.drain(patience, self.tasks.end_runs)
        if self.nodes is not None and beating:
            for each in beating:
                each.cancel()
            await asyncio.wait(beating)
            if self.board is not None:
                await self.board.leave()
            await self.nodes.leave()
        return cut

    @property
    def draining(self) -> bool:
        """Whether no attempts are started, apart from those that RunTask asks for."""
        return self.scheduler.draining

    def drain(self) -> None:
        """Claim no more until ``undrain``; attempts under way go on. Calls are answered as before."""
        self.scheduler.drain()

    def undrain(self) -> None:
        """Claim again, unless the engine was stopped."""
        self.scheduler.undrain()

    async def reset(self) -> None:
        """Begin again with nothing, as on the first start. Attempts under way end without effect."""
        await self._store.write(lambda tx: tx.reset())
        self._executions.clear()
        self.scheduler.forget()
        if self.time is not None:
            self.time.forget()
        self._events.emit(AllDeleted())

    def next_moment(self) -> datetime | None:
        """When the engine has something to do next by itself, by its wall clock: a task is due, or a queue's next token
        is there. None when only a call or the end of an attempt can bring something. Paused queues do not count.
        """
        return self.scheduler.next_moment()

    def quiet(self) -> bool:
        """Whether nothing is under way and nothing is due: no attempt, no outcome to be recorded, no claim, no
        long-running operation. Calls that are not answered yet do not count.
        """
        idle = not self.under_way.attempts and self._recorder.idle and self.long_running.idle
        return idle and self.scheduler.quiet()

    async def _keep_going(self, name: str, run: Callable[[], Awaitable[None]]) -> None:
        """Run a part to its end. What it did not expect is logged, and it goes on: its transactions are undone, and a
        server that takes calls must not stand still behind them.
        """
        while True:
            try:
                return await run()
            except Exception:
                logger.exception("the %s failed; it goes on in %g s", name, PAUSE_AFTER_ERROR)
                await self.machine.sleep(PAUSE_AFTER_ERROR)

    def _recorded(self, queue: QueueName, retry_at: datetime | None) -> None:
        if retry_at is not None:
            self.scheduler.wake(queue, retry_at)
        self.scheduler.ended(queue)

    def _roomier(self) -> None:
        self.scheduler.roomier()

"""This node among the others: it joins, beats, sees others die, releases what they had under way, and joins anew."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable

from tidegate.core.names import QueueName
from tidegate.core.preference import ranked
from tidegate.engine.death_watch import LOOK_EVERY, DeathWatch
from tidegate.engine.life import Life
from tidegate.engine.ports.membership import Member
from tidegate.engine.ports.store import FencedError, StoreError
from tidegate.engine.ports.world import World
from tidegate.engine.releasing import release_attempts
from tidegate.engine.shelving import USUAL, Shelving
from tidegate.engine.waiting import Waiter

logger = logging.getLogger(__name__)

RELEASE_AGAIN = 1.0
"""Seconds until a release goes on that the store could not commit."""

WATCHERS = 2
"""Nodes that look at a queue now and then: when the first one dies, the second knows what it waits for."""

RANKS_KEPT = 65_536
"""Queues of which is remembered who sees to them first."""


class Nodes:
    """The nodes that share the store. ``world.store`` is one that tells this node's life apart."""

    def __init__(self, world: World, life: Life, shelving: Shelving = USUAL) -> None:
        self._membership = world.membership
        self._store = world.store
        self._clock = world.clock
        self._machine = world.machine
        self._life = life
        self._shelving = shelving
        self._watch = DeathWatch()
        self._waiter = Waiter(world.clock, world.machine)
        self._living: frozenset[int] = frozenset()
        self._ranks: dict[str, list[int]] = {}
        self._changed: list[Callable[[], None]] = []
        self._releasing: dict[int, asyncio.Task[None]] = {}
        self._name = ""
        self.node = 0
        self.members: frozenset[int] = frozenset()
        """All nodes at the last look, also those whose attempts wait to be released; none before the first look."""
        self.taken_over = 0
        """How many nodes this one found dead and whose attempts it released, since its start."""
        self.rejoined = 0
        """How often the others took this one for dead, and it joined anew."""
        life.at_end(self._waiter.wake)

    @property
    def living(self) -> int:
        """How many nodes have beaten lately, this one among them; 0 while it has not joined."""
        return len(self._living)

    def at_change(self, listener: Callable[[], None]) -> None:
        """Call this when other nodes see to some queues first than before, or tasks of a dead one are due again."""
        self._changed.append(listener)

    def is_first(self, queue: QueueName | str) -> bool:
        """Whether this node is the one that sees to the queue first."""
        return self._ranked(queue)[0] == self.node

    def watches(self, queue: QueueName) -> bool:
        """Whether this node is to look now and then what waits in the queue."""
        return self.node in self._ranked(queue)[:WATCHERS]

    async def join(self, name: str) -> None:
        """Begin to live, and release what the nodes had under way whose place this one takes."""
        self._name = name
        await self._join()

    async def run(self) -> None:
        """Beat until cancelled."""
        while True:
            self._waiter.clear()
            due = self._machine.monotonic() + LOOK_EVERY
            if self._life.over:
                await self._join_anew()
            else:
                await self._beat()
            if not self._life.over:
                # A look at the very moment when a node may be dead, or its attempts would wait for the next one.
                soonest = self._watch.next_death(self._machine.elapsed())
                await self._waiter.wait(None, max(0.0, min(due - self._machine.monotonic(), soonest)))

    async def leave(self) -> None:
        """Release what this node has under way and be no more."""
        for releasing in self._releasing.values():
            releasing.cancel()
        lives = not self._life.over
        self._life.end()  # what the store answers from now on is not begun any more: others do it
        try:
            if lives:
                await self._release(self.node)
            await self._membership.leave()
        except StoreError as error:
            logger.warning("cannot leave the other nodes: %s; they find out in a while", error)

    async def _join(self) -> None:
        asked = self._machine.elapsed()
        joined = await self._membership.join(self._name)
        self.node = joined.node
        self._watch = DeathWatch()
        self._life.renew(asked)
        self._sees([self.node])
        for node in joined.succeeds:
            await self._release(node)

    async def _join_anew(self) -> None:
        logger.warning("the other nodes took this one for dead; it forgets its attempts and joins anew")
        try:
            await self._join()
            self.rejoined += 1
        except StoreError as error:
            logger.warning("cannot join the other nodes: %s", error)
            await self._machine.sleep(LOOK_EVERY)

    async def _beat(self) -> None:
        asked, node = self._machine.elapsed(), self.node
        try:
            members = await self._membership.beat()
        except FencedError:
            self._life.end()
            return
        except StoreError as error:
            logger.warning("cannot tell the other nodes that this one lives: %s", error)
            self._watch.failed()
            return
        if self._life.over or node != self.node:
            return
        self._life.renew(asked)
        self._watch.saw(members, asked, self._machine.elapsed())
        self.members = frozenset(member.node for member in members)
        self._sees({*self._watch.heard(), node})
        for member in self._watch.dead():
            if member.node not in self._releasing:
                self._bury(member)

    def _sees(self, nodes: Iterable[int]) -> None:
        living = frozenset(nodes)
        if living != self._living:
            self._living = living
            self._ranks.clear()
            self._tell()

    def _tell(self) -> None:
        for listener in self._changed:
            listener()

    def _ranked(self, queue: QueueName | str) -> list[int]:
        known = self._ranks.get(queue)
        if known is None:
            if len(self._ranks) >= RANKS_KEPT:
                self._ranks.clear()
            known = self._ranks[queue] = ranked(queue, self._living)
        return known

    def _bury(self, member: Member) -> None:
        """Fence a dead node and release its attempts, while this one beats on."""
        burying = asyncio.get_running_loop().create_task(self._fence(member))
        self._releasing[member.node] = burying
        burying.add_done_callback(lambda _: self._releasing.pop(member.node, None))

    async def _fence(self, member: Member) -> None:
        try:
            if member.fenced or await self._membership.fence(member):
                logger.warning("node %d is dead; its attempts are due again", member.node)
                await self._release(member.node)
                self.taken_over += 1
                self._tell()
        except StoreError as error:  # it is still there at the next look, and dead
            logger.warning("cannot release the attempts of node %d: %s", member.node, error)
        except Exception:
            logger.exception("cannot release the attempts of node %d", member.node)

    async def _release(self, node: int) -> None:
        await release_attempts(self._store, node, self._clock.now(), self._shelving)

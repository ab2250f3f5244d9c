"""One of several callers of the whole API, and what it tells the history."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from tests.invariants.history import NO_ANSWER, Answered, Called, Limits
from tests.promises.messages import (
    FAR,
    PULL,
    PUSH,
    UNLIMITED,
    URL,
    limits_of,
    message_of,
    queue_name,
    seconds,
    task_name,
)
from tests.promises.server import LOCATION, Reply
from tests.simulation.beginnings import short
from tests.simulation.virtual_time import START

from tidegate.core.queue import burst_for
from tidegate.schema import v2

if TYPE_CHECKING:
    from tests.promises.cluster import Cluster


class Client:
    """One of several callers. It makes one call at a time; the network loses some requests and some answers."""

    def __init__(self, name: str, cluster: Cluster) -> None:
        self.name = name
        self._cluster = cluster
        self._dice = cluster.dice
        self._history = cluster.history
        self._server = cluster.server
        self._held: dict[str, float] = {}
        self._made: list[str] = []

    async def work(self, things: int) -> None:
        kinds = [self._create] * 8 + [self._create_many, self._remove, self._remove, self._remove_many, self._get]
        kinds += [self._list, self._run, self._run, self._lease, self._lease, self._finish, self._finish, self._set_up]
        kinds += [self._pause, self._purge] * (self._dice.random() < 0.5) + [self._remake] * (self._dice.random() < 0.2)
        for _ in range(things):
            await asyncio.sleep(self._dice.choice([0.0, 0.01, 0.5, 5.0]) * self._dice.random())
            await self._dice.choice(kinds)()

    # --- one call ---------------------------------------------------------------------------------------------------

    async def call(
        self, method: str, fields: dict[str, Any], queue: str, *, persist: bool = False, **about: Any
    ) -> Reply:
        """Make a call, several times if need be when nobody answers and the client is to ``persist``."""
        while True:
            reply = await self._once(method, fields, queue, about)
            if reply.code not in NO_ANSWER or not persist:
                return reply
            await asyncio.sleep(0.05 + self._dice.random())

    async def _once(self, method: str, fields: dict[str, Any], queue: str, about: dict[str, Any]) -> Reply:
        number = next(self._cluster.numbers)
        self._history.add(Called(self._now(), number, self.name, method, queue, **about))
        reply = await self._over_the_network("v2beta2" if queue == PULL else "v2", method, fields)
        told = self._told(method, reply, about) if reply.code == "OK" else {}
        self._history.add(Answered(self._now(), number, reply.code, **told))
        return reply

    async def _over_the_network(self, version: str, method: str, fields: dict[str, Any]) -> Reply:
        dice = self._dice
        await asyncio.sleep(dice.choice([0.0, 0.001, 0.05]) * dice.random())
        if dice.random() < self._cluster.dropping:
            await asyncio.sleep(dice.random())
            return Reply("UNAVAILABLE")
        patience = dice.choice([20.0, 20.0, 0.002, 0.05]) if self._cluster.dropping else 20.0
        reply = await self._server.answer(version, method, fields, patience)
        await asyncio.sleep(dice.choice([0.0, 0.001, 0.05]) * dice.random())
        return Reply("UNAVAILABLE") if dice.random() < self._cluster.dropping else reply

    def _told(self, method: str, reply: Reply, about: dict[str, Any]) -> dict[str, Any]:
        answer = reply.answer
        match method:
            case "create_task" | "get_task":
                return {"tasks": (short(answer.name),)}
            case "run_task":
                return {"tasks": (short(answer.name),), "attempt": answer.dispatch_count}
            case "renew_lease":
                return {"tasks": (short(answer.name),), "until": seconds(answer.schedule_time)}
            case "delete_task" | "acknowledge_task" | "cancel_lease":
                return {"tasks": about["tasks"]}
            case "batch_create_tasks":
                response = v2.BatchCreateTasksResponse.deserialize(answer.response.value)
                return {"tasks": tuple(short(task.name) for task in response.tasks)}
            case "batch_delete_tasks":
                failed = v2.BatchDeleteTasksMetadata.deserialize(answer.metadata.value).failed_requests
                return {"tasks": tuple(task for index, task in enumerate(about["tasks"]) if index not in failed)}
            case "list_tasks":
                names = tuple(short(task.name) for task in answer.tasks)
                return {"tasks": names, "last": not answer.next_page_token}
            case "lease_tasks":
                ends = {seconds(task.schedule_time) for task in answer.tasks}
                return {"tasks": tuple(short(task.name) for task in answer.tasks), "until": max(ends, default=0.0)}
            case "create_queue" | "update_queue":
                return {} if about["limits"] == UNLIMITED else {"limits": limits_of(answer)}
        return {}

    def _now(self) -> float:
        return self._server.clock.monotonic()

    # --- what clients do --------------------------------------------------------------------------------------------

    def _queue(self) -> str:
        return self._dice.choice(PUSH)

    def _name(self, queue: str) -> str:
        """A name that is the client's own; now and then one that others use, or that was used before."""
        kind = self._dice.random()
        if kind < 0.15:
            return f"{queue}/shared-{self._dice.randrange(4)}"
        used = [task for task in self._made if task.startswith(f"{queue}/")]
        if kind < 0.2 and used:
            return self._dice.choice(used)
        return f"{queue}/{self.name}-{next(self._cluster.numbers)}"

    def _some(self, queue: str | None = None) -> str | None:
        """A task that the client may know of."""
        known = [task for task in self._cluster.known if queue is None or task.startswith(f"{queue}/")]
        return self._dice.choice(known[-30:]) if known else None

    def _task(self, task: str | None, due: float, *, pull: bool = False) -> dict[str, Any]:
        message: dict[str, Any] = {"pull_message": {"payload": b"x"}} if pull else {"http_request": URL}
        if task is not None:
            message["name"] = task_name(task)
        if due > -math.inf:
            message["schedule_time"] = START + timedelta(seconds=due)
        return message

    def _due(self) -> float:
        kind = self._dice.random()
        if kind < 0.6:
            return -math.inf
        ahead = FAR if kind > 0.95 else self._dice.choice([0.0, 0.5, 15.0]) * self._dice.random()
        return round(self._server.wall() + ahead, 6)

    async def _create(self) -> None:
        queue = self._dice.choice([*PUSH, *PUSH, PULL])
        task = self._name(queue) if self._dice.random() < 0.7 else None
        due = self._due()
        fields = {"parent": queue_name(queue), "task": self._task(task, due, pull=queue == PULL)}
        names = () if task is None else (task,)
        # Who names no task and tries again makes another.
        persist = task is not None and self._dice.random() < 0.8
        reply = await self.call("create_task", fields, queue, persist=persist, tasks=names, due=due)
        self._remember([short(reply.answer.name)] if reply.code == "OK" else names)

    async def _create_many(self) -> None:
        queue, due = self._queue(), self._due()
        tasks = list(dict.fromkeys(self._name(queue) for _ in range(self._dice.randint(1, 12))))
        parent = queue_name(queue)
        requests = [{"parent": parent, "task": self._task(task, due)} for task in tasks]
        fields = {"parent": parent, "requests": requests}
        await self.call("batch_create_tasks", fields, queue, tasks=tuple(tasks), due=due)
        self._remember(tasks)

    def _remember(self, tasks: Sequence[str]) -> None:
        self._made.extend(tasks)
        self._cluster.known.extend(tasks)

    async def _remove(self) -> None:
        if (task := self._some()) is not None:
            persist = self._dice.random() < 0.7
            queue = task.split("/")[0]
            await self.call("delete_task", {"name": task_name(task)}, queue, persist=persist, tasks=(task,))

    async def _remove_many(self) -> None:
        queue = self._queue()
        tasks = tuple({task: None for task in [self._some(queue) for _ in range(5)] if task is not None})
        if tasks:
            fields = {"parent": queue_name(queue), "names": [task_name(task) for task in tasks]}
            await self.call("batch_delete_tasks", fields, queue, tasks=tasks)

    async def _get(self) -> None:
        if (task := self._some()) is not None:
            await self.call("get_task", {"name": task_name(task)}, task.split("/")[0], tasks=(task,))

    async def _list(self) -> None:
        queue = self._dice.choice([*PUSH, PULL])
        session, token = next(self._cluster.numbers), ""
        size = self._dice.choice([2, 5, 1000])
        for _ in range(30):
            fields = {"parent": queue_name(queue), "page_size": size, "page_token": token}
            reply = await self.call("list_tasks", fields, queue, session=session)
            if reply.code != "OK" or not reply.answer.next_page_token:
                return
            token = reply.answer.next_page_token

    async def _run(self) -> None:
        """Run a task, by preference one whose handler is busy with it."""
        under_way = sorted(self._server.handlers.under_way)
        task = self._dice.choice(under_way) if under_way else self._some(self._queue())
        if task is not None:
            await self.call("run_task", {"name": task_name(task)}, task.split("/")[0], tasks=(task,))

    async def _lease(self) -> None:
        duration = self._dice.choice([1, 5, 30])
        fields = {
            "parent": queue_name(PULL),
            "max_tasks": self._dice.choice([1, 3]),
            "lease_duration": timedelta(seconds=duration),
        }
        reply = await self.call("lease_tasks", fields, PULL, span=float(duration))
        if reply.code == "OK":
            self._held |= {short(task.name): seconds(task.schedule_time) for task in reply.answer.tasks}

    async def _finish(self) -> None:
        """Acknowledge, renew or give back what the client holds, or thinks that it holds."""
        if not self._held:
            return
        task = self._dice.choice(sorted(self._held))
        fields: dict[str, Any] = {
            "name": task_name(task),
            "schedule_time": START + timedelta(seconds=self._held.pop(task)),
        }
        method = self._dice.choice(["acknowledge_task", "acknowledge_task", "renew_lease", "cancel_lease"])
        about: dict[str, Any] = {"tasks": (task,)}
        if method == "renew_lease":
            fields["lease_duration"], about["span"] = timedelta(seconds=5), 5.0
        reply = await self.call(method, fields, PULL, **about)
        if method == "renew_lease" and reply.code == "OK":
            self._held[task] = seconds(reply.answer.schedule_time)

    # --- what operators do ------------------------------------------------------------------------------------------

    def _limits(self) -> Limits:
        rate = self._dice.choice([0.5, 3.0, 20.0, 500.0])
        return Limits(
            rate=rate,
            burst=burst_for(rate),
            concurrency=self._dice.choice([1, 2, 10, 1000]),
            max_attempts=self._dice.choice([1, 3, 100, -1]),
            max_retry_duration=float(self._dice.choice([0, 0, 5])),
            min_backoff=self._dice.choice([0.001, 0.1, 1.0]),
            max_backoff=float(self._dice.choice([1, 30])),
            max_doublings=self._dice.choice([1, 3, 16]),
        )

    async def set_up(self, queue: str) -> None:
        limits = self._limits()
        fields = {"queue": message_of(queue, limits), "update_mask": {"paths": ["rate_limits", "retry_config"]}}
        await self.call("update_queue", fields, queue, persist=True, limits=limits)

    async def _set_up(self) -> None:
        await self.set_up(self._queue())

    async def _pause(self) -> None:
        queue = self._queue()
        await self.call("pause_queue", {"name": queue_name(queue)}, queue, persist=True)
        await asyncio.sleep(self._dice.random() * 3)
        await self.call("resume_queue", {"name": queue_name(queue)}, queue, persist=True)

    async def _purge(self) -> None:
        queue = self._dice.choice([*PUSH, PULL])
        await self.call("purge_queue", {"name": queue_name(queue)}, queue, persist=self._dice.random() < 0.5)

    async def _remake(self) -> None:
        """Delete a queue and make it anew, as soon as its name is free again."""
        queue = self._queue()
        await self.call("delete_queue", {"name": queue_name(queue)}, queue, persist=True)
        await self.make(queue)

    async def make(self, queue: str) -> None:
        limits = UNLIMITED if queue == PULL else self._limits()
        message = {"name": queue_name(queue), "pull_target": {}} if queue == PULL else message_of(queue, limits)
        fields = {"parent": LOCATION, "queue": message}
        while True:
            reply = await self.call("create_queue", fields, queue, persist=True, limits=limits)
            if reply.code in {"OK", "ALREADY_EXISTS"}:
                return
            await asyncio.sleep(0.5)

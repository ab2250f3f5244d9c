"""Another server beside ours, by turns: ``python -m bench.compare HOST:PORT``.

The other one speaks v2 over gRPC without TLS, and need not know all of it: what it refuses is said and left out. Ours
is started on a store of its own, unless ``--our`` says where one is. Tasks that are not to be dispatched yet are due in
an hour. Dispatch is measured from the resume of a paused queue, or, where one of the two knows no pause, from the first
CreateTask, until the handler has seen the last task. The queues that were made go away at the end.
"""

from __future__ import annotations

import argparse
import contextlib
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import grpc

from bench import suite
from bench.api import Api
from bench.delete import DELETE, deletes_per_second
from bench.dispatch import resume
from bench.floor import PAGE, create_message
from bench.handler import Handler, handling
from bench.load import USUAL, Load, Shape, calls
from bench.plan import Plan
from bench.read import GET, LIST, get_message, list_message
from bench.rows import Row, beside, by_turns, number
from bench.server import fresh
from bench.table import table
from bench.tasks import create_each
from bench.tools import CannotMeasure
from tidegate.schema import v2
from tidegate.schema.rpc import Rpc

API = v2.CloudTasks
AHEAD = 3600  # seconds
WITHIN = 30.0  # seconds after which a turn of dispatches ends, done or not
THEIRS = "theirs"
HEAD = ("what", "ours", THEIRS, "ratio", "mark", "errors")


class Side:
    """One of the two servers."""

    def __init__(self, api: Api, run: str) -> None:
        self.api = api
        self._run = run
        self._queues: list[str] = []

    def queue(self) -> str:
        """A new queue: without limits worth mentioning, or with those that the server gives by itself."""
        name = f"{self._run}-{len(self._queues)}"
        try:
            made = self.api.make_queue(name)
        except grpc.RpcError as error:
            if error.code() is not grpc.StatusCode.INVALID_ARGUMENT:
                raise
            made = self.api.make_plain_queue(name)
        self._queues.append(made)
        return made

    def drop(self, queue: str) -> None:
        """Let no task of it be left, as far as the server knows how."""
        for row in (API.purge_queue, API.delete_queue):
            self.refusal(row, name=queue)

    def close(self) -> None:
        for queue in self._queues:
            self.drop(queue)
        self.api.close()

    def refusal(self, row: Rpc[Any, Any], **fields: object) -> str:
        """Why it does not answer this call; empty when it does."""
        try:
            self.api.call(row, **fields)
        except grpc.RpcError as error:
            return f"{row.rpc_name}: {error.code().name}"
        return ""

    def later(self, queue: str, count: int) -> list[str]:
        """The names of new tasks that are due in an hour."""
        return create_each(self.api, [later_message(queue)] * count)


def later_message(queue: str) -> bytes:
    """A CreateTask request for a task that is due in an hour."""
    return create_message(queue, 50, schedule_time={"seconds": int(time.time()) + AHEAD})


class Comparison:
    """Two servers, and what the second does not know. Yields rows: ours by theirs."""

    def __init__(self, ours: Side, theirs: Side, handler: Handler, plan: Plan) -> None:
        self._sides = {"ours": ours, "theirs": theirs}
        self._handler = handler
        self._plan = plan
        self.left_out: list[str] = []

    def rows(self) -> Iterator[Row]:
        for part in (self._create, self._get, self._list, self._delete, self._dispatch):
            try:
                yield from part()
            except (RuntimeError, CannotMeasure, grpc.RpcError) as error:  # the rest is worth having
                self.left_out.append(f"{part.__name__.strip('_')}: {_said(error)}")

    def _create(self) -> Iterator[Row]:
        messages = {name: later_message(side.queue()) for name, side in self._sides.items()}
        yield from self._calls("create", API.create_task, messages, (USUAL, Shape(1, 1)))

    def _get(self) -> Iterator[Row]:
        tasks = {name: side.later(side.queue(), 1)[0] for name, side in self._sides.items()}
        if self._knows(GET, lambda name: {"name": tasks[name]}):
            yield from self._calls("get", GET, {name: get_message(task) for name, task in tasks.items()})

    def _list(self) -> Iterator[Row]:
        queues = {name: side.queue() for name, side in self._sides.items()}
        for name, side in self._sides.items():
            side.later(queues[name], PAGE)
        if self._knows(LIST, lambda name: {"parent": queues[name]}):
            messages = {name: list_message(queue) for name, queue in queues.items()}
            yield from self._calls(f"list of {PAGE}", LIST, messages)

    def _delete(self) -> Iterator[Row]:
        queues = {name: side.queue() for name, side in self._sides.items()}
        probes = {name: side.later(queues[name], 1)[0] for name, side in self._sides.items()}
        if not self._knows(DELETE, lambda name: {"name": probes[name]}):
            return
        count = self._plan.pick(10_000, 2_000)
        rates = self._by_turns(
            lambda name, side: deletes_per_second(side.api, side.later(queues[name], count)),
        )
        yield beside(f"delete {USUAL}", "calls/s", rates["ours"], rates["theirs"], THEIRS)

    def _dispatch(self) -> Iterator[Row]:
        queues = {name: side.queue() for name, side in self._sides.items()}
        paused = self._knows(API.pause_queue, lambda name: {"name": queues[name]}) and self._knows(
            API.resume_queue, lambda name: {"name": queues[name]}
        )
        what = "dispatch from disk to handler" if paused else "dispatch from create to handler"
        count = self._plan.pick(20_000, 4_000)
        rates = self._by_turns(lambda _, side: self._dispatched(side, count, paused=paused))
        yield beside(what, "tasks/s", rates["ours"], rates["theirs"], THEIRS)

    def _dispatched(self, side: Side, count: int, *, paused: bool) -> float:
        """Tasks a second that reach the handler, of ``count`` or of as many as do in time."""
        queue = side.queue()
        messages = [create_message(queue, 50, url=self._handler.url)] * count
        if paused:
            side.api.call(API.pause_queue, name=queue)
            create_each(side.api, messages)
        before, begin = self._handler.requests(), time.perf_counter()
        if paused:
            resume(side.api, [queue])
        else:
            create_each(side.api, messages)
        left = max(0.0, WITHIN - (time.perf_counter() - begin))
        self._handler.await_requests(before + count, left)
        took, arrived = time.perf_counter() - begin, self._handler.requests() - before
        if arrived < count:
            side.drop(queue)  # what is left would go on through the next turn
        return arrived / took

    def _calls(
        self, what: str, row: Rpc[Any, Any], messages: dict[str, bytes], shapes: tuple[Shape, ...] = (USUAL,)
    ) -> Iterator[Row]:
        for shape in shapes:
            loads = self._by_turns(partial(self._load, row, messages, shape))
            yield calls(f"{what} {shape}", loads["ours"], loads["theirs"], THEIRS)

    def _load(self, row: Rpc[Any, Any], messages: dict[str, bytes], shape: Shape, name: str, side: Side) -> Load:
        return side.api.load(row, messages[name], seconds=self._plan.seconds, shape=shape)

    def _by_turns(self, measure: Callable[[str, Side], Any]) -> dict[str, list[Any]]:
        turns = {name: partial(measure, name, side) for name, side in self._sides.items()}
        return by_turns(self._plan.rounds, turns)

    def _knows(self, row: Rpc[Any, Any], fields: Callable[[str], dict[str, object]]) -> bool:
        """Whether both answer the call; who does not is noted."""
        refusals = {name: side.refusal(row, **fields(name)) for name, side in self._sides.items()}
        self.left_out += [f"{refusal}, says {name}" for name, refusal in refusals.items() if refusal]
        return not any(refusals.values())


def _said(error: Exception) -> str:
    return f"{error.code().name}, {error.details()}" if isinstance(error, grpc.RpcError) else str(error)


def main() -> None:
    arguments = argparse.ArgumentParser(
        prog="python -m bench.compare", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    arguments.add_argument("other", metavar="HOST:PORT", help="where the other server listens")
    arguments.add_argument("--our", metavar="HOST:PORT", help="where ours does; else one is started")
    suite.add_options(arguments)
    options = arguments.parse_args()
    plan = suite.planned(options)
    suite.end_on_sigterm()
    with contextlib.ExitStack() as stack:
        our = Api(options.our) if options.our else stack.enter_context(fresh())
        run = f"compare-{int(time.time())}"  # names of queues stay taken
        ours, theirs = (stack.enter_context(contextlib.closing(Side(api, run))) for api in (our, Api(options.other)))
        comparison = Comparison(ours, theirs, stack.enter_context(handling()), plan)
        rows = []
        for row in comparison.rows():
            print(f"  {row.what}: {number(row.figure)} to {number(row.floor or 0)} {row.unit}", file=sys.stderr)
            rows.append(row)
    print(table(rows, {}, HEAD))
    for reason in comparison.left_out:
        print(f"left out: {reason}")
    result = {"other": options.other, **suite.document(rows, plan), "left_out": comparison.left_out}
    suite.write(result, options.json)


if __name__ == "__main__":
    main()

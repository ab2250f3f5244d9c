"""The clock: what it shows, its moves, and running until nothing is left to do."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Final

from tidegate.api.operator.parts import Parts
from tidegate.api.times import put_duration, put_moment, put_span, read_duration
from tidegate.core.clock_setting import FARTHEST
from tidegate.core.errors import FailedPrecondition, InvalidArgument
from tidegate.core.names import PROJECT, QUEUE
from tidegate.core.operator_names import OperatorGate
from tidegate.core.times import Duration
from tidegate.core.validation.schedule import SCHEDULE_AHEAD_MAX
from tidegate.core.validation.spans import checked_moment, checked_span
from tidegate.engine.idle_run import IdleRuns
from tidegate.engine.time_control import ClockFace, TimeControl
from tidegate.schema.operator.clock import Clock, RunUntilIdleResponse

CLOCK: Final = "clock"
LONGEST_WAIT: Final = timedelta(seconds=60)
"""How long a call may wait; it waits so long unless it says otherwise."""
USUAL_SKIP: Final = SCHEDULE_AHEAD_MAX
"""How far a run skips unless it says otherwise: as far ahead as a task may be scheduled."""

_parent = OperatorGate("RunUntilIdleRequest.parents", (QUEUE, PROJECT))


async def get_clock(parts: Parts, request: Any, name: Any, call: Any) -> Any:
    time = parts.engine.time
    if time is not None:
        return _clock(time.face())
    now = parts.engine.clock.now()
    return _clock(ClockFace(now, now, frozen=False))


async def advance_clock(parts: Parts, request: Any, name: Any, call: Any) -> Any:
    time = _time(parts)
    move = request.WhichOneof("move")
    if move == "duration":
        by = checked_span(read_duration(request.duration), "AdvanceClockRequest.duration", FARTHEST)
        return _clock(await time.advance(by))
    if move == "to_time":
        to_time = request.to_time
        moment = checked_moment(to_time.seconds, to_time.nanos, "AdvanceClockRequest.toTime")
        return _clock(await time.advance_to(moment))
    if request.to_next_due:
        return _clock(await time.advance_to_next_due())
    raise InvalidArgument("AdvanceClockRequest must have a duration, a toTime or toNextDue.")


async def freeze_clock(parts: Parts, request: Any, name: Any, call: Any) -> Any:
    return _clock(await _time(parts).freeze())


async def reset_clock(parts: Parts, request: Any, name: Any, call: Any) -> Any:
    return _clock(await _time(parts).unfreeze())


async def run_until_idle(parts: Parts, request: Any, name: Any, call: Any) -> Any:
    parents = [_parent(parent) for parent in request.parents]
    skip, wait = USUAL_SKIP, LONGEST_WAIT
    if request.HasField("max_virtual"):
        skip = checked_span(read_duration(request.max_virtual), "RunUntilIdleRequest.maxVirtual", FARTHEST)
    if request.HasField("timeout"):
        wait = checked_span(read_duration(request.timeout), "RunUntilIdleRequest.timeout", LONGEST_WAIT)
    done = await _idle_runs(parts).run(parents, skip, wait)
    response = RunUntilIdleResponse.pb()(idle=done.idle, attempts=done.attempts, waiting_for=done.waiting_for)
    put_span(response.advanced, done.advanced)
    return response


def _time(parts: Parts) -> TimeControl:
    if parts.engine.time is None:
        raise FailedPrecondition("The clock of this server cannot be moved.")
    return parts.engine.time


def _idle_runs(parts: Parts) -> IdleRuns:
    if parts.engine.idle_runs is None:
        raise FailedPrecondition("The clock of this server cannot be moved.")
    return parts.engine.idle_runs


def _clock(face: ClockFace) -> Any:
    clock = Clock.pb()(name=CLOCK, frozen=face.frozen)
    put_moment(clock.now, face.now)
    put_moment(clock.real_time, face.real_time)
    put_duration(clock.offset, Duration.of(face.now - face.real_time))
    return clock

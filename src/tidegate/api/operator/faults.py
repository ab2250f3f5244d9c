"""Faults on purpose: made, listed, looked at, and ended."""

from __future__ import annotations

from typing import Any, Final

from google.protobuf.empty_pb2 import Empty

from tidegate.api.operator.parts import Parts
from tidegate.api.times import put_moment, put_span, read_duration
from tidegate.core import faults as core
from tidegate.core.errors import FailedPrecondition, InvalidArgument
from tidegate.core.listing import page_token, read_page_token
from tidegate.core.names import LocationName, QueueName
from tidegate.core.operator_names import FaultName
from tidegate.core.validation.fault import (
    LONGEST_SPAN,
    RETRY_AFTER,
    checked_copies,
    checked_fault,
    checked_id,
    checked_match,
    checked_status,
)
from tidegate.core.validation.paging import faults_page_size
from tidegate.core.validation.spans import checked_moment, checked_span
from tidegate.engine.faults import Faults
from tidegate.schema.operator import faults as messages

EFFECTS: Final = "effect"


async def create_fault(parts: Parts, request: Any, parent: QueueName, call: Any) -> Any:
    faults, sent = _faults(parts), request.fault
    fault_id = checked_id(request.fault_id) if request.fault_id else parts.engine.ids.etag().hex()
    match = sent.match
    until = sent.expire_time
    fault = core.Fault(
        id=fault_id,
        effect=_effect(sent),
        match=checked_match(match.task_prefix, match.url_regex, match.attempt_from, match.attempt_to),
        probability=sent.probability if sent.HasField("probability") else 1.0,
        remaining=sent.remaining if sent.HasField("remaining") else None,
        expire_time=checked_moment(until.seconds, until.nanos, "Fault.expireTime")
        if sent.HasField("expire_time")
        else None,
    )
    checked_fault(fault, parts.engine.clock.now())
    await parts.engine.queues.get(parent)
    return _message(parent, faults.add(parent, fault))


async def list_faults(parts: Parts, request: Any, parent: QueueName, call: Any) -> Any:
    """By their IDs."""
    faults, now = _faults(parts), parts.engine.clock.now()
    size = faults_page_size(request.page_size)
    after = read_page_token(request.page_token, parent, "", now)
    await parts.engine.queues.get(parent)
    left = [fault for fault in faults.list(parent) if fault.id > after]
    response = messages.ListFaultsResponse.pb()(faults=[_message(parent, fault) for fault in left[:size]])
    if len(left) > size:
        response.next_page_token = page_token(left[size - 1].id, parent, "", now)
    return response


async def get_fault(parts: Parts, request: Any, name: FaultName, call: Any) -> Any:
    return _message(name.parent, _faults(parts).get(name.parent, name.fault))


async def delete_fault(parts: Parts, request: Any, name: FaultName, call: Any) -> Any:
    _faults(parts).delete(name.parent, name.fault)
    return Empty()


async def clear_faults(parts: Parts, request: Any, parent: LocationName, call: Any) -> Any:
    return messages.ClearFaultsResponse.pb()(cleared=_faults(parts).clear(parent))


def _faults(parts: Parts) -> Faults:
    if parts.faults is None:
        raise FailedPrecondition("Attempts of this server meet no faults.")
    return parts.faults


def _effect(sent: Any) -> core.Effect:
    """What the fault of a message does."""
    match sent.WhichOneof(EFFECTS):
        case "delay":
            span = checked_span(read_duration(sent.delay.duration), "Fault.delay.duration", LONGEST_SPAN)
            return core.Delay(span)
        case "status":
            asked = None
            if sent.status.HasField("retry_after"):
                asked = checked_span(read_duration(sent.status.retry_after), "Fault.status.retryAfter", RETRY_AFTER)
            return core.StatusAnswer(checked_status(sent.status.code), asked)
        case "no_answer":
            return core.NoAnswer()
        case "hang":
            return core.Hang()
        case "drop_response":
            return core.DropResponse()
        case "duplicate":
            apart = checked_span(read_duration(sent.duplicate.spacing), "Fault.duplicate.spacing", LONGEST_SPAN)
            return core.Duplicate(checked_copies(sent.duplicate.times), apart)
        case "refuse":
            return core.Refuse()
    raise InvalidArgument(
        "Fault must say what it does: delay, status, noAnswer, hang, dropResponse, duplicate or refuse."
    )


def _message(queue: QueueName, fault: core.Fault) -> Any:
    message = messages.Fault.pb()(
        name=f"{queue}/faults/{fault.id}",
        probability=fault.probability,
        remaining=fault.remaining,
        hit_count=fault.hit_count,
    )
    match = fault.match
    if match != core.FaultMatch():
        message.match.attempt_from, message.match.attempt_to = match.attempt_from, match.attempt_to
        message.match.task_prefix = match.task_prefix
        message.match.url_regex = "" if match.url_regex is None else match.url_regex.pattern
    if fault.expire_time is not None:
        put_moment(message.expire_time, fault.expire_time)
    _write_effect(fault.effect, message)
    return message


def _write_effect(effect: core.Effect, message: Any) -> None:
    match effect:
        case core.Delay(duration):
            put_span(message.delay.duration, duration)
        case core.StatusAnswer(code, retry_after):
            message.status.code = code
            if retry_after is not None:
                put_span(message.status.retry_after, retry_after)
        case core.NoAnswer():
            message.no_answer.SetInParent()
        case core.Hang():
            message.hang.SetInParent()
        case core.DropResponse():
            message.drop_response.SetInParent()
        case core.Duplicate(times, spacing):
            message.duplicate.times = times
            put_span(message.duplicate.spacing, spacing)
        case core.Refuse():
            message.refuse.SetInParent()

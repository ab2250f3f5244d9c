"""A unary call through grpcio with less around it.

grpcio's own callable keeps a condition, a state and callbacks for each call, which only futures and streams need; that
is a sixth of what a call costs (docs/decisions/client.md). Here the same operations go to the same channel, and
whatever is not plain success is handed back to grpcio's code, so that its errors are its own. This leans on grpcio's
inside: where that looks other than known, or someone measures calls with it, grpcio's own callable is used.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import grpc

NEEDED = ("_channel", "_context", "_method", "_registered_call_handle", "_request_serializer", "_response_deserializer")

try:
    from grpc import _channel as inside
    from grpc import _observability as measuring
    from grpc._cython import cygrpc  # type: ignore[attr-defined]

    _DUE = inside._UNARY_UNARY_INITIAL_DUE
    _FLAGS = inside._InitialMetadataFlags().with_wait_for_ready(None)
    _MESSAGE = cygrpc.OperationType.receive_message
    _STATUS = cygrpc.OperationType.receive_status_on_client
    _PROPAGATE = cygrpc.PropagationConstants.GRPC_PROPAGATE_DEFAULTS
    _REST = (
        cygrpc.SendCloseFromClientOperation,
        cygrpc.ReceiveInitialMetadataOperation,
        cygrpc.ReceiveMessageOperation,
        cygrpc.ReceiveStatusOnClientOperation,
    )
    _STARTS = cygrpc.SendInitialMetadataOperation, cygrpc.SendMessageOperation
    _HELPERS = inside._handle_event, inside._determine_deadline, inside._RPCState, inside._InactiveRpcError
    KNOWN = measuring._OBSERVABILITY_PLUGIN is None
except (ImportError, AttributeError, TypeError):  # another grpcio
    KNOWN = False


def quick(method: Callable[..., Any]) -> Callable[..., Any]:
    """The same callable, quicker; itself, where that cannot be. Takes ``timeout`` and ``metadata``."""
    if not KNOWN or type(method) is not inside._UnaryUnaryMultiCallable:
        return method
    if not all(hasattr(method, name) for name in NEEDED):
        return method
    of_method: Any = method
    channel, name, context = of_method._channel, of_method._method, of_method._context
    handle, serialize, parse = (
        of_method._registered_call_handle,
        of_method._request_serializer,
        of_method._response_deserializer,
    )
    handle_event, determine_deadline, new_state, new_error = _HELPERS
    start, write = _STARTS
    close, receive_head, receive, receive_status = _REST

    def send(request: Any, timeout: float | None, metadata: Any) -> Any:
        operations = (
            start(metadata, _FLAGS),
            write(serialize(request), 0),
            close(0),
            receive_head(0),
            receive(0),
            receive_status(0),
        )
        deadline = determine_deadline(None if timeout is None else time.time() + timeout)
        batches = ((operations, None),)
        return channel.segregated_call(_PROPAGATE, name, None, deadline, metadata, None, batches, context, handle)

    def read(event: Any) -> Any:
        """The answer, in grpcio's own way: raises what it raises."""
        state = new_state(_DUE, None, None, None, None)
        state.method, state.rpc_start_time = name.decode(), time.perf_counter()
        handle_event(event, state, parse)
        if state.code is grpc.StatusCode.OK:
            return state.response
        error: Any = new_error
        raise error(state)

    def call(request: Any, timeout: float | None = None, metadata: Any = None, **options: Any) -> Any:
        if options:
            return method(request, timeout=timeout, metadata=metadata, **options)
        try:
            under_way = send(request, timeout, metadata)
        except Exception:  # nothing was sent yet: grpcio says what is wrong, or does it after all
            return method(request, timeout=timeout, metadata=metadata)
        event = under_way.next_event()
        code, payload = None, None
        for operation in event.batch_operations:
            kind = operation.type()
            if kind == _MESSAGE:
                payload = operation.message()
            elif kind == _STATUS:
                code = operation.code()
        if code != 0 or payload is None:
            return read(event)
        try:
            return parse(payload)
        except Exception:
            return read(event)

    return call

"""A unary call through grpcio with less overhead.

grpcio's own callable keeps a condition, a state and callbacks for each call, which only futures and streams need. That
is a sixth of the cost of a call (docs/decisions/client.md). Here the same operations go to the same channel, and
everything except plain success goes back to grpcio's code, so that errors are grpcio's own. This depends on internals
of grpcio: where they differ from the known ones, or calls are instrumented, grpcio's own callable is used.
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
    _send_head, _send = cygrpc.SendInitialMetadataOperation, cygrpc.SendMessageOperation
    _close, _receive_head = cygrpc.SendCloseFromClientOperation, cygrpc.ReceiveInitialMetadataOperation
    _receive, _receive_status = cygrpc.ReceiveMessageOperation, cygrpc.ReceiveStatusOnClientOperation
    _determine_deadline, _handle_event = inside._determine_deadline, inside._handle_event
    _State: Any = inside._RPCState
    _Error: Any = inside._InactiveRpcError
    KNOWN = measuring._OBSERVABILITY_PLUGIN is None
except (ImportError, AttributeError, TypeError):  # another grpcio
    KNOWN = False


def quick(method: Callable[..., Any]) -> Callable[..., Any]:
    """A faster callable in place of this one, or this one itself. Takes ``timeout`` and ``metadata``."""
    if not KNOWN or type(method) is not inside._UnaryUnaryMultiCallable:
        return method
    if not all(hasattr(method, name) for name in NEEDED):
        return method
    return QuickCallable(method)


class QuickCallable:
    """What ``quick`` makes. Futures and calls with further options are grpcio's."""

    def __init__(self, method: Any) -> None:
        self._method = method
        self._channel, self._name, self._context = method._channel, method._method, method._context
        self._handle = method._registered_call_handle
        self._serialize, self._parse = method._request_serializer, method._response_deserializer

    def __call__(self, request: Any, timeout: float | None = None, metadata: Any = None, **options: Any) -> Any:
        if options:
            return self._method(request, timeout=timeout, metadata=metadata, **options)
        try:
            operations = (
                _send_head(metadata, _FLAGS),
                _send(self._serialize(request), 0),
                _close(0),
                _receive_head(0),
                _receive(0),
                _receive_status(0),
            )
            deadline = _determine_deadline(None if timeout is None else time.time() + timeout)
            under_way = self._channel.segregated_call(
                _PROPAGATE,
                self._name,
                None,
                deadline,
                metadata,
                None,
                ((operations, None),),
                self._context,
                self._handle,
            )
        except Exception:  # nothing was sent yet: grpcio says what is wrong, or does it after all
            return self._method(request, timeout=timeout, metadata=metadata)
        event = under_way.next_event()
        code, payload = None, None
        for operation in event.batch_operations:
            kind = operation.type()
            if kind == _MESSAGE:
                payload = operation.message()
            elif kind == _STATUS:
                code = operation.code()
        if code != 0 or payload is None:
            return self._read(event)
        try:
            return self._parse(payload)
        except Exception:
            return self._read(event)

    @property
    def takes_raw(self) -> bool:
        """True: nobody reads a request on its way, unless a mock replaces the call."""
        return type(self).__call__ is _CALL

    def with_call(self, *arguments: Any, **options: Any) -> Any:
        return self._method.with_call(*arguments, **options)

    def future(self, *arguments: Any, **options: Any) -> Any:
        return self._method.future(*arguments, **options)

    def _read(self, event: Any) -> Any:
        """The answer, in grpcio's own way: raises what it raises."""
        state = _State(_DUE, None, None, None, None)
        state.method, state.rpc_start_time = self._name.decode(), time.perf_counter()
        _handle_event(event, state, self._parse)
        if state.code is grpc.StatusCode.OK:
            return state.response
        raise _Error(state)


_CALL = QuickCallable.__call__

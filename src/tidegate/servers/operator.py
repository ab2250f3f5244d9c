"""Where the operator's service answers beside unary gRPC."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from tidegate.api.operator import OperatorApi
from tidegate.api.operator.rpcs import StreamAnswer
from tidegate.api.rpcs import Answer
from tidegate.schema.rpc import Rpc
from tidegate.servers.call_counts import CallCounts
from tidegate.servers.grpc_streams import GrpcStream
from tidegate.servers.in_flight import InFlight
from tidegate.servers.mounts import Mount
from tidegate.servers.rest import RestServer
from tidegate.servers.rest.streams import StreamingRest
from tidegate.servers.streams import Streams

ROOT: Final = "/operator/v1/"


def operator_mounts(
    api: OperatorApi,
    in_flight: InFlight,
    streams: Streams,
    counts: CallCounts,
    methods: Mapping[Rpc[Any, Any], Answer] | None = None,
    grpc_streams: Mapping[Rpc[Any, Any], StreamAnswer] | None = None,
    rest_streams: Mapping[Rpc[Any, Any], StreamAnswer] | None = None,
) -> list[Mount]:
    """REST below ``/operator/v1/``, and the gRPC methods that stream. ``methods``, ``grpc_streams`` and
    ``rest_streams`` stand for those of the API itself.

    REST has a router of its own here: its verbs end no path of Cloud Tasks.
    """
    rest = StreamingRest(
        rest_streams or api.streams(), streams, RestServer(methods or api.methods(), in_flight, counts)
    )
    over_grpc = grpc_streams or api.streams()
    calls = [Mount(row.grpc_path, GrpcStream(row, answer, streams), stream=True) for row, answer in over_grpc.items()]
    return [*calls, Mount(ROOT, rest, below=True)]

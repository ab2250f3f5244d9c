"""The RPCs that Cloud Tasks shares with other Google APIs: locations and operations.

Their gRPC paths are the same in every API version, their REST paths begin with the version; so each version declares
services of its own, made of these rows.
"""

from __future__ import annotations

from google.cloud.location.locations_pb2 import (
    GetLocationRequest,
    ListLocationsRequest,
    ListLocationsResponse,
    Location,
)
from google.longrunning.operations_proto_pb2 import GetOperationRequest, Operation

from tidegate.schema.rpc import Rpc, get

LOCATIONS = "google.cloud.location.Locations"
OPERATIONS = "google.longrunning.Operations"

LISTING_IGNORES = ("extraLocationTypes",)
"""What a query for locations may say and no field of the request does."""


def list_locations(version: str) -> Rpc[ListLocationsRequest, ListLocationsResponse]:
    return Rpc(
        ListLocationsRequest,
        ListLocationsResponse,
        get("/v2/{name=projects/*}/locations", ignored=LISTING_IGNORES).at(version),
        permission="cloudtasks.locations.list",
    )


def get_location(version: str) -> Rpc[GetLocationRequest, Location]:
    return Rpc(
        GetLocationRequest,
        Location,
        get("/v2/{name=projects/*/locations/*}").at(version),
        permission="cloudtasks.locations.get",
    )


def get_operation(version: str, *, grpc: bool = True) -> Rpc[GetOperationRequest, Operation]:
    return Rpc(
        GetOperationRequest,
        Operation,
        get("/v2/{name=projects/*/locations/*/operations/*}").at(version),
        permission="cloudtasks.operations.get",
        grpc=grpc,
    )

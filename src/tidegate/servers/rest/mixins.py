"""Locations where Node's REST client asks for them: its mixin knows no API version and says ``/v1``."""

from __future__ import annotations

from typing import Any

from google.cloud.location.locations_pb2 import (
    GetLocationRequest,
    ListLocationsRequest,
    ListLocationsResponse,
    Location,
)

from tidegate.api.rpcs import Answer, Api
from tidegate.schema import v2
from tidegate.schema.mixins import LISTING_IGNORES
from tidegate.schema.rpc import Rpc, Service, get


class UnversionedLocations(Service, name="tidegate.UnversionedLocations"):
    """The two calls of the mixin, under the path of the service that first had them."""

    list_locations = Rpc(
        ListLocationsRequest,
        ListLocationsResponse,
        get("/v1/{name=projects/*}/locations", ignored=LISTING_IGNORES),
        grpc=False,
    )
    get_location = Rpc(GetLocationRequest, Location, get("/v1/{name=projects/*/locations/*}"), grpc=False)


def location_answers(api: Api) -> dict[Rpc[Any, Any], Answer]:
    """Who answers its calls, over ``api``."""
    return {
        UnversionedLocations.list_locations: api.method(v2.Locations.list_locations),
        UnversionedLocations.get_location: api.method(v2.Locations.get_location),
    }

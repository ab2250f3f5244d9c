"""Locations: any well-formed ID is one; listed are those that a project uses."""

from __future__ import annotations

from typing import Any

from google.cloud.location.locations_pb2 import ListLocationsResponse, Location

from tidegate.api.dialect import Dialect
from tidegate.core.listing import page_token, read_page_token
from tidegate.core.names import DEFAULT_LOCATION, LocationName, ProjectName
from tidegate.core.validation import locations_page_size
from tidegate.engine.engine import Engine

STEP = 200
"""Locations read at a time, each of which is a look-up."""

REGION_LABEL = "cloud.googleapis.com/region"


async def list_locations(engine: Engine, dialect: Dialect, request: Any, name: ProjectName) -> Any:
    """A page of locations. The request's filter is ignored."""
    size = locations_page_size(request.page_size)
    now = engine.clock.now()
    after = read_page_token(request.page_token, name, "", now)
    used = await engine.queues.locations(name.project)
    left = [location for location in sorted({*used, DEFAULT_LOCATION}) if location > after]
    page = left[:size]
    response = ListLocationsResponse(locations=[_location(f"{name}/locations/{location}") for location in page])
    if len(page) < len(left):
        response.next_page_token = page_token(page[-1], name, "", now)
    return response


async def get_location(engine: Engine, dialect: Dialect, request: Any, name: LocationName) -> Any:
    return _location(name)


def _location(name: str) -> Location:
    location = name.rsplit("/", 1)[1]
    return Location(name=name, location_id=location, display_name=location, labels={REGION_LABEL: location})

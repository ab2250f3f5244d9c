"""Locations and their keys."""

from __future__ import annotations

from tests.conformance.cases.tables import answered, refused
from tests.conformance.cloud import Cloud, Refusal


@answered("GetCmekConfig", "UpdateCmekConfig")
def a_location_has_a_key(cloud: Cloud) -> None:
    name = f"{cloud.location}/cmekConfig"
    assert cloud("GetCmekConfig", name=name).kms_key == ""
    key = "projects/k/locations/us-central1/keyRings/r/cryptoKeys/k"
    assert cloud("UpdateCmekConfig", cmek_config={"name": name, "kms_key": key}).kms_key == key
    assert cloud("GetCmekConfig", name=name).kms_key == key


@refused("UpdateCmekConfig")
def a_key_has_a_form(cloud: Cloud) -> None:
    refusal = cloud.refused("UpdateCmekConfig", cmek_config={"name": f"{cloud.location}/cmekConfig", "kms_key": "k"})
    assert refusal == (
        "INVALID_ARGUMENT",
        "Resource name [k] does not match any known resource name pattern.",
        [],
    )


@refused("GetCmekConfig")
def a_config_of_no_project_is_denied(cloud: Cloud) -> None:
    assert_no_project(cloud.refused("GetCmekConfig", name="projects/a_b/locations/l/cmekConfig"))


@refused("GetLocation", "ListLocations")
def a_location_of_no_project_is_denied(cloud: Cloud) -> None:
    assert_no_project(cloud.refused("GetLocation", name="projects/a_b/locations/l"))
    assert_no_project(cloud.refused("ListLocations", name="projects/a_b"))


def assert_no_project(refusal: Refusal) -> None:
    assert refusal.code == "PERMISSION_DENIED"
    assert refusal.message == "Permission denied on resource project a_b."
    kinds = [detail["@type"].rsplit(".", 1)[1] for detail in refusal.details]
    assert kinds == ["ErrorInfo", "LocalizedMessage", "Help"]


@answered("ListLocations", "GetLocation")
def a_location_is_where_queues_are(cloud: Cloud) -> None:
    cloud.create_queue()
    project = cloud.location.rsplit("/", 2)[0]
    (location,) = cloud("ListLocations", name=project).locations
    assert location.name == cloud.location
    assert location.location_id == location.display_name == "us-central1"
    assert dict(location.labels) == {"cloud.googleapis.com/region": "us-central1"}
    assert cloud("GetLocation", name=cloud.location) == location

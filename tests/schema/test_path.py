import pytest

from tidegate.schema import v2, v2beta2, v2beta3
from tidegate.schema.transcoding.path import Router, Template

ROUTER = Router(row for version in (v2, v2beta2, v2beta3) for service in version.SERVICES for row in service.rpcs)
QUEUE = "projects/p/locations/l/queues/q"


def found(verb: str, path: str) -> tuple[str, dict[str, str]] | None:
    match = ROUTER.match(verb, path)
    return match and (match.row.full_name, match.variables)


def test_a_path_names_its_row_and_its_variables() -> None:
    assert found("GET", f"/v2/{QUEUE}") == ("google.cloud.tasks.v2.CloudTasks.GetQueue", {"name": QUEUE})
    assert found("PATCH", f"/v2beta3/{QUEUE}") == (
        "google.cloud.tasks.v2beta3.CloudTasks.UpdateQueue",
        {"queue.name": QUEUE},
    )
    assert found("GET", "/v2/projects/p/locations") == (
        "google.cloud.location.Locations.ListLocations",
        {"name": "projects/p"},
    )


@pytest.mark.parametrize("version", [v2, v2beta2, v2beta3])
def test_every_binding_finds_its_own_row(version: object) -> None:
    for service in version.SERVICES:  # type: ignore[attr-defined]
        for row in service.rpcs:
            for rule in row.bindings:
                template = Template.parse(rule.path)
                path = "/" + "/".join("x" if segment == "*" else segment for segment in template.segments)
                match = ROUTER.match(rule.verb, path + (f":{template.verb}" if template.verb else ""))
                assert match is not None
                assert match.row is row
                assert match.variables.keys() == set(rule.variables)


def test_a_project_with_a_colon_is_one_segment() -> None:
    name = "projects/example.com:app/locations/l/queues/q"
    assert found("GET", f"/v2/{name}") == ("google.cloud.tasks.v2.CloudTasks.GetQueue", {"name": name})
    assert found("POST", f"/v2/{name}:pause") == ("google.cloud.tasks.v2.CloudTasks.PauseQueue", {"name": name})
    project = "projects/example.com:pause"
    assert found("GET", f"/v2/{project}/locations") == (
        "google.cloud.location.Locations.ListLocations",
        {"name": project},
    )


def test_only_a_known_verb_is_cut_off_the_last_segment() -> None:
    assert found("GET", f"/v2/{QUEUE}:oops") == (
        "google.cloud.tasks.v2.CloudTasks.GetQueue",
        {"name": f"{QUEUE}:oops"},
    )
    assert found("POST", f"/v2/{QUEUE}/tasks/a:b:run") == (
        "google.cloud.tasks.v2.CloudTasks.RunTask",
        {"name": f"{QUEUE}/tasks/a:b"},
    )


def test_segments_are_decoded_one_by_one() -> None:
    assert found("GET", "/v2/projects/p/locations/l/queues/a%2Fb%20c%3Apause") == (
        "google.cloud.tasks.v2.CloudTasks.GetQueue",
        {"name": "projects/p/locations/l/queues/a/b c:pause"},
    )


@pytest.mark.parametrize(
    ("verb", "path"),
    [
        ("GET", ""),
        ("GET", "/"),
        ("GET", "/v2"),
        ("GET", "/v3/projects/p/locations"),
        ("GET", "/v2/projects//locations"),
        ("GET", f"/v2/{QUEUE}/"),
        ("GET", f"//v2/{QUEUE}"),
        ("GET", f"/v2/{QUEUE}/tasks/"),
        ("GET", f"/v2/{QUEUE}/tasks/t/more"),
        ("GET", f"/v2/{QUEUE}:pause"),
        ("PUT", f"/v2/{QUEUE}"),
        ("get", f"/v2/{QUEUE}"),
        ("POST", f"/v2/{QUEUE}:lease"),
        ("POST", f"/v2/{QUEUE}/tasks:lease"),
        ("GET", "/v2/projects/p/locations/l/operations"),
    ],
)
def test_what_fits_no_template_finds_nothing(verb: str, path: str) -> None:
    assert found(verb, path) is None


def test_only_v2beta2_leases() -> None:
    match = ROUTER.match("POST", f"/v2beta2/{QUEUE}/tasks:lease")
    assert match is not None
    assert match.row is v2beta2.CloudTasks.lease_tasks


@pytest.mark.parametrize("verb", ["GET", "POST", "PUT", "DELETE", "PROPFIND"])
def test_a_task_is_buffered_with_any_verb(verb: str) -> None:
    assert found(verb, f"/v2/{QUEUE}/tasks:buffer") == (
        "google.cloud.tasks.v2.CloudTasks.BufferTask",
        {"queue": QUEUE},
    )
    assert found(verb, f"/v2/{QUEUE}/tasks/t:buffer") == (
        "google.cloud.tasks.v2.CloudTasks.BufferTask",
        {"queue": QUEUE, "task_id": "t"},
    )


def test_a_path_is_written_encoded_or_not_at_all() -> None:
    template = Template.parse("/v2/{name=projects/*/locations/*}:go")
    assert template.write({"name": "projects/a b:c/locations/ü"}) == "/v2/projects/a%20b:c/locations/%C3%BC:go"
    for unfit in ["", "projects/p", "projects//locations/l", "projects/p/places/l", "projects/p/locations/l/x"]:
        assert template.write({"name": unfit}) is None

from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.core.examples import LOCATION, QUEUE, TASK

from tidegate.core import names
from tidegate.core.errors import ApiError, ErrorInfo, Help, InvalidArgument, LocalizedMessage, PermissionDenied
from tidegate.core.names import (
    SHAPES,
    OperationName,
    ProjectName,
    QueueName,
    Shape,
    TaskName,
    check_queue_name,
    check_task_name,
    parse_task_name,
)
from tidegate.core.resource_gate import ResourceGate

METHOD = "google.cloud.tasks.v2.CloudTasks.GetQueue"
QUEUE_HELP = "https://cloud.google.com/tasks/docs/reference/rest/v2/projects.locations.queues#Queue.FIELDS.name"
TASK_HELP = "https://cloud.google.com/tasks/docs/reference/rest/v2/projects.locations.queues.tasks#Task.FIELDS.name"

GOOD = [
    (names.PROJECT, "projects/p"),
    (names.PROJECT, "projects/example.com:app"),
    (names.LOCATION, LOCATION),
    (names.QUEUE, QUEUE),
    (names.QUEUE, f"{LOCATION}/queues/{'Q' * 100}"),
    (names.TASK, TASK),
    (names.TASK, f"{QUEUE}/tasks/{'_' * 500}"),
    (names.OPERATION, f"{LOCATION}/operations/o"),
    (names.CMEK, f"{LOCATION}/cmekConfig"),
]


def refused(name: str, shape: Shape[Any], method: str = METHOD) -> ApiError:
    with pytest.raises(ApiError) as caught:
        ResourceGate(method, "cloudtasks.queues.get", shape)(name)
    return caught.value


@pytest.mark.parametrize(("shape", "name"), GOOD)
def test_a_good_name_passes_as_it_is(shape: Shape[Any], name: str) -> None:
    passed = ResourceGate(METHOD, None, shape)(name)
    assert passed == name
    assert type(passed) is shape.name
    assert ResourceGate(METHOD, None, shape)(name) == name


def test_names_know_their_parts() -> None:
    task = ResourceGate(METHOD, None, names.TASK)(
        "projects/example.com:app/locations/europe-west1/queues/Q-1/tasks/T_1"
    )
    assert task.task == "T_1"
    assert (task.parent.project, task.parent.location, task.parent.queue) == ("example.com:app", "europe-west1", "Q-1")
    assert task.parent.parent == "projects/example.com:app/locations/europe-west1"
    assert task.parent.task("T_1") == task
    assert QueueName.of("p", "us-central1", "q") == QUEUE
    assert ProjectName("projects/p").project == "p"
    location = ResourceGate(METHOD, None, names.LOCATION)(LOCATION)
    assert (location.project, location.location) == ("p", "us-central1")
    operation = OperationName(f"{LOCATION}/operations/o")
    assert (operation.parent, operation.operation) == (LOCATION, "o")
    cmek = ResourceGate(METHOD, None, names.CMEK)(f"{LOCATION}/cmekConfig")
    assert (cmek.project, cmek.location, cmek.parent) == ("p", "us-central1", LOCATION)


def test_shapes_are_found_by_the_patterns_of_http_rules() -> None:
    assert SHAPES["projects/*/locations/*/queues/*"] is names.QUEUE
    assert SHAPES["projects/*/locations/*/cmekConfig"] is names.CMEK
    assert len(SHAPES) == 6


@pytest.mark.parametrize("shape", SHAPES.values())
def test_an_empty_name_is_no_resource(shape: Shape[Any]) -> None:
    error = refused("", shape, "google.longrunning.Operations.GetOperation")
    assert isinstance(error, InvalidArgument)
    assert error.message == "Invalid resource field value in the request."
    assert error.details == (
        ErrorInfo(
            "RESOURCE_PROJECT_INVALID",
            "googleapis.com",
            {"method": "google.longrunning.Operations.GetOperation", "service": "cloudtasks.googleapis.com"},
        ),
    )


@pytest.mark.parametrize("shape", SHAPES.values())
@pytest.mark.parametrize("name", ["nonsense", "projects", "Projects/p", "/projects/p", " ", "queues/q", "é\n"])
def test_a_name_outside_of_projects_is_taken_for_a_project(shape: Shape[Any], name: str) -> None:
    error = refused(name, shape)
    text = f"Permission denied on resource project {name}."
    assert isinstance(error, PermissionDenied)
    assert error.message == text
    assert error.details == (
        ErrorInfo(
            "CONSUMER_INVALID",
            "googleapis.com",
            {"consumer": f"projects/{name}", "containerInfo": name, "service": "cloudtasks.googleapis.com"},
        ),
        LocalizedMessage("en-US", text),
        Help("Google developers console", "https://console.developers.google.com"),
    )


WRONG_SEGMENTS = [
    (names.PROJECT, "projects/"),
    (names.PROJECT, "projects/p/"),
    (names.PROJECT, LOCATION),
    (names.LOCATION, "projects/p"),
    (names.LOCATION, "projects//locations/l"),
    (names.LOCATION, "projects/p/locations/"),
    (names.LOCATION, "projects/p/places/l"),
    (names.LOCATION, f"{LOCATION}/queues/bad_id"),
    (names.QUEUE, LOCATION),
    (names.QUEUE, f"{QUEUE}/"),
    (names.QUEUE, f"{LOCATION}/queues/"),
    (names.QUEUE, f"{LOCATION}/Queues/q"),
    (names.QUEUE, f"{LOCATION}/operations/q"),
    (names.QUEUE, TASK),
    (names.TASK, QUEUE),
    (names.TASK, f"{QUEUE}/tasks/"),
    (names.TASK, f"{TASK}/more"),
    (names.TASK, f"{QUEUE}/jobs/bad!"),
    (names.OPERATION, f"{LOCATION}/operations"),
    (names.OPERATION, f"{LOCATION}/operations/"),
]


@pytest.mark.parametrize(("shape", "name"), WRONG_SEGMENTS)
def test_other_segments_than_the_call_needs_are_no_permission(shape: Shape[Any], name: str) -> None:
    error = refused(name, shape)
    assert isinstance(error, PermissionDenied)
    assert error.message == (
        'The principal (user or service account) lacks IAM permission "cloudtasks.queues.get" for the resource '
        f'"{name}" (or the resource may not exist).'
    )
    assert error.details == ()


@pytest.mark.parametrize(
    ("method", "shown"),
    [
        ("google.longrunning.Operations.GetOperation", "cloudtasks.operations.get"),
        ("google.cloud.tasks.v2.CloudTasks.GetIamPolicy", "cloudtasks.queues.list"),
        ("google.cloud.tasks.v2beta2.CloudTasks.SetIamPolicy", "cloudtasks.queues.list"),
        ("google.cloud.tasks.v2beta3.CloudTasks.TestIamPermissions", "cloudtasks.queues.list"),
        ("google.cloud.tasks.v2.CloudTasks.GetQueue", "cloudtasks.queues.get"),
    ],
)
def test_some_calls_show_another_permission_than_their_own(method: str, shown: str) -> None:
    assert f'"{shown}" for the resource "projects/p"' in refused("projects/p", names.QUEUE, method).message


@pytest.mark.parametrize("name", ["projects/p", f"{LOCATION}/cmekConfig/", f"{LOCATION}/other", QUEUE])
def test_the_key_calls_say_how_their_name_is_formed(name: str) -> None:
    error = refused(name, names.CMEK)
    assert isinstance(error, InvalidArgument)
    assert error.message == (
        'CMEK Config name must be formatted: "projects/<PROJECT_ID>/locations/<LOCATION_ID>/cmekConfig".'
    )
    assert error.details == ()


def queue_id_text(queue_id: str) -> str:
    return (
        f'Queue ID "{queue_id}" can contain only letters ([A-Za-z]), numbers ([0-9]), or hyphens (-). '
        "Queue ID must be between 1 and 100 characters."
    )


def task_id_text(task_id: str) -> str:
    return (
        f'Task ID "{task_id}" can contain only letters ([A-Za-z]), numbers ([0-9]), hyphens (-), or underscores (_). '
        "Task ID must between 1 and 500 characters."
    )


@pytest.mark.parametrize("queue_id", ["bad_id", "q" * 101, "q.", "ü", "q\n", "*", "-?"])
def test_a_bad_queue_id_is_explained(queue_id: str) -> None:
    bad: list[tuple[Shape[Any], str]] = [
        (names.QUEUE, f"{LOCATION}/queues/{queue_id}"),
        (names.TASK, f"{LOCATION}/queues/{queue_id}/tasks/also!"),
    ]
    for shape, name in bad:
        error = refused(name, shape)
        assert isinstance(error, InvalidArgument)
        assert error.message == queue_id_text(queue_id)
        assert error.details == (Help("Definition of queue ID", QUEUE_HELP),)


@pytest.mark.parametrize("task_id", ["t.", "t" * 501, "ü", "t\n", "t t"])
def test_a_bad_task_id_is_explained(task_id: str) -> None:
    error = refused(f"{QUEUE}/tasks/{task_id}", names.TASK)
    assert isinstance(error, InvalidArgument)
    assert error.message == task_id_text(task_id)
    assert error.details == (Help("Definition of task ID", TASK_HELP),)


def test_an_ill_formed_project_or_location_does_not_exist() -> None:
    error = refused("projects/my_project/locations/l/queues/q", names.QUEUE)
    assert isinstance(error, PermissionDenied)
    assert error.message == "Permission denied on resource project my_project."
    error = refused("projects/p/locations/US/queues/q", names.QUEUE)
    assert isinstance(error, InvalidArgument)
    assert error.message == ("Location 'US' is not a valid location. Use ListLocations to list valid locations.")


def test_an_operation_of_any_id_passes_for_it_may_only_be_unknown() -> None:
    assert ResourceGate(METHOD, None, names.OPERATION)(f"{LOCATION}/operations/a b").operation == "a b"


@given(
    st.text() | st.lists(st.sampled_from([*"pl/_é\n ", "projects", "locations", "queues", "tasks", "/"])).map("".join)
)
def test_no_string_ever_raises_anything_but_an_api_error(name: str) -> None:
    for shape in SHAPES.values():
        with suppress(ApiError):
            assert ResourceGate(METHOD, "x", shape)(name) == name
    with suppress(InvalidArgument):
        assert check_queue_name(name, LOCATION) == name
    with suppress(InvalidArgument):
        assert check_task_name(name, QUEUE) == name


@given(st.from_regex(names.QUEUE.grammar, fullmatch=True))
def test_every_name_of_the_grammar_passes(name: str) -> None:
    assert ResourceGate(METHOD, None, names.QUEUE)(name) == name


def test_remembered_names_stay_few() -> None:
    for number in range(names.CACHED_NAMES + 10):
        ResourceGate(METHOD, None, names.QUEUE)(f"{LOCATION}/queues/q{number}")
    assert names.QUEUE.known is not None
    assert len(names.QUEUE.known) <= names.CACHED_NAMES
    endless = f"projects/{'p' * 1000}/locations/l/queues/q"
    assert ResourceGate(METHOD, None, names.QUEUE)(endless) == endless
    assert endless not in names.QUEUE.known


@pytest.mark.parametrize(
    "name", ["", "q", "projects/p", f"{LOCATION}/queues/", f"{LOCATION}/tasks/q", f"{QUEUE}/", f"/{QUEUE}"]
)
def test_a_queue_to_be_made_needs_a_queues_name(name: str) -> None:
    with pytest.raises(InvalidArgument) as caught:
        check_queue_name(name, LOCATION)
    assert caught.value.message == (
        'Queue name must be formatted: "projects/<PROJECT_ID>/locations/<LOCATION_ID>/queues/<QUEUE_ID>".'
    )
    assert caught.value.details == (Help("Definition of queue name", QUEUE_HELP),)


def test_a_queue_to_be_made_needs_a_good_id() -> None:
    with pytest.raises(InvalidArgument) as caught:
        check_queue_name(f"{LOCATION}/queues/my_queue", LOCATION)
    assert caught.value.message == queue_id_text("my_queue")
    assert caught.value.details == (Help("Definition of queue ID", QUEUE_HELP),)


@pytest.mark.parametrize(
    "name",
    [
        "projects/other/locations/us-central1/queues/q",
        "projects/p/locations/us-central12/queues/q",
        "projects/p/locations/US/queues/q",
        "projects/under_score/locations/us-central1/queues/q",
    ],
)
def test_a_queue_is_made_under_its_parent(name: str) -> None:
    with pytest.raises(InvalidArgument) as caught:
        check_queue_name(name, LOCATION)
    assert caught.value.message == f"{name} must begin with {LOCATION}."
    assert caught.value.details == ()


def test_a_good_queue_name_is_taken() -> None:
    assert check_queue_name(QUEUE, LOCATION) == QUEUE
    assert isinstance(check_queue_name(str(QUEUE), LOCATION), QueueName)


@pytest.mark.parametrize("name", ["t", QUEUE, f"{QUEUE}/tasks/", f"{QUEUE}/tasks/t/", f"{QUEUE}/jobs/t"])
def test_a_named_task_needs_a_tasks_name(name: str) -> None:
    with pytest.raises(InvalidArgument) as caught:
        check_task_name(name, QUEUE)
    assert caught.value.message == (
        "Task name must be formatted: "
        '"projects/<PROJECT_ID>/locations/<LOCATION_ID>/queues/<QUEUE_ID>/tasks/<TASK_ID>".'
    )
    assert caught.value.details == (Help("Definition of task name", TASK_HELP),)


def test_a_named_task_needs_good_ids() -> None:
    with pytest.raises(InvalidArgument) as caught:
        check_task_name(f"{QUEUE}/tasks/a.b", QUEUE)
    assert caught.value.message == task_id_text("a.b")
    assert caught.value.details == (Help("Definition of task ID", TASK_HELP),)
    with pytest.raises(InvalidArgument) as caught:
        check_task_name(f"{LOCATION}/queues/a.b/tasks/t", QUEUE)
    assert caught.value.message == queue_id_text("a.b")


@pytest.mark.parametrize(
    "other", [f"{LOCATION}/queues/other", f"{QUEUE}q", "projects/my_project/locations/us-central1/queues/q"]
)
def test_a_named_task_belongs_to_its_queue(other: str) -> None:
    with pytest.raises(InvalidArgument) as caught:
        check_task_name(f"{other}/tasks/t", QUEUE)
    assert caught.value.message == (
        f"The queue name from request ('{QUEUE}') must be the same as the queue name in the named task ('{other}')."
    )
    assert caught.value.details == ()


def test_a_good_task_name_is_taken() -> None:
    assert check_task_name(str(TASK), QUEUE) == TASK
    assert isinstance(check_task_name(str(TASK), QUEUE), TaskName)
    assert parse_task_name(f"{LOCATION}/queues/other/tasks/t").parent == f"{LOCATION}/queues/other"

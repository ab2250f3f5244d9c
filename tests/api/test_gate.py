"""Every call looks first at the name it is routed by: one table, walked for every row of the schema."""

from typing import Any

import pytest
from tests.api.conftest import LOCATION, QUEUE, TASK

from tidegate.api.rpcs import DIALECTS, Api
from tidegate.core.errors import ErrorInfo, Help, InvalidArgument, LocalizedMessage, PermissionDenied

ROWS = [row for dialect in DIALECTS for service in dialect.services for row in service.rpcs if row.routing_field]
SHORT = "projects/p"
LONG = f"{TASK}/and/more"


def routed_by(row, name):
    """A request that says nothing but where it goes."""
    request = row.request_pb()
    *parents, field = row.routing_field.split(".")
    message = request
    for parent in parents:
        message = getattr(message, parent)
    setattr(message, field, name)
    return request


@pytest.fixture
def answer(engine):
    api = Api(engine)

    async def answer(row, name):
        return await api.method(row)(routed_by(row, name))

    return answer


def every_row(rows: Any = ROWS) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("row", rows, ids=lambda row: row.full_name)


@every_row()
async def test_an_empty_name_is_no_resource(answer, row) -> None:
    with pytest.raises(InvalidArgument) as refused:
        await answer(row, "")
    assert refused.value.message == "Invalid resource field value in the request."
    metadata = {"method": row.full_name, "service": "cloudtasks.googleapis.com"}
    assert refused.value.details == (ErrorInfo("RESOURCE_PROJECT_INVALID", "googleapis.com", metadata),)


@every_row()
async def test_a_name_without_a_project_is_denied(answer, row) -> None:
    with pytest.raises(PermissionDenied) as refused:
        await answer(row, "nonsense")
    text = "Permission denied on resource project nonsense."
    assert refused.value.message == text
    info, localized, help_ = refused.value.details
    assert info == ErrorInfo(
        "CONSUMER_INVALID",
        "googleapis.com",
        {"consumer": "projects/nonsense", "containerInfo": "nonsense", "service": "cloudtasks.googleapis.com"},
    )
    assert localized == LocalizedMessage("en-US", text)
    assert help_ == Help("Google developers console", "https://console.developers.google.com")


def shown_permission(row):
    if row.name.endswith(("iam_policy", "iam_permissions")):
        return "cloudtasks.queues.list"
    return "cloudtasks.operations.get" if row.name == "get_operation" else row.permission


@every_row([row for row in ROWS if "cmek" not in row.name])
@pytest.mark.parametrize("name", ["projects/p/bogus/l", LONG, "projects//locations/l", f"{LOCATION}/queues//tasks/t"])
async def test_other_segments_are_denied(answer, row, name) -> None:
    with pytest.raises(PermissionDenied) as refused:
        await answer(row, name)
    assert refused.value.message == (
        f'The principal (user or service account) lacks IAM permission "{shown_permission(row)}" for the resource '
        f'"{name}" (or the resource may not exist).'
    )
    assert refused.value.details == ()


@every_row([row for row in ROWS if "cmek" in row.name])
@pytest.mark.parametrize("name", ["projects/p/bogus/l", LOCATION, LONG])
async def test_cmek_configs_have_a_form_of_their_own(answer, row, name) -> None:
    with pytest.raises(InvalidArgument) as refused:
        await answer(row, name)
    assert refused.value.message == (
        'CMEK Config name must be formatted: "projects/<PROJECT_ID>/locations/<LOCATION_ID>/cmekConfig".'
    )


def routed_by_kind(*ends):
    return [row for row in ROWS if row.http and row.http.path.split("}")[0].endswith(ends)]


@every_row(routed_by_kind("queues/*"))
async def test_a_bad_queue_id_is_named(answer, row) -> None:
    with pytest.raises(InvalidArgument, match='Queue ID "a_b" can contain only letters'):
        await answer(row, f"{LOCATION}/queues/a_b")


@every_row(routed_by_kind("tasks/*"))
@pytest.mark.parametrize("task", ["a.b", "x" * 501])
async def test_a_bad_task_id_is_named(answer, row, task) -> None:
    with pytest.raises(InvalidArgument, match=f'Task ID "{task}" can contain only letters'):
        await answer(row, f"{QUEUE}/tasks/{task}")

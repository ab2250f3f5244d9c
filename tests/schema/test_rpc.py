from google.protobuf.empty_pb2 import Empty

from tidegate.schema import v2
from tidegate.schema.rpc import Rpc, Service, get


def test_a_row_learns_its_names_from_its_service() -> None:
    row = v2.CloudTasks.create_task
    assert row.name == "create_task"
    assert row.rpc_name == "CreateTask"
    assert row.full_name == "google.cloud.tasks.v2.CloudTasks.CreateTask"
    assert row.grpc_path == "/google.cloud.tasks.v2.CloudTasks/CreateTask"


def test_a_service_keeps_its_rows_in_order() -> None:
    class Letters(Service, name="example.Letters"):
        read_b = Rpc(Empty, Empty)
        read_a = Rpc(Empty, Empty)

    assert [row.rpc_name for row in Letters.rpcs] == ["ReadB", "ReadA"]
    assert Letters.rpcs[0] is Letters.read_b


def test_the_routing_field_is_the_variable_of_the_path() -> None:
    assert v2.CloudTasks.create_task.routing_field == "parent"
    assert v2.CloudTasks.update_queue.routing_field == "queue.name"
    assert Rpc(Empty, Empty, get("/fixed")).routing_field is None
    assert Rpc(Empty, Empty).routing_field is None


def test_the_raw_classes_are_those_beneath_the_wrappers() -> None:
    row = v2.CloudTasks.create_task
    assert row.request_pb is v2.CreateTaskRequest.pb()
    assert row.response_pb is v2.Task.pb()
    assert v2.CloudTasks.delete_task.response_pb is Empty
    assert v2.CloudTasks.delete_task.answers_nothing


def test_what_only_rest_serves_has_every_binding_but_no_grpc_method() -> None:
    row = v2.CloudTasks.buffer_task
    assert not row.grpc
    assert [rule.path.rpartition("/")[2] for rule in row.bindings] == ["{task_id}:buffer", "tasks:buffer"]
    assert row.bindings[0].variables == ("queue", "task_id")


def test_a_long_running_row_knows_what_its_operation_will_hold() -> None:
    held = v2.CloudTasks.batch_create_tasks.long_running
    assert held is not None
    assert held.response is v2.BatchCreateTasksResponse
    assert held.metadata is v2.BatchCreateTasksMetadata

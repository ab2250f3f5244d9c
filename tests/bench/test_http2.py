"""The bench's own HTTP/2 client, against a real server."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from bench.floor import create_message
from bench.server import Server, scratch, serving
from bench.tasks import create_each, fill, make

from tidegate.schema import v2

DELETE = v2.CloudTasks.delete_task


@pytest.fixture
def server() -> Iterator[Server]:
    with scratch() as folder, serving(Path(folder) / "tidegate.db") as running:
        yield running


def listed(server: Server, queue: str) -> list[str]:
    return [task.name for task in server.call(v2.CloudTasks.list_tasks, parent=queue).tasks]


def test_each_call_has_its_own_message_and_its_own_answer(server: Server) -> None:
    queue = server.make_queue("q", paused=True)
    names = [f"{queue}/tasks/t{number}" for number in range(100)]
    assert create_each(server, [create_message(queue, 20_000, name=name) for name in names]) == names
    make(server, DELETE, [DELETE.request_pb(name=name).SerializeToString() for name in names[1:]])
    assert listed(server, queue) == names[:1]


def test_a_call_that_is_refused_ends_the_run(server: Server) -> None:
    queue = server.make_queue("q", paused=True)
    with pytest.raises(RuntimeError, match="5: "):
        make(server, DELETE, [DELETE.request_pb(name=f"{queue}/tasks/none").SerializeToString()])


def test_queues_are_filled_with_as_many_tasks_as_asked_for(server: Server) -> None:
    queues = [server.make_queue(name, paused=True) for name in ("a", "b")]
    fill(server, queues, 230)
    assert [len(listed(server, queue)) for queue in queues] == [230, 230]

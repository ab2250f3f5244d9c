import pytest

from tidegate.core.errors import InvalidArgument
from tidegate.core.validation import queues_page_size, tasks_page_size


@pytest.mark.parametrize(
    ("sent", "queues", "tasks"), [(0, 9800, 1000), (1, 1, 1), (5000, 5000, 1000), (10**6, 9800, 1000)]
)
def test_a_page_holds_what_was_asked_up_to_a_cap(sent: int, queues: int, tasks: int) -> None:
    assert (queues_page_size(sent), tasks_page_size(sent)) == (queues, tasks)


def test_a_page_of_less_than_nothing_is_refused() -> None:
    with pytest.raises(InvalidArgument, match=r"^ListQueuesRequest\.pageSize cannot be negative\.$"):
        queues_page_size(-1)
    with pytest.raises(InvalidArgument, match=r"^ListTasksRequest\.pageSize cannot be negative\.$"):
        tasks_page_size(-1)

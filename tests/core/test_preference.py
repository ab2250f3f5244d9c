"""Who sees to a queue first."""

from __future__ import annotations

from collections import Counter

from tidegate.core.names import QueueName
from tidegate.core.preference import ranked

QUEUES = [QueueName.of("p", "l", f"q{number}") for number in range(3000)]


def test_all_nodes_come_to_the_same_order() -> None:
    assert all(ranked(queue, [1, 2, 3]) == ranked(queue, (3, 1, 2)) for queue in QUEUES[:50])


def test_each_node_sees_to_about_as_many_queues() -> None:
    firsts = Counter(ranked(queue, [7, 8, 9])[0] for queue in QUEUES)
    assert all(900 < firsts[node] < 1100 for node in (7, 8, 9))


def test_a_node_that_goes_leaves_the_other_queues_where_they_are() -> None:
    before = {queue: ranked(queue, [1, 2, 3]) for queue in QUEUES}
    for queue, order in before.items():
        assert ranked(queue, [1, 3]) == [node for node in order if node != 2]

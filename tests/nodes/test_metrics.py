"""What the metrics of three nodes say while one of them is killed and another stands still, and which alerts fire."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from pathlib import Path
from urllib.request import urlopen

import pytest
from prometheus_client.parser import text_string_to_metric_families
from tests.endtoend.waiting import eventually
from tests.kit.postgres_server import postgres_server
from tests.nodes.trio import Node, Trio, trio
from tests.observers.metrics.test_deploy import firing, prometheus, scraping

pytestmark = pytest.mark.timeout(240)


@pytest.fixture
def three(tmp_path: Path) -> Iterator[Trio]:
    with (
        postgres_server() as database,
        trio(tmp_path, database, database.url, schema=f"t{secrets.token_hex(4)}") as three,
    ):
        yield three


def figure(node: Node, name: str) -> float:
    with urlopen(f"http://127.0.0.1:{node.port}/metrics", timeout=60) as answer:
        page = answer.read().decode()
    values = {sample.name: sample.value for each in text_string_to_metric_families(page) for sample in each.samples}
    return values[name]


@prometheus
def test_nodes_that_are_killed_or_stand_still_are_counted_and_alerted_of(three: Trio, tmp_path: Path) -> None:
    first, second, third = three.nodes

    def living(*nodes: Node) -> list[float]:
        return [figure(node, "tidegate_nodes") for node in nodes]

    def take_overs(*nodes: Node) -> float:
        return sum(figure(node, "tidegate_node_take_overs_total") for node in nodes)

    eventually("all three see each other", lambda: living(*three.nodes) == [3, 3, 3])
    assert take_overs(*three.nodes) == 0
    folder = tmp_path / "prometheus"
    folder.mkdir()
    with scraping([f"127.0.0.1:{node.port}" for node in three.nodes], folder) as url:
        eventually("a scrape has seen that nothing was taken over", lambda: _scraped(url) == 3)
        third.kill()
        eventually("the others see two", lambda: living(first, second) == [2, 2])
        eventually("one of them took over", lambda: take_overs(first, second) == 1)
        wanted = {"TidegateNodeLost", "TidegateDown"}
        eventually("the alerts fire", lambda: wanted <= firing(url))
    before = take_overs(first)
    second.freeze()
    try:
        eventually("the last one sees itself alone", lambda: living(first) == [1])
        eventually("and takes over", lambda: take_overs(first) == before + 1)
    finally:
        second.go_on()
    eventually("it joins anew", lambda: figure(second, "tidegate_node_rejoins_total") == 1)
    eventually("they see each other", lambda: living(first, second) == [2, 2])


def _scraped(url: str) -> int:
    """How many nodes Prometheus has take-overs of."""
    with urlopen(f"{url}/api/v1/query?query=count(tidegate_node_take_overs_total)", timeout=10) as answer:
        found = answer.read().decode()
    return int(found.rpartition('"')[0].rpartition('"')[2]) if '"value"' in found else 0

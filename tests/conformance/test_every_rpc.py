"""Each RPC of each version, each way: answered and refused. An RPC without both cases fails here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from tests.conformance.cases import ANSWERED, REFUSED, Case
from tests.conformance.cloud import ROWS, Cloud, Wire
from tests.conformance.conftest import PROJECTS, SERVED

EVERY_RPC = [
    (way, version, rpc)
    for way in SERVED
    for version, rows in ROWS.items()
    for rpc, row in rows.items()
    if (row.grpc if way == "grpc" else row.http)
]


def walked(table: dict[str, list[Case]]) -> list[Any]:
    """The cases of a table for every RPC; for one without any, a case that fails."""
    return [
        pytest.param(way, version, rpc, case, id=f"{way}-{version}-{rpc}-{case.__name__}")
        for way, version, rpc in EVERY_RPC
        for case in table.get(rpc) or [_missing]
    ]


def _missing(cloud: Cloud) -> None:
    pytest.fail("nothing is said about this RPC in cases.py")


def outcomes_of(case: Case, wire: Wire, version: str) -> set[tuple[str, str]]:
    """What the calls of a case came to, in a project of its own."""
    cloud = Cloud(wire, version, f"project-{next(PROJECTS)}")
    case(cloud)
    return cloud.outcomes


@pytest.mark.parametrize(("way", "version", "rpc", "case"), walked(ANSWERED))
def test_it_is_answered(wires: Mapping[str, Wire], way: str, version: str, rpc: str, case: Case) -> None:
    assert (rpc, "OK") in outcomes_of(case, wires[way], version)


@pytest.mark.parametrize(("way", "version", "rpc", "case"), walked(REFUSED))
def test_it_is_refused(wires: Mapping[str, Wire], way: str, version: str, rpc: str, case: Case) -> None:
    refused = {name for name, code in outcomes_of(case, wires[way], version) if code != "OK"}
    assert rpc in refused

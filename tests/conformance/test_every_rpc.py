"""Each RPC of each version, each way: answered and refused. An RPC without both cases fails here."""

from __future__ import annotations

from typing import Any

import pytest
from tests.conformance.cases import ANSWERED, REFUSED, Case
from tests.conformance.cloud import ROWS, Cloud, Wire
from tests.conformance.conftest import PROJECTS

OVER_GRPC = [(version, rpc) for version, rows in ROWS.items() for rpc, row in rows.items() if row.grpc]


def walked(table: dict[str, list[Case]]) -> list[Any]:
    """The cases of a table for every RPC; for one without any, a case that fails."""
    return [
        pytest.param(version, rpc, case, id=f"{version}-{rpc}-{case.__name__}")
        for version, rpc in OVER_GRPC
        for case in table.get(rpc) or [_missing]
    ]


def _missing(cloud: Cloud) -> None:
    pytest.fail("nothing is said about this RPC in cases.py")


@pytest.mark.parametrize(("version", "rpc", "case"), walked(ANSWERED))
def test_it_is_answered(wire: Wire, version: str, rpc: str, case: Case) -> None:
    cloud = Cloud(wire, version, f"project-{next(PROJECTS)}")
    case(cloud)
    assert (rpc, "OK") in cloud.outcomes


@pytest.mark.parametrize(("version", "rpc", "case"), walked(REFUSED))
def test_it_is_refused(wire: Wire, version: str, rpc: str, case: Case) -> None:
    cloud = Cloud(wire, version, f"project-{next(PROJECTS)}")
    case(cloud)
    assert any(name == rpc and code != "OK" for name, code in cloud.outcomes)

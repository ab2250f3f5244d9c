from __future__ import annotations

from collections.abc import Iterator

import pytest
from tests.client.recorder import GrpcRecorder, RestRecorder, Script

from tidegate.client.emulator import VARIABLE


@pytest.fixture(autouse=True)
def _no_emulator(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)


@pytest.fixture
def script() -> Script:
    return Script()


@pytest.fixture
def grpc_server(script: Script) -> Iterator[GrpcRecorder]:
    recorder = GrpcRecorder(script)
    yield recorder
    recorder.stop()


@pytest.fixture
def rest_server(script: Script) -> Iterator[RestRecorder]:
    recorder = RestRecorder(script)
    yield recorder
    recorder.stop()

"""What is off costs nothing, and what is missing is said once."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tidegate.observers.metrics.counts import Counts
from tidegate.servers.address import Address
from tidegate.tracing import tracing_as_asked

SERVER = """
import sys
from pathlib import Path
from tidegate.app import Application
from tidegate.servers.address import Address
from tidegate.settings import Settings
from tidegate.settings.stores import SqliteUrl
from tidegate.tracing import tracing_as_asked
import asyncio

async def main():
    settings = Settings(store=SqliteUrl(":memory:"))
    server = Application(settings, Address("127.0.0.1", "127.0.0.1", 1), make_tracing=tracing_as_asked)
    await server.asgi.start()
    assert not [name for name in sys.modules if name.startswith(("opentelemetry.sdk", "opentelemetry.exporter"))]
    assert not [name for name in sys.modules if name.startswith("tidegate.observers.traces.") and "asked" not in name]
    await server.asgi.leave()
    await server.asgi.stop()

asyncio.run(main())
"""


def test_a_server_without_traces_imports_nothing_of_them(tmp_path: Path) -> None:
    done = subprocess.run([sys.executable, "-c", SERVER], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_where_the_extra_is_missing_a_line_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setitem(sys.modules, "tidegate.observers.traces.export", None)
    assert tracing_as_asked(Address("127.0.0.1", "127.0.0.1", 1), Counts()) is None
    assert "pip install 'tidegate[otel]'" in caplog.text

"""The tool: its benchmarks, its JSON, and a run of the one that needs no other program."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from bench.plan import QUICK
from bench.rows import Row

from bench import suite, tools

ROOT = Path(__file__).parents[2]


def test_each_module_that_measures_is_in_the_list() -> None:
    modules = {path.stem for path in (ROOT / "bench").glob("*.py") if "\ndef measure(" in path.read_text()}
    assert modules == set(suite.NAMES)


def test_the_json_holds_machine_versions_commit_and_rows_with_their_marks() -> None:
    marked = Row("create 4 x 32, 50 B", 30_000, "calls/s", 50_000, "empty handler", 0.6, details={"p50_ms": 4.1})
    found = json.loads(json.dumps(suite.document([marked, Row("startup", 0.5, "s")], QUICK), allow_nan=False))
    assert {"tidegate", "python", "h2corn", "pyreqwest", "apsw", "sqlite", "protobuf"} <= set(found["versions"])
    assert all(found["versions"].values())
    assert {"cores", "processor"} <= set(found["machine"])
    first, second = found["rows"]
    assert (first["mark"], first["holds"]) == ({"least": 0.56, "by_floor": True}, True)
    assert first["details"] == {"p50_ms": 4.1}
    assert (second["mark"], second["holds"]) == (None, None)


def test_marks_without_a_row_are_named() -> None:
    assert suite.unmeasured([Row("idle with 10,000 queues", 1, "%")], ["idle"]) == [
        "idle with 10,000 queues, 10 tasks/s"
    ]


def test_a_program_that_is_missing_is_one_line_with_the_cure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.which", lambda *_, **__: None)
    with pytest.raises(tools.CannotMeasure, match=r"^h2load is missing: apt-get install nghttp2-client$"):
        tools.program("h2load")


def test_a_run_prints_a_table_and_writes_its_json(tmp_path: Path) -> None:
    file = tmp_path / "bench.json"
    command = [sys.executable, "-m", "bench", "startup", "--quick", "--rounds", "1", "--json", str(file)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("what")
    (row,) = json.loads(file.read_text())["rows"]
    assert row["what"] == "startup on an empty store"
    assert row["ratio"] > 0

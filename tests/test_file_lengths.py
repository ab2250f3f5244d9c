"""A file holds one idea, so it stays short; rows of the schema and written faces are as long as the API."""

from pathlib import Path

SOURCES = Path(__file__).parent.parent / "src/tidegate"
LINES_MAX = 350
AS_LONG_AS_THE_API = (
    "schema/*/cloudtasks.py",
    "schema/operator/service.py",
    "tasks_v2*/services/cloud_tasks/*client.py",
    "operator_v1/*client.py",
)
"""Where each RPC has its row, and where ``make faces`` writes a method for each row."""
TEXTS = {".css", ".html", ".js", ".py", ".sql"}


def too_long(root: Path) -> set[str]:
    """The files below ``root``, a folder like ``src/tidegate``, that have more lines than a file may have."""
    spared = {path for pattern in AS_LONG_AS_THE_API for path in root.glob(pattern)}
    ours = {path for path in root.rglob("*") if path.suffix in TEXTS} - spared
    return {str(path.relative_to(root)) for path in ours if len(path.read_text().splitlines()) > LINES_MAX}


def test_no_file_of_ours_is_long() -> None:
    assert too_long(SOURCES) == set()


def test_a_long_file_is_found_wherever_it_is(tmp_path: Path) -> None:
    for name in ("app.py", "storage/postgres/store.py", "console/static/console.js", "schema/v2/cloudtasks.py"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("\n" * (LINES_MAX + 1))
    (tmp_path / "clock.py").write_text("\n" * LINES_MAX)
    assert too_long(tmp_path) == {"app.py", "storage/postgres/store.py", "console/static/console.js"}

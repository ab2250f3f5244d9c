"""A file holds one idea, so it stays short; rows of the schema and written faces are as long as the API."""

from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
OURS = ("src/tidegate", "tests", "bench", "website", "release")
LINES_MAX = 350
AS_LONG_AS_THE_API = (
    "src/tidegate/schema/*/cloudtasks.py",
    "src/tidegate/schema/operator/service.py",
    "src/tidegate/tasks_v2*/services/cloud_tasks/*client.py",
    "src/tidegate/operator_v1/*client.py",
)
"""Where each RPC has its row, and where ``make faces`` writes a method for each row."""
OF_OTHERS = ("src/tidegate/console/static/vendor/**/*", "tests/browser/vendor/**/*")
TEXTS = {".css", ".html", ".js", ".py", ".sql"}


def too_long(root: Path, folder: str) -> set[str]:
    """The files of a folder below ``root`` that have more lines than a file may have."""
    spared = {path for pattern in AS_LONG_AS_THE_API + OF_OTHERS for path in root.glob(pattern)}
    texts = {path for path in (root / folder).rglob("*") if path.suffix in TEXTS} - spared
    return {str(path.relative_to(root)) for path in texts if len(path.read_text().splitlines()) > LINES_MAX}


@pytest.mark.parametrize("folder", OURS)
def test_no_file_of_ours_is_long(folder: str) -> None:
    assert too_long(ROOT, folder) == set()


def test_a_long_file_is_found_wherever_it_is(tmp_path: Path) -> None:
    long = {"app.py", "storage/postgres/store.py", "console/static/console.js"}
    for name in (*long, "schema/v2/cloudtasks.py"):
        path = tmp_path / "src/tidegate" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("\n" * (LINES_MAX + 1))
    (tmp_path / "src/tidegate/clock.py").write_text("\n" * LINES_MAX)
    assert too_long(tmp_path, "src/tidegate") == {f"src/tidegate/{name}" for name in long}

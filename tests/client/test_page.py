"""What docs/client.md shows runs as it stands there."""

from __future__ import annotations

from pathlib import Path

from tests.cli.serving import served
from tests.test_docs import ROOT, blocks, run

SNIPPETS = {"docs/client.md python": "run, each against a server"}


def test_the_snippets_of_the_client_page_work(tmp_path: Path) -> None:
    with served("--store", "sqlite://:memory:", directory=tmp_path) as address:
        printed = [run(snippet, address) for snippet in blocks(ROOT / "docs/client.md", "python")]
    assert len(printed) == 2
    assert printed[0].startswith("projects/demo/locations/here/queues/reminders/tasks/")

"""What the guides for operators have people type, typed."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from tests.cli.serving import served
from tests.dependencies.locks import ROOT
from tests.snippets.shell import free_port, shell

SNIPPETS = {
    "docs/drills.md sh 1 2 3": "typed, each into a folder of its own",
    "docs/upgrading.md sh 1 2 3": "typed: the copy is sound, and what waits gets into another server",
}


DOCS = ROOT / "docs"
SH = re.compile(r"^```sh\n(.*?)^```$", re.MULTILINE | re.DOTALL)
DRILLS = SH.findall((DOCS / "drills.md").read_text())


@pytest.mark.parametrize("drill", DRILLS, ids=["killed", "disk gone", "two servers"])
def test_a_drill_goes_as_it_says(drill: str, tmp_path: Path) -> None:
    shell(drill, tmp_path, free_port())


def test_an_upgrade_begins_with_a_sound_copy_and_what_waits_can_be_taken_out(tmp_path: Path) -> None:
    copy, out, back = SH.findall((DOCS / "upgrading.md").read_text())
    queue = "projects/p/locations/l/queues/mail"
    place = {"TIDEGATE_PROJECT": "p", "TIDEGATE_LOCATION": "l"}
    with served("--store", "sqlite:///tidegate.db", "--queue", queue, directory=tmp_path) as address:
        port = int(address.rpartition(":")[2])
        assert "is sound" in shell(copy, tmp_path, port)
        shell(out, tmp_path, port, place)
    assert queue in (tmp_path / "waiting.ndjson").read_text()
    with served("--store", "sqlite://:memory:", directory=tmp_path) as address:
        port = int(address.rpartition(":")[2])
        shell(back, tmp_path, port, place)
        assert shell("tidegate queues list --format 'value(name)'", tmp_path, port, place) == "mail\n"

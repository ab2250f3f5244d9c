"""``tidegate backup`` as it is typed, and the page about it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from urllib.request import urlopen

import pytest
from tests.cli.running import run
from tests.cli.serving import environment, served

PAGE = Path(__file__).parents[2] / "docs/backup.md"
SNIPPETS = {"docs/backup.md sh 1 2": "typed, with places of the test and without systemd"}

QUEUE = "projects/p/locations/here/queues/mail"
SH = re.compile(r"^```sh\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("TIDEGATE_STORE", raising=False)


@pytest.mark.parametrize(
    ("store", "says"),
    [
        ("sqlite://:memory:", "sqlite://:memory: keeps nothing that could be copied"),
        ("postgresql://db/x", "a store on PostgreSQL is copied by its own tools: pg_dump"),
        ("sqlite:///none.db", "there is no store at none.db\n"),
    ],
)
def test_a_store_that_cannot_be_copied_is_refused_in_one_line(store: str, says: str) -> None:
    done = run("backup", "copy.db", "--store", store)
    assert (done.exit_code, done.stderr.count("\n")) == (1, 1)
    assert says in done.stderr


def test_the_page_backs_up_a_running_server_and_restores_it(tmp_path: Path) -> None:
    home, backups = tmp_path / "home", tmp_path / "backups"
    home.mkdir()
    backups.mkdir()
    make, restore = (here(text, home, backups) for text in SH.findall(PAGE.read_text())[:2])

    with served("--store", f"sqlite:///{home}/tidegate.db", "--queue", QUEUE, directory=tmp_path) as address:
        urlopen(f"http://{address}/oauth2/v3/certs", timeout=30).close()  # which makes the keys
        said = shell(make)
    (copy,) = backups.glob("*.db")
    assert "1 queues and 0 tasks" in said
    assert f"are in {copy}, and its signing keys in {copy}-keys.json" in said

    shell(restore.replace("chosen", copy.stem))
    assert (tmp_path / "home.before/tidegate.db").exists()
    keys = [(place / "tidegate.db-keys.json").read_text() for place in (home, tmp_path / "home.before")]
    assert keys[0] == keys[1]
    with (
        served("--store", f"sqlite:///{home}/tidegate.db", directory=tmp_path) as address,
        urlopen(f"http://{address}/v2/{QUEUE}", timeout=30) as answer,
    ):
        assert QUEUE in answer.read().decode()


def here(text: str, home: Path, backups: Path) -> str:
    """The commands with the places of the test, and no systemd."""
    text = text.replace("/var/lib/tidegate", str(home)).replace("/var/backups/tidegate", str(backups))
    return re.sub(r"^systemctl .*$", ":", text, flags=re.MULTILINE)


def shell(text: str) -> str:
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        ["sh", "-euc", text], env=environment({"PATH": path}), capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout

"""Files that the guides for operators show, given to the programs that they are for, and a server that is held back."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml
from tests.access.test_google_tools import REQUESTS
from tests.cli.dev.dev_server import application
from tests.cli.running import run
from tests.cli.serving import served
from tests.endtoend.waiting import eventually
from tests.snippets.claims import ROOT, snippet
from tests.snippets.shell import shell

import tidegate

SNIPPETS = {
    "docs/alerts.md yaml 1": "checked by promtool, with the rules beside it, whose job it names",
    "docs/operating.md ini 1": "checked by systemd-analyze, with the program that is here",
    "docs/backup.md text 1": "its times are times, and what cron would run is run",
    "docs/backup.md sh 3": "a server that is started so calls nobody, and says why",
    "docs/access.md hcl 1": "read by terraform; its endpoints begin all paths that the provider was seen to ask for",
}

QUEUE = "projects/p/locations/here/queues/mail"


@pytest.mark.skipif(shutil.which("promtool") is None, reason="needs promtool: make monitor")
def test_prometheus_takes_the_configuration_that_is_shown(tmp_path: Path) -> None:
    text = snippet("docs/alerts.md", "yaml")
    (tmp_path / "prometheus.yml").write_text(text)
    rules = (ROOT / "deploy/prometheus/tidegate.rules.yml").read_text()
    (tmp_path / "tidegate.rules.yml").write_text(rules)
    command = ["promtool", "check", "config", "prometheus.yml"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    (job,) = yaml.safe_load(text)["scrape_configs"]
    assert set(re.findall(r'job="([^"]+)"', rules)) <= {job["job_name"]}


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="needs systemd-analyze")
def test_systemd_takes_the_unit_that_is_shown(tmp_path: Path) -> None:
    text = snippet("docs/operating.md", "ini")
    assert "/usr/local/bin/tidegate" in text
    unit = tmp_path / "tidegate.service"
    unit.write_text(text.replace("/usr/local/bin/tidegate", str(Path(sys.executable).with_name("tidegate"))))
    command = ["systemd-analyze", "verify", "--man=no", str(unit)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    said = [line for line in done.stderr.splitlines() if "tidegate" in line]
    older = [line for line in said if "notify-reload" in line]  # systemd before 253, which the page tells of
    assert [line for line in said if line not in older] == []


FIELDS = [(0, 59), (0, 23), (1, 31), (1, 12), (0, 7)]
"""Minute, hour, day, month and weekday."""


def test_cron_copies_the_store_and_clears_old_copies_away(tmp_path: Path) -> None:
    home, backups = tmp_path / "home", tmp_path / "backups"
    home.mkdir()
    backups.mkdir()
    commands = []
    for line in snippet("docs/backup.md", "text", 1).splitlines():
        *times, user, command = line.split(maxsplit=6)
        for field, (least, most) in zip(times, FIELDS, strict=True):
            assert field == "*" or least <= int(field) <= most
        assert user == "tidegate"
        command = command.replace("/var/lib/tidegate", str(home)).replace("/var/backups/tidegate", str(backups))
        commands.append(re.sub(r"(?<!\\)%.*", "", command).replace(r"\%", "%"))  # cron's own sign for a new line
    copy, clear = commands
    with served("--store", f"sqlite:///{home}/tidegate.db", "--queue", QUEUE, directory=tmp_path):
        shell(copy, tmp_path)
    (made,) = backups.glob("*.db")
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d\.db", made.name)
    old = backups / "old.db"
    old.touch()
    os.utime(old, (time.time() - 16 * 86400,) * 2)
    shell(clear, tmp_path)
    assert [path for path in backups.iterdir() if path.suffix == ".db"] == [made]


def test_a_restored_server_that_is_held_back_calls_nobody(tmp_path: Path) -> None:
    program, command, *words = shlex.split(snippet("docs/backup.md", "sh", 3))
    assert (program, command) == ("tidegate", "serve")
    words = [word.replace("/var/lib/tidegate", str(tmp_path)) for word in words]
    with application() as (url, calls), served(*words, "--queue", QUEUE, directory=tmp_path) as address:
        with tidegate.connect(address) as client:
            task = client.create_task(parent=QUEUE, task=tidegate.http_task(url)).name
        eventually("an attempt failed", lambda: "FORBIDDEN_ADDRESS" in explained(address, task))
        assert calls.empty()


def explained(address: str, task: str) -> str:
    return run("explain", task, TIDEGATE_ADDRESS=address).stdout


def test_terraform_reads_the_provider_that_is_shown(tmp_path: Path) -> None:
    text = snippet("docs/access.md", "hcl")
    endpoints = re.findall(r'_custom_endpoint += "https://localhost:8123(/\w+/)"', text)
    assert len(endpoints) == 3
    asked = [each["path"] for each in REQUESTS if each["tool"] == "terraform" and each["path"].startswith("/")]
    assert all(path.startswith(tuple(endpoints)) for path in asked)
    if (terraform := shutil.which("terraform")) is not None:
        (tmp_path / "main.tf").write_text(text)
        command = [terraform, "fmt", "-check", "-diff"]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == 0, done.stdout + done.stderr

"""The rules and the dashboard that come along: they name metrics that exist, and fire when they should."""

from __future__ import annotations

import json
import re
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import pytest
import yaml
from tests.cli.serving import served
from tests.observers.metrics.test_metrics import SomeNodes, heard, snapshot

import tidegate
from tidegate.observers.metrics.families import every_family
from tidegate.storage.commit_counts import CommitCounts

ROOT = Path(__file__).parents[3]
RULES = ROOT / "deploy/prometheus/tidegate.rules.yml"
RULE_TESTS = Path(__file__).with_name("rules_test.yml")
DASHBOARD = ROOT / "deploy/grafana/tidegate.json"
ALERTS = ROOT / "docs/alerts.md"
LOCATION = "projects/p/locations/here"
PATIENCE = 60.0

prometheus = pytest.mark.skipif(
    shutil.which("prometheus") is None or shutil.which("promtool") is None,
    reason="Prometheus is not installed and cannot be: make monitor installs it as root on Debian",
)


def rules() -> list[Any]:
    return [rule for group in yaml.safe_load(RULES.read_text())["groups"] for rule in group["rules"]]


def alerts() -> list[str]:
    return [rule["alert"] for rule in rules()]


def named(text: str) -> set[str]:
    return set(re.findall(r"\btidegate_\w+", text))


def there() -> set[str]:
    """Every name of a sample that the page can have."""
    names = set()
    for family in every_family(snapshot(heard(), commits=CommitCounts(), nodes=SomeNodes())):
        ends = {"counter": ("_total",), "histogram": ("_bucket", "_sum", "_count")}.get(family.type, ("",))
        names |= {family.name + end for end in ends}
    return names


@pytest.mark.parametrize("file", [RULES, DASHBOARD], ids=lambda path: path.name)
def test_every_metric_that_is_named_exists(file: Path) -> None:
    wanted = named(file.read_text())
    assert len(wanted) > 5
    assert wanted <= there()


def test_every_alert_has_a_paragraph_of_what_to_do() -> None:
    assert re.findall(r"^### (\w+)$", ALERTS.read_text(), re.MULTILINE) == alerts()
    for rule in rules():
        assert rule["annotations"]["runbook"] == f"docs/alerts.md#{rule['alert'].lower()}"


def test_the_dashboard_is_one() -> None:
    dashboard = json.loads(DASHBOARD.read_text())
    assert dashboard["title"] == "Tidegate"
    assert all(panel["targets"] for panel in dashboard["panels"])


@prometheus
def test_the_rules_are_rules_of_prometheus() -> None:
    done = subprocess.run(["promtool", "check", "rules", RULES], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@prometheus
def test_every_alert_fires_on_what_it_is_for_and_on_nothing_else() -> None:
    done = subprocess.run(["promtool", "test", "rules", RULE_TESTS], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    asked: dict[str, set[bool]] = {alert: set() for alert in alerts()}
    for test in yaml.safe_load(RULE_TESTS.read_text())["tests"]:
        for each in test["alert_rule_test"]:
            asked[each["alertname"]].add(bool(each["exp_alerts"]))
    assert set(map(frozenset, asked.values())) == {frozenset({True, False})}


@contextmanager
def scraping(addresses: Sequence[str], folder: Path) -> Iterator[str]:
    """The URL of a Prometheus that scrapes servers each second, with rules that do not wait."""
    eager = re.sub(r"for: \w+", "for: 0s", RULES.read_text()).replace("> 300", "> 1").replace("> 900", "> 1")
    (folder / "rules.yml").write_text(eager.replace("[5m]", "[10s]").replace("[15m]", "[10s]"))
    config = {
        "global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
        "scrape_configs": [{"job_name": "tidegate", "static_configs": [{"targets": list(addresses)}]}],
        "rule_files": [str(folder / "rules.yml")],
    }
    (folder / "prometheus.yml").write_text(yaml.safe_dump(config))
    command = ["prometheus", f"--config.file={folder}/prometheus.yml", f"--storage.tsdb.path={folder}/data"]
    where = f"127.0.0.1:{_free_port()}"
    with (folder / "log").open("w+") as log:
        process = subprocess.Popen([*command, f"--web.listen-address={where}"], stderr=log, stdout=log)
        try:
            yield _once_ready(f"http://{where}", folder / "log")
        finally:
            process.terminate()
            process.wait()


def _free_port() -> int:
    """A port that nobody uses just now; Prometheus does not say which one it picks."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _once_ready(url: str, log: Path) -> str:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        with suppress(OSError), urlopen(f"{url}/-/ready", timeout=10):
            return url
        time.sleep(0.05)
    raise AssertionError(log.read_text())


def firing(prometheus_url: str) -> set[str]:
    with urlopen(f"{prometheus_url}/api/v1/alerts", timeout=10) as answer:
        alerts: list[dict[str, Any]] = json.load(answer)["data"]["alerts"]
    return {each["labels"]["alertname"] for each in alerts if each["state"] == "firing"}


@prometheus
def test_alerts_fire_on_a_paused_backlog_a_failing_handler_and_a_late_queue(tmp_path: Path) -> None:
    queues = {name: f"{LOCATION}/queues/{name}" for name in ("paused", "failing", "late")}
    setup = [f"--queue={queues['paused']}", f"--queue={queues['failing']}", f"--queue={queues['late']}"]
    with served(*setup, "--store", "sqlite://:memory:", directory=tmp_path) as address:
        with tidegate.connect(address) as client:
            client.pause_queue(name=queues["paused"])
            slow = {"name": queues["late"], "rate_limits": {"max_dispatches_per_second": 0.001}}
            client.update_queue(queue=slow)
            failing = {"name": queues["failing"], "retry_config": {"max_attempts": 2, "min_backoff": "1s"}}
            client.update_queue(queue=failing)
            for queue in queues.values():
                for _ in range(20):
                    client.create_task(parent=queue, task=tidegate.http_task("http://127.0.0.1:9/"))
        wanted = {"TidegatePausedBacklog", "TidegateHandlerFailing", "TidegateQueueLate"}
        with scraping([address], tmp_path) as url, tidegate.connect(address) as client:
            deadline = time.monotonic() + PATIENCE
            seen: set[str] = set()
            while not wanted <= seen and time.monotonic() < deadline:
                client.create_task(parent=queues["failing"], task=tidegate.http_task("http://127.0.0.1:9/"))
                time.sleep(0.3)
                seen |= firing(url)
    assert wanted <= seen

"""The files for Docker Compose name services, settings and files that are there."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.dependencies.locks import ROOT

from tidegate.settings import load
from tidegate.settings.stores import PostgresUrl

FILES = ["compose.yaml", "compose.cluster.yaml"]
COMPOSE = ROOT / "deploy/compose"


def services(file: str) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((ROOT / file).read_text())["services"]
    return found


def nodes(file: str) -> dict[str, Any]:
    return {name: each for name, each in services(file).items() if each["image"] == "tidegate"}


@pytest.mark.parametrize(("file", "number"), [("compose.yaml", 1), ("compose.cluster.yaml", 3)])
def test_each_node_is_locked_in_and_has_time_to_stop(file: str, number: int) -> None:
    assert len(nodes(file)) == number
    for node in nodes(file).values():
        assert node["read_only"]
        assert node["cap_drop"] == ["ALL"]
        assert node["security_opt"] == ["no-new-privileges:true"]
        settings = load(environment=variables(node)).settings
        assert int(node["stop_grace_period"].removesuffix("s")) >= settings.drain.total_seconds() + 15


@pytest.mark.parametrize("file", FILES)
def test_every_port_is_open_on_this_machine_alone(file: str) -> None:
    for service in services(file).values():
        assert all(port.startswith("127.0.0.1:") for port in service.get("ports", []))


@pytest.mark.parametrize("file", FILES)
def test_every_file_and_volume_that_is_mounted_is_there(file: str) -> None:
    volumes = yaml.safe_load((ROOT / file).read_text())["volumes"]
    for service in services(file).values():
        for mount in service.get("volumes", []):
            source = mount.split(":")[0]
            assert (ROOT / source).exists() if source.startswith(".") else source in volumes


def test_the_nodes_share_one_database_and_may_be_scraped_by_their_names() -> None:
    three = nodes("compose.cluster.yaml")
    scraped = yaml.safe_load((COMPOSE / "prometheus.yml").read_text())["scrape_configs"][0]
    assert scraped["static_configs"][0]["targets"] == [f"{name}:8123" for name in three]
    for node in three.values():
        settings = load(environment=variables(node)).settings
        assert isinstance(settings.store, PostgresUrl)
        assert "@database/" in settings.store.conninfo
        assert set(settings.allow_hosts) == set(three)
    assert "database" in services("compose.cluster.yaml")


def test_the_settings_of_the_image_can_be_read() -> None:
    text = (ROOT / "Dockerfile").read_text()
    said = dict(word.split("=", 1) for word in text.split() if word.startswith("TIDEGATE_"))
    settings = load(environment=said).settings
    assert (settings.host, str(settings.store)) == ("0.0.0.0", "sqlite:////data/tidegate.db")


@pytest.mark.skipif(shutil.which("promtool") is None, reason="needs promtool: make monitor")
def test_prometheus_reads_its_file(tmp_path: Path) -> None:
    shutil.copy(COMPOSE / "prometheus.yml", tmp_path)
    shutil.copytree(ROOT / "deploy/prometheus", tmp_path / "rules")
    subprocess.run(["promtool", "check", "config", tmp_path / "prometheus.yml"], check=True, timeout=60)


def variables(node: dict[str, Any]) -> dict[str, str]:
    return {name: value for name, value in node["environment"].items() if name.startswith("TIDEGATE_")}

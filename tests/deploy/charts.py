"""Renders the Helm chart into ``deploy/helm/rendered``: ``make charts``. Tests then read it without Helm."""

from __future__ import annotations

import subprocess
import sys
from hashlib import sha256
from pathlib import Path
from typing import Final

from tests.dependencies.locks import ROOT

CHART: Final = ROOT / "deploy/helm/tidegate"
RENDERED: Final = ROOT / "deploy/helm/rendered"

CASES: Final = {
    "sqlite": [],
    "postgresql": [
        "store.kind=postgresql",
        "store.postgresql.url=postgresql://tidegate@database/tidegate",
        "store.postgresql.passwordSecret=tidegate-database",
        "serviceMonitor.enabled=true",
        r"settings.egress=public\,10.0.0.0/8",
        "settings.drain=20s",
        "allowHosts={tasks.example.com}",
    ],
}
"""What is rendered, and with which values."""


def digest() -> str:
    """Of every file of the chart."""
    files = sorted(path for path in CHART.rglob("*") if path.is_file())
    return sha256(b"".join(f"{path.relative_to(CHART)}\n".encode() + path.read_bytes() for path in files)).hexdigest()


def render(helm: str, values: list[str]) -> str:
    command = [helm, "template", "tasks", str(CHART), "--namespace", "shop", "--kube-version", "1.30.0"]
    for value in values:
        command += ["--set", value]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout


def main(helm: str) -> None:
    subprocess.run([helm, "lint", "--strict", str(CHART)], check=True)
    for name, values in CASES.items():
        text = f"# Written by `make charts`, from a chart of this digest: {digest()}\n" + render(helm, values)
        (RENDERED / f"{name}.yaml").write_text(text)
        print(Path(RENDERED / f"{name}.yaml").relative_to(ROOT))


if __name__ == "__main__":
    main(sys.argv[1])

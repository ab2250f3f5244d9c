"""docs/metrics.md names every metric, and none that does not exist."""

import re
from pathlib import Path

from tests.observers.metrics.test_metrics import SomeNodes, heard, snapshot

from tidegate.core.histogram import Histogram
from tidegate.engine.ports.store_figures import StoreFigures
from tidegate.observers.metrics.families import every_family
from tidegate.storage.commit_counts import CommitCounts

PAGE = Path(__file__).parents[3] / "docs/metrics.md"


def test_the_page_names_every_metric() -> None:
    figures = StoreFigures(Histogram((1.0,)), 0.0, 0)
    families = every_family(snapshot(heard(), commits=CommitCounts(), nodes=SomeNodes())._replace(figures=figures))
    made = {family.name + ("_total" if family.type == "counter" else "") for family in families}
    named = set(re.findall(r"^\| `(tidegate_\w+)`", PAGE.read_text(), re.MULTILINE))
    assert named == {name for name in made if name.startswith("tidegate_")}

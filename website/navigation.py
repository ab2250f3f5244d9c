"""What stands where on the site. A page that is not named here comes at the end of the how-to guides."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import TypeAlias

Section: TypeAlias = tuple[str, tuple[str, ...]]

GUIDES = "How-to guides"

SECTIONS: tuple[Section, ...] = (
    ("Start", ("index.md", "start.md")),
    (
        "Tutorials",
        (
            "tutorials/first-queue.md",
            "tutorials/test-your-tasks.md",
            "tutorials/from-emulator.md",
            "tutorials/from-google.md",
            "tutorials/production.md",
        ),
    ),
    (
        GUIDES,
        (
            "clients.md",
            "testing.md",
            "pull-queues.md",
            "explain.md",
            "dead-letters.md",
            "bulk.md",
            "events.md",
            "clock.md",
            "faults.md",
            "console.md",
            "access.md",
            "operating.md",
            "backup.md",
            "postgresql.md",
            "alerts.md",
        ),
    ),
    (
        "Reference",
        (
            "settings.md",
            "cli.md",
            "reference/commands.md",
            "client.md",
            "reference/python-client.md",
            "operator-api.md",
            "reference/operator.md",
            "metrics.md",
            "reference/v2.md",
            "reference/v2beta3.md",
            "reference/v2beta2.md",
            "reference/iam.md",
            "platforms.md",
        ),
    ),
    (
        "Explanation",
        ("promises.md", "architecture.md", "compatibility.md", "project/reliability.md", "performance.md"),
    ),
    (
        "Project",
        (
            "project/changelog.md",
            "project/contributing.md",
            "project/security.md",
            "project/governance.md",
            "project/code_of_conduct.md",
            "project/third_party.md",
        ),
    ),
)
DECISIONS = "decisions/"
"""Pages of this folder come below the explanation, by themselves."""


def navigation(pages: Iterable[str]) -> list[Section]:
    """The sections, with every page of the site in one of them."""
    here = sorted(pages)
    named = {page for _, listed in SECTIONS for page in listed}
    decisions = tuple(page for page in here if page.startswith(DECISIONS))
    others = tuple(page for page in here if page not in named and page not in decisions)
    sections: list[Section] = []
    for title, listed in SECTIONS:
        found = tuple(page for page in listed if page in here)
        sections.append((title, found + others if title == GUIDES else found))
        if title == "Explanation":
            sections.append(("Decisions", decisions))
    return [section for section in sections if section[1]]


def as_toml(sections: Iterable[Section]) -> str:
    """The line of the configuration; the pages bring their own titles."""
    return "nav = [" + ", ".join(_entries(sections)) + "]\n"


def _entries(sections: Iterable[Section]) -> Iterator[str]:
    for title, pages in sections:
        yield f"{{ {json.dumps(title)} = {json.dumps(list(pages))} }}"

"""``llms.txt``: what programs that read the site are given, and the pages as Markdown beside it (llmstxt.org)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from website.navigation import navigation

HEAD = """\
# Tidegate

> Google Cloud Tasks that anyone can run: one program that speaks API v2, v2beta2 and v2beta3 over gRPC and REST on one
> port, keeps every accepted task on disk before it answers, and pushes tasks to HTTP handlers at the documented rate,
> with the documented retries and headers. Official clients work unmodified. `tidegate dev` starts a server on
> localhost:8123.
"""
LONGEST = 200
"""Characters of what is said of a page."""


def write(pages: Mapping[str, str], site: Path) -> None:
    """Write the list, and each page where the list says it is."""
    for place, text in pages.items():
        file = site / place
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    (site / "llms.txt").write_text("\n".join(_lines(pages)) + "\n", encoding="utf-8")


def _lines(pages: Mapping[str, str]) -> Iterator[str]:
    yield HEAD
    for title, listed in navigation(pages):
        yield from (f"## {title}", "")
        for place in listed:
            yield f"- [{heading(pages[place])}]({place}): {summary(pages[place])}"
        yield ""


def heading(text: str) -> str:
    """The title of a page."""
    match = re.search(r"^# (.+)$", text, re.MULTILINE)
    return match[1] if match else "Tidegate"


def summary(text: str) -> str:
    """The first sentence below the title, without links."""
    body = re.sub(r"<!--.*?-->", "", text.partition("\n")[2], flags=re.DOTALL)
    first = next((part for part in body.split("\n\n") if part.strip() and part.strip()[0] not in "#|`!-<"), "")
    plain = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", " ".join(first.split()))
    sentence = re.split(r"(?<=[.:])\s", plain, maxsplit=1)[0]
    return sentence if len(sentence) <= LONGEST else sentence[:LONGEST].rpartition(" ")[0] + " …"

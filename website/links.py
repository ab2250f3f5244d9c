"""Every link of the built site, and where it leads. Other sites are not called: their addresses are only read."""

from __future__ import annotations

from collections.abc import Iterator
from html.parser import HTMLParser
from os.path import normpath
from pathlib import Path
from urllib.parse import unquote, urlsplit

LOADED = {"script": "src", "img": "src", "source": "src", "iframe": "src", "link": "href"}
"""What a browser fetches by itself."""


class Page(HTMLParser):
    """The anchors and links of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.anchors: set[str] = set()
        self.links: list[tuple[str, str]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note what one tag has."""
        values = dict(attrs)
        self.anchors |= {value for name in ("id", "name") if (value := values.get(name))}
        for name in ("href", "src"):
            value = values.get(name)
            if value:
                self.links.append((tag, value))


def broken(site: Path) -> list[str]:
    """A line for each link that leads nowhere, and for each file of another site that a page would load."""
    site = site.resolve()
    pages = {file: Page(file.read_text(encoding="utf-8")) for file in sorted(site.rglob("*.html"))}
    return [
        f"{file.relative_to(site)}: {value}: {reason}"
        for file, page in pages.items()
        if file.name != "404.html"  # it is answered for any address, so its links are absolute
        for tag, value in sorted(set(page.links))
        for reason in _wrong(tag, value, file, pages)
    ]


def _wrong(tag: str, value: str, file: Path, pages: dict[Path, Page]) -> Iterator[str]:
    url = urlsplit(value)
    if url.scheme or url.netloc:
        if tag in LOADED and url.scheme != "data":
            yield "loads from another site"
        elif url.scheme not in {"https", "mailto", "data"} and url.hostname not in {"localhost", "127.0.0.1"}:
            yield "is not https"
        return
    target = Path(normpath(file.parent / unquote(url.path))) if url.path else file
    if target not in pages and target.is_dir():
        target /= "index.html"
    if target not in pages and not target.exists():
        yield "leads to nothing"
    elif url.fragment and target in pages and unquote(url.fragment) not in pages[target].anchors:
        yield "leads to a part that the page does not have"

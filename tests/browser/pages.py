"""The pages of the console, and what must hold of each of them in a browser."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from playwright.sync_api import Browser, BrowserContext, Page
from tests.browser.filled import DEV, SHOP

AXE: Final = (Path(__file__).parent / "vendor/axe-4.14.1.min.js").read_text()
FINDINGS: Final = """async (rules) => (await axe.run(document, {resultTypes: ["violations"], runOnly: rules
    ?? ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]})).violations.map(
    (each) => `${each.id}: ${each.help}: ${each.nodes.map((node) => node.target).join(", ")}`)"""
LOOKS: Final = ["color-contrast", "link-in-text-block", "scrollable-region-focusable", "target-size"]
"""The rules of axe that a theme or a width can break in a page that is otherwise right."""

FAILING: Final = f"{SHOP}/queues/mail-out"
DYING: Final = f"{SHOP}/queues/receipts"
PAUSED: Final = f"{SHOP}/queues/reports-nightly"
PULL: Final = f"{DEV}/queues/crm-leads"

PAGES: Final = {
    "queues": "queues",
    "queues-none": "queues?q=nothing-is-called-so",
    "queue": FAILING,
    "queue-paused": PAUSED,
    "queue-pull": PULL,
    "queue-latest": f"{PAUSED}?sort=latest",
    "queue-found": f"{PAUSED}?q=report-1",
    "metrics": f"{FAILING}/metrics",
    "logs": f"{FAILING}/logs",
    "configuration": f"{FAILING}/configuration",
    "dead-letters": f"{DYING}/dead-letters",
    "permissions": f"{FAILING}/permissions",
    "purge": f"{FAILING}/purge",
    "delete": f"{FAILING}/delete",
    "bulk": f"{PAUSED}/bulk",
    "create-task": f"{FAILING}/create-task",
    "create-queue": "queues/new",
    "apply-yaml": "queues/apply",
    "task": f"{FAILING}/tasks/order-1",
    "task-hostile": f"{PAUSED}/tasks/hostile",
    "task-curl": f"{FAILING}/tasks/order-1?by=curl&as=hex",
    "task-pull": f"{PULL}/tasks/lead-1",
    "body": f"{PAUSED}/tasks/binary/body",
    "body-deep": f"{PAUSED}/tasks/deep/body?as=json",
    "activity": "activity",
    "activity-all": "activity?show=all",
    "failures": "failures",
    "operations": "operations",
    "audit": "audit",
    "server": "server",
}
"""By a name for its picture the address of each page."""
MISSING: Final = {"task-gone": f"{DYING}/tasks/receipt-1", "task-never": f"{DYING}/tasks/nothing", "nowhere": "nowhere"}
"""Pages that answer 404."""


class Watched:
    """A context of a browser, and all that went wrong in it."""

    def __init__(self, browser: Browser, console: str, **options: Any) -> None:
        self.context: BrowserContext = browser.new_context(**options)
        self.wrong: list[str] = []
        self._console = console
        self._origin = console.removesuffix("console/")
        self.context.on("console", lambda message: self._note(message.type, message.text))
        self.context.on("weberror", lambda error: self.wrong.append(f"script: {error.error}"))
        self.context.on("request", lambda request: self._look(request.url))

    def _note(self, kind: str, text: str) -> None:
        if kind in {"error", "warning"}:
            self.wrong.append(f"{kind}: {text}")

    def _look(self, url: str) -> None:
        if not url.startswith((self._origin, "data:", "blob:")):
            self.wrong.append(f"asked another origin: {url}")

    def open(self, page: Page, path: str, status: int = 200) -> None:
        """Go to a page of the console."""
        answer = page.goto(self._console + path)
        assert answer is not None
        assert answer.status == status, path
        if status == 404:  # the browser notes that itself
            self.wrong = [each for each in self.wrong if "404" not in each]

    def check(self, page: Page, path: str, rules: list[str] | None = None) -> list[str]:
        """What is wrong with an open page as it looks now; ``rules`` of axe, else all."""
        found = [f"{path}: {each}" for each in self.wrong]
        self.wrong.clear()
        wide = page.evaluate("document.documentElement.scrollWidth - innerWidth")
        if wide > 0:
            found.append(f"{path}: {wide} px wider than the window")
        if not page.evaluate("'axe' in window"):
            page.evaluate(AXE)
        return found + [f"{path}: {each}" for each in page.evaluate(FINDINGS, rules)]

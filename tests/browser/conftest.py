from __future__ import annotations

from tests.browser.chromium import browser, chrome, page

__all__ = ["browser", "chrome", "page"]

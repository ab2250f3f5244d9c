from __future__ import annotations

from tests.browser.chromium import browser, chrome, page
from tests.browser.pressing import tab

__all__ = ["browser", "chrome", "page", "tab"]

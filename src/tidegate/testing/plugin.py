"""The pytest plugin: fixtures ``tidegate``, ``tidegate_factory`` and ``tidegate_server``.

Nothing of Tidegate is imported until a test asks for one of them.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tidegate.testing.server import Server
    from tidegate.testing.tidegate import Factory, Tidegate

KEPT = pytest.StashKey["Tidegate"]()


@pytest.fixture
def tidegate_patch() -> bool:
    """Whether google-cloud-tasks and firebase-admin are pointed at the fixture's server; override it to say no."""
    return True


@pytest.fixture
def tidegate(request: pytest.FixtureRequest, tidegate_patch: bool) -> Iterator[Tidegate]:
    """A server of the test's own, within this process. Its expectations are checked at the end of the test."""
    from tidegate.testing.patching import patched  # noqa: PLC0415 - see above
    from tidegate.testing.tidegate import Tidegate  # noqa: PLC0415

    served = Tidegate()
    request.node.stash[KEPT] = served
    try:
        with patched(served.address if tidegate_patch else None):
            yield served
        failed = getattr(request.node, "tidegate_failed", False)
        if not failed:
            served.assert_expected()
    finally:
        served.close()


@pytest.fixture
def tidegate_factory() -> Iterator[Factory]:
    """Makes further servers, which are stopped at the end of the test."""
    from tidegate.testing.tidegate import Tidegate  # noqa: PLC0415

    made: list[Tidegate] = []

    def make() -> Tidegate:
        made.append(Tidegate())
        return made[-1]

    yield make
    for each in made:
        each.close()


@pytest.fixture(scope="session")
def tidegate_server() -> Iterator[Server]:
    """One process of ``tidegate serve`` for the whole run. Keep tests apart by project."""
    from tidegate.testing.server import Server  # noqa: PLC0415

    with Server() as server:
        yield server


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[Any]) -> Iterator[None]:  # noqa: ARG001
    """Add to a failing test's report which tasks are left, and what handlers answered."""
    outcome: Any = yield
    report = outcome.get_result()
    served = item.stash.get(KEPT, None)
    if served is None or report.when != "call" or not report.failed:
        return
    item.tidegate_failed = True  # type: ignore[attr-defined]
    lines = []
    try:
        if left := served.tasks_left():
            lines += ["tasks left:", *left]
        if failures := served.failures():
            lines += ["requests that failed:", *failures]
    except Exception as error:  # the report of the test itself matters more
        lines.append(f"the server could not be asked: {error}")
    if lines:
        report.sections.append(("tidegate", "\n".join(lines)))

"""The pytest plugin: fixtures ``tidegate``, ``tidegate_factory`` and ``tidegate_server``.

Nothing else of Tidegate is imported until a test asks for one of them.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

from tidegate.testing.modes import IN_PROCESS, PROCESS, add_options, mode_of
from tidegate.testing.plain_imports import import_plainly

if TYPE_CHECKING:
    from tidegate.testing.served import Served
    from tidegate.testing.server import Server
    from tidegate.testing.tidegate import Factory, Tidegate

import_plainly()

KEPT = pytest.StashKey["Tidegate"]()
FAILED = pytest.StashKey[bool]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Where servers run."""
    add_options(parser)


@pytest.fixture
def tidegate_patch() -> bool:
    """Whether google-cloud-tasks and firebase-admin are pointed at the fixture's server; override it to say no."""
    return True


@pytest.fixture(scope="session")
def _tidegate_elsewhere(request: pytest.FixtureRequest) -> Iterator[str]:
    """The address of the server that the tests of this run use one after the other; empty when each has its own."""
    mode = mode_of(request.config)
    if mode == PROCESS:
        from tidegate.testing.elsewhere import server_for_tests  # noqa: PLC0415 - see above

        with server_for_tests() as server:
            yield server.address
    else:
        yield "" if mode == IN_PROCESS else mode


@pytest.fixture
def tidegate(
    request: pytest.FixtureRequest,
    _tidegate_elsewhere: str,
    tidegate_patch: bool,
) -> Iterator[Tidegate]:
    """A server of the test's own. Its expectations are checked at the end of the test."""
    from tidegate.testing.patching import patched  # noqa: PLC0415 - see above
    from tidegate.testing.real_time import calls_by_real_time  # noqa: PLC0415
    from tidegate.testing.tidegate import Tidegate  # noqa: PLC0415

    served: Served | None = None
    if _tidegate_elsewhere:
        from tidegate.testing.elsewhere import Elsewhere  # noqa: PLC0415

        own = mode_of(request.config) == PROCESS
        served = Elsewhere(_tidegate_elsewhere, overrides=not own, resets=own)
    made = Tidegate(served)
    request.node.stash[KEPT] = made
    try:
        with calls_by_real_time(), patched(made.address if tidegate_patch else None):
            yield made
        if not request.node.stash.get(FAILED, False):
            made.assert_expected()
    finally:
        made.close()


@pytest.fixture(scope="session")
def tidegate_factory(request: pytest.FixtureRequest) -> Iterator[Factory]:
    """Makes further servers, which are stopped at the end of the run, or by ``close()``."""
    from tidegate.testing.tidegate import Tidegate  # noqa: PLC0415 - see above

    mode, made = mode_of(request.config), list[Tidegate]()

    def make() -> Tidegate:
        served: Served | None = None
        if mode != IN_PROCESS:
            from tidegate.testing.elsewhere import Elsewhere, in_a_process  # noqa: PLC0415

            served = in_a_process() if mode == PROCESS else Elsewhere(mode, overrides=True, resets=False)
        made.append(Tidegate(served))
        return made[-1]

    yield make
    for each in made:
        each.close()


@pytest.fixture(scope="session")
def tidegate_server(request: pytest.FixtureRequest) -> Iterator[Server]:
    """One process of ``tidegate serve`` for the whole run, or the server at the address that is the mode. It calls
    handlers over HTTP. Keep tests apart by project.
    """
    from tidegate.testing.server import Server  # noqa: PLC0415 - see above

    mode = mode_of(request.config)
    with Server() if mode in {IN_PROCESS, PROCESS} else Server(address=mode) as server:
        yield server


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[Any]) -> Iterator[None]:  # noqa: ARG001
    """Add to a failing test's report which tasks are left and why, the last attempts, and what handlers answered."""
    outcome: Any = yield
    report = outcome.get_result()
    made = item.stash.get(KEPT, None)
    if made is None or report.when != "call" or not report.failed:
        return
    item.stash[FAILED] = True
    lines: list[str] = []
    try:
        for title, found in (
            ("tasks left:", made.tasks_left()),
            ("last attempts:", made.last_attempts()),
            ("requests that failed:", made.failures()),
        ):
            lines += [title, *found] if found else []
    except Exception as error:  # the report of the test itself matters more
        lines.append(f"the server could not be asked: {error}")
    if lines:
        report.sections.append(("tidegate", "\n".join(lines)))

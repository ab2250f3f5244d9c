"""What the fixture costs, by the processor's time. A busy machine makes all of it slower, so the measure is what pytest
itself takes from its start to its first test: 0.33 s on two idle cores.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from tests.testing.suites import BARE, OURS, suite

MEASURED = """
import sys, time
from datetime import timedelta

OURS = {'tidegate', 'tidegate.client', 'tidegate.client.lazy', 'tidegate.testing', 'tidegate.testing.plugin',
        'tidegate.testing.modes', 'tidegate.testing.plain_imports'}


def median(numbers):
    return sorted(numbers)[len(numbers) // 2]


def test_nothing_was_imported_that_nobody_asked_for():
    assert {name for name in sys.modules if name.startswith('tidegate')} <= OURS
    assert not {'grpc', 'google.protobuf', 'msgspec', 'h2corn', 'apsw'} & set(sys.modules)
    print('pytest itself', time.process_time())


def test_the_first(tidegate):
    tidegate.queue()
    print('first test', time.process_time())


def test_further_ones():
    from tidegate.testing import Tidegate
    taken = []
    for _ in range(20):
        begun = time.process_time()
        made = Tidegate()
        made.queue()
        made.close()
        taken.append(time.process_time() - begun)
    print('further test', median(taken))


def test_fifty_five_hours_of_retries(tidegate):
    from tidegate import http_task
    tidegate.responds(500)
    queue = tidegate.queue('slow', max_attempts=100, min_backoff=1, max_backoff=3600, max_doublings=16)
    taken = []
    with tidegate.client() as client:
        for _ in range(3):
            client.create_task(parent=queue.name, task=http_task('http://app.test/mail'))
            begun, start = time.process_time(), tidegate.now()
            assert tidegate.run_until_idle() == 100
            assert tidegate.now() - start > timedelta(hours=55)
            taken.append(time.process_time() - begun)
    print('55 hours', median(taken))
"""


@pytest.fixture(scope="module")
def costs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, float]:
    folder = tmp_path_factory.mktemp("costs")
    (folder / "test_it.py").write_text(MEASURED)
    done = suite(folder, *OURS, "-s", **BARE)
    assert "4 passed" in done.stdout, done.stdout + done.stderr
    found = {
        name: float(line.rpartition(" ")[2])
        for line in done.stdout.splitlines()
        for name in ("pytest itself", "first test", "further test", "55 hours")
        if name in line
    }
    print(found)
    return found


def test_the_first_test_ends_within_two_and_a_half_seconds_of_pytests_start(costs: dict[str, float]) -> None:
    assert costs["first test"] < 2.5 / 0.33 * costs["pytest itself"]


def test_each_further_test_has_its_own_server_within_fifty_milliseconds(costs: dict[str, float]) -> None:
    assert costs["further test"] < 0.05 / 0.33 * costs["pytest itself"]


def test_fifty_five_hours_of_retries_pass_within_a_second(costs: dict[str, float]) -> None:
    assert costs["55 hours"] < 1.0 / 0.33 * costs["pytest itself"]


def test_the_plugin_itself_is_a_small_part_of_what_pytest_takes_to_start() -> None:
    """5 ms of 330, which is what users pay who never ask for a fixture; with room, for so little varies much."""
    program = (
        "import time, pytest\n"
        "before = time.process_time()\n"
        "import tidegate.testing.plugin\n"
        "print((time.process_time() - before) / before)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert float(done.stdout) < 4 * 5 / 330


def test_pytest_does_not_rewrite_the_package(tmp_path: Path) -> None:
    """As it would where the package is installed: all modules of a plugin are marked for that."""
    (tmp_path / "conftest.py").write_text("import pytest\npytest.register_assert_rewrite('tidegate')\n")
    (tmp_path / "test_it.py").write_text(
        "import sys\n"
        "def test_it(tidegate):\n"
        "    tidegate.queue()\n"
        "    parts = ('tidegate.core.', 'tidegate.engine.', 'tidegate.schema.', 'tidegate.servers.')\n"
        "    ours = [module for name, module in sys.modules.items() if name.startswith(parts)]\n"
        "    assert len(ours) > 100\n"
        "    loaders = {type(module.__spec__.loader).__name__ for module in ours}\n"
        "    assert loaders == {'SourceFileLoader'}\n"
    )
    done = suite(tmp_path, *OURS, **BARE)
    assert "1 passed" in done.stdout, done.stdout + done.stderr

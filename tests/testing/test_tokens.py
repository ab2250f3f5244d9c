"""ID tokens in tests: a handler that verifies them can do so in every test of a run."""

from __future__ import annotations

from pathlib import Path

from tests.testing.suites import BARE, OURS, suite

VERIFIES = """
import pytest
from tidegate.handlers import verify

TASK = {"http_request": {"url": "http://app.test/work", "oidc_token": {"service_account_email": "a@shop.example.com"}}}


@pytest.mark.parametrize("later", [0, 1, 30])
def test_a_token_of_each_tests_own_server_is_verified(tidegate, later):
    seen = []

    def handler(request):
        seen.append(verify(request.headers, audience="http://app.test/work", issuers=[tidegate.url]).email)
        return 200

    tidegate.responds(handler)
    with tidegate.client() as client:
        client.create_task(parent=tidegate.queue().name, task=TASK)
    tidegate.run()
    tidegate.advance(f"{later}d")
    assert seen == ["a@shop.example.com"]
    with tidegate.client() as client:
        client.create_task(parent=tidegate.queue().name, task=TASK)
    tidegate.run()
    assert len(seen) == 2
"""


def test_each_test_verifies_the_tokens_of_its_own_server_whatever_time_it_has(tmp_path: Path) -> None:
    (tmp_path / "test_it.py").write_text(VERIFIES)
    done = suite(tmp_path, *OURS, **BARE)
    assert "3 passed" in done.stdout, done.stdout + done.stderr

"""What the next attempt would meet."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from msgspec.structs import replace
from tests.api.operator.explaining import HOUR, codes, explained, queue
from tests.api.operator.living import QUEUE, Life, lived

from tidegate.core.explain.values import Code, Reason
from tidegate.core.queue import HttpTarget, OidcToken, UriOverride
from tidegate.core.validation import HttpDraft
from tidegate.engine.operator_rules import OperatorRules
from tidegate.engine.ports.world import MintError


@pytest.mark.parametrize(
    "code", [Code.FORBIDDEN_ADDRESS, Code.NAME_NOT_FOUND, Code.CONNECTION_REFUSED, Code.TLS_FAILED]
)
def test_what_the_next_attempt_would_meet(code: Code) -> None:
    async def story(life: Life) -> None:
        await life.create("t", HOUR)
        met = Reason(code, "It was met.")
        if code is Code.FORBIDDEN_ADDRESS:
            life.prober.known = met
            assert codes(await explained(life, "t")) == ["NOT_YET_DUE", code.name]
        else:
            life.prober.shown = met
            assert codes(await explained(life, "t")) == ["NOT_YET_DUE"]
        said = await explained(life, "t", probe=True)
        assert codes(said) == ["NOT_YET_DUE", code.name]
        assert life.network.calls == []

    lived(story)


def test_a_request_that_cannot_be_sent() -> None:
    async def story(life: Life) -> None:
        await life.create("t", HOUR)
        bad = HttpTarget(uri_override=UriOverride(port=99_999))
        await life.engine.queues.update(QUEUE, lambda found: replace(found or queue(), http_target=bad))
        said = await explained(life, "t")
        assert codes(said) == ["NOT_YET_DUE", "UNSENDABLE"]
        assert "the URL cannot be called" in said.reasons[1].text

    lived(story)


def test_a_token_that_would_go_over_http() -> None:
    async def story(life: Life) -> None:
        await life.create("t", HOUR)
        routing = HttpTarget(token=OidcToken("a@b.test"))
        await life.engine.queues.update(QUEUE, lambda found: replace(found or queue(), http_target=routing))
        assert codes(await explained(life, "t")) == ["NOT_YET_DUE", "UNSENDABLE"]

    lived(story, rules=OperatorRules(https_tokens=True))


class BrokenMint:
    async def authorization(self, token: object) -> str:
        raise MintError("no such account")


class SilentMint:
    async def authorization(self, token: object) -> str:
        await asyncio.sleep(3600)
        return ""


@pytest.mark.parametrize(
    ("mint", "why"), [(BrokenMint(), "no token: no such account"), (SilentMint(), "did not answer within 5 s")]
)
def test_a_source_of_tokens_that_fails(mint: Any, why: str) -> None:
    async def story(life: Life) -> None:
        target = HttpDraft("https://handler.test/", token=OidcToken("a@b.test"))
        await life.create("t", HOUR, target=target)
        said = await explained(life, "t")
        assert codes(said) == ["NOT_YET_DUE", "TOKEN_SOURCE_FAILS"]
        assert why in said.reasons[1].text

    lived(story, mint=mint)

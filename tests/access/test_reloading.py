"""Files of tokens, policy and keys that change under a running server."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from hashlib import sha256
from pathlib import Path
from types import SimpleNamespace

import msgspec
import pytest
from joserfc.jwk import RSAKey
from tests.access.test_issuers import CLUSTER, MEMBER, jwks, pod
from tests.access.test_rules import settings
from tests.access.world import ADMIN, KEY, OWN_URL, QUEUE, HandClock

from tidegate import access_control
from tidegate.access_control import AccessControl
from tidegate.core.errors import ApiError
from tidegate.servers.address import Address
from tidegate.settings.access import IssuerSetup
from tidegate.storage.sqlite import MemoryStore

ANN = "user:ann@example.com"
NEXT_KEY = RSAKey.generate_key(2048)
TURNS = 100
"""Turns of the event loop in which a file that has changed is read: no thread and no clock has a part in it."""


class StillClock(HandClock):
    async def sleep(self, seconds: float) -> None:
        await asyncio.Event().wait()


class Files:
    """A server's access control with its three files. Tokens are named by their text."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.tokens(a=ADMIN, b=ANN)
        self.policy(("roles/viewer", ANN), ("roles/viewer", MEMBER))
        self.keys(KEY)
        said = settings(admin=ADMIN, tokens=str(folder / "tokens.txt"), policy=str(folder / "policy.json"))
        issuer = IssuerSetup(name="cluster", url=CLUSTER, audience=("tidegate",), jwks_file=str(folder / "jwks.json"))
        self.control = AccessControl(
            msgspec.structs.replace(said, issuer=(issuer,)),
            Address(said.host, "127.0.0.1", 8123),
            MemoryStore(),
            StillClock(),
            own_issuer=OWN_URL,
        )

    def tokens(self, **members: str) -> None:
        lines = [f"{member} sha256:{sha256(token.encode()).hexdigest()}" for token, member in members.items()]
        (self.folder / "tokens.txt").write_text("\n".join(lines))

    def policy(self, *bindings: tuple[str, str]) -> None:
        said = {"bindings": [{"role": role, "members": [member]} for role, member in bindings]}
        (self.folder / "policy.json").write_text(json.dumps(said))

    def keys(self, *keys: RSAKey) -> None:
        jwks(self.folder, *keys)

    async def may(self, token: str, permission: str = "cloudtasks.queues.get") -> bool:
        """Whether the bearer of the token has the permission on a queue."""
        scope = {"headers": [(b"authorization", f"Bearer {token}".encode())], "client": ("10.0.0.9", 1)}
        call = SimpleNamespace(scope=scope, principal=None)
        try:
            await self.control.door().check(call, permission, QUEUE, "method")
        except ApiError:
            return False
        return True


@pytest.fixture(params=["by SIGHUP", "by a look at the files"])
def by_itself(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> bool:
    """Whether nobody tells the server that a file has changed: then each turn of the event loop looks at them."""
    if request.param == "by SIGHUP":
        return False
    monkeypatch.setattr(access_control, "LOOKED_AT", 0.0)
    return True


@pytest.fixture
async def files(tmp_path: Path, by_itself: bool) -> AsyncIterator[Files]:
    files = Files(tmp_path)
    await files.control.start()
    await turns()
    yield files
    files.control.stop()


async def reread(files: Files, by_itself: bool) -> None:
    """The server has noticed what changed."""
    if not by_itself:
        files.control.reload()
    await turns()


async def turns() -> None:
    for _ in range(TURNS):
        await asyncio.sleep(0)


async def test_a_line_of_tokens_that_is_gone_or_new_counts_for_the_next_call(files: Files, by_itself: bool) -> None:
    assert await files.may("b")
    assert not await files.may("new")
    files.tokens(a=ADMIN, new=ANN)
    await reread(files, by_itself)
    assert not await files.may("b")
    assert await files.may("new")


async def test_a_binding_of_the_policy_file_that_is_gone_or_new_counts_for_the_next_call(
    files: Files, by_itself: bool
) -> None:
    assert await files.may("b")
    files.policy(("roles/cloudtasks.taskDeleter", ANN))
    await reread(files, by_itself)
    assert not await files.may("b")
    assert await files.may("b", "cloudtasks.tasks.delete")


async def test_a_key_of_an_issuer_that_is_gone_or_new_counts_for_the_next_call(files: Files, by_itself: bool) -> None:
    token, later = pod(), pod(NEXT_KEY)
    assert await files.may(token)
    assert not await files.may(later)
    files.keys(NEXT_KEY)
    await reread(files, by_itself)
    assert not await files.may(token)
    assert await files.may(later)


@pytest.mark.parametrize("name", ["tokens.txt", "policy.json", "jwks.json"])
async def test_a_file_that_is_wrong_or_gone_changes_nothing_and_the_others_are_still_read(
    files: Files, by_itself: bool, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    token = pod()
    for spoil in (lambda file: file.write_text("{"), Path.unlink):
        spoil(files.folder / name)
        await reread(files, by_itself)
        assert await files.may("b")
        assert await files.may(token)
        assert "what was read before holds: " in caplog.text
        caplog.clear()
    if name != "policy.json":
        files.policy()
        await reread(files, by_itself)
        assert not await files.may("b")

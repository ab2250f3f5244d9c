from __future__ import annotations

import asyncio
import json
import stat
from datetime import timedelta
from pathlib import Path

import pytest
from tests.delivery.conftest import NOON

from tidegate.delivery.signing_keys import KeyRing, SigningKeys, jwks, save
from tidegate.operator_errors import OperatorError

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


def kids(ring: KeyRing) -> list[str]:
    return [key.kid for key in ring.keys]


def names_in(directory: Path) -> list[str]:
    return [each.name for each in directory.iterdir()]


def published(ring: KeyRing) -> list[str]:
    return [key["kid"] for key in jwks(ring)["keys"]]


async def test_the_first_key_signs_at_once() -> None:
    ring = await SigningKeys(None).ring(NOON)
    assert ring.signing(NOON).kid == kids(ring)[0]


async def test_a_ring_stays_for_a_month() -> None:
    keys = SigningKeys(None)
    first = await keys.ring(NOON)
    assert await keys.ring(NOON + 30 * DAY - HOUR) is first
    assert await keys.ring(NOON + 30 * DAY) is not first


async def test_a_new_key_is_published_before_it_signs_and_an_old_one_after() -> None:
    keys = SigningKeys(None)
    [old] = kids(await keys.ring(NOON))
    turned = NOON + 30 * DAY
    ring = await keys.ring(turned)
    new, same = kids(ring)
    assert same == old
    assert published(ring) == [new, old]
    assert ring.signing(turned + HOUR - timedelta(seconds=1)).kid == old
    assert ring.signing(turned + HOUR).kid == new
    again = await keys.ring(turned + 30 * DAY)
    assert kids(again)[1:] == [new]  # the first has not signed for a month


async def test_a_key_that_signed_until_lately_stays_published() -> None:
    ring = KeyRing().turned(NOON)
    for hours in (1, 2, 3):
        ring = ring.turned(NOON + hours * HOUR)
    assert len(published(ring)) == 4


def test_a_ring_comes_back_as_it_was_saved() -> None:
    ring = KeyRing().turned(NOON).turned(NOON + HOUR)
    loaded = KeyRing.load(ring.dump())
    assert loaded.dump() == ring.dump()
    assert kids(loaded) == kids(ring)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{}",
        b"[]",
        b"null",
        b'{"keys": 1}',
        b'{"keys": [1]}',
        b'{"keys": [{}]}',
        b'{"keys": [{"created": "soon"}]}',
        b'{"keys": [{"created": "2026-05-04T12:00:00+00:00", "kty": "RSA"}]}',
        b'{"keys": [{"created": "2026-05-04T12:00:00+00:00", "kty": "oct", "k": "AAAA"}]}',
    ],
)
def test_what_is_no_ring_is_refused(data: bytes) -> None:
    with pytest.raises(ValueError, match="no ring of signing keys"):
        KeyRing.load(data)


def test_a_ring_without_private_parts_is_refused() -> None:
    ring = KeyRing().turned(NOON)
    public = [key | {"created": NOON.isoformat()} for key in jwks(ring)["keys"]]
    with pytest.raises(ValueError, match="private"):
        KeyRing.load(json.dumps({"keys": public}).encode())


async def test_keys_are_kept_in_a_file_for_its_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "keys.json"
    first = await SigningKeys(path).ring(NOON)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert kids(await SigningKeys(path).ring(NOON)) == kids(first)
    assert names_in(tmp_path) == ["keys.json"]


async def test_a_turned_ring_is_in_the_file_before_it_is_used(tmp_path: Path) -> None:
    path = tmp_path / "keys.json"
    keys = SigningKeys(path)
    await keys.ring(NOON)
    turned = await keys.ring(NOON + 31 * DAY)
    assert kids(KeyRing.load(path.read_bytes())) == kids(turned)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


async def test_no_file_is_made_before_a_key_is_needed(tmp_path: Path) -> None:
    SigningKeys(tmp_path / "keys.json")
    assert names_in(tmp_path) == []


async def test_two_processes_that_start_together_share_the_first_key(tmp_path: Path) -> None:
    path = tmp_path / "keys.json"
    one, other = SigningKeys(path), SigningKeys(path)
    assert kids(await one.ring(NOON)) == kids(await other.ring(NOON))


async def test_many_who_ask_at_once_get_one_ring() -> None:
    keys = SigningKeys(None)
    rings = await asyncio.gather(*[keys.ring(NOON) for _ in range(10)])
    assert len({id(ring) for ring in rings}) == 1


def test_a_file_that_others_could_read_is_closed_to_them(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = tmp_path / "keys.json"
    save(KeyRing().turned(NOON), path, first=True)
    path.chmod(0o644)
    SigningKeys(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert "could be read by others" in caplog.text


def test_a_damaged_file_is_named(tmp_path: Path) -> None:
    path = tmp_path / "keys.json"
    path.write_bytes(b"{")
    path.chmod(0o600)
    with pytest.raises(OperatorError, match=r"keys\.json: no ring of signing keys"):
        SigningKeys(path)


def test_a_save_that_fails_leaves_what_was_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "keys.json"
    ring = KeyRing().turned(NOON)
    save(ring, path, first=True)

    def fail(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", fail)
    with pytest.raises(OSError, match="No space left"):
        save(ring.turned(NOON + DAY), path, first=False)
    assert path.read_bytes() == ring.dump()
    assert names_in(tmp_path) == ["keys.json"]

"""The documents that every store keeps."""

from __future__ import annotations

from tests.storage.one_queue import HOUR, NOON

from tidegate.engine.ports.store import Store, Transaction


async def test_documents_are_kept_until_they_expire(store: Store) -> None:
    await store.write(lambda tx: tx.put_document("operation", "a", b"1", NOON + HOUR))
    await store.write(lambda tx: tx.put_document("operation", "a", b"2", NOON + HOUR))
    await store.write(lambda tx: tx.put_document("policy", "a", b"3"))
    assert await store.read(lambda tx: tx.document("operation", "a", NOON)) == b"2"
    assert await store.read(lambda tx: tx.document("operation", "a", NOON + HOUR)) is None
    await store.write(lambda tx: tx.drop_document("policy", "a"))
    assert await store.read(lambda tx: tx.document("policy", "a", NOON)) is None


async def test_documents_of_a_kind_are_listed_by_their_names(store: Store) -> None:
    def work(tx: Transaction) -> None:
        for name in ("a/2", "a/1", "a0/1", "b/1"):
            tx.put_document("kind", name, name.encode())
        tx.put_document("kind", "a/3", b"spent", NOON)
        tx.put_document("other", "a/1", b"another kind")

    await store.write(work)
    looks = [("", "", 10), ("a/", "", 10), ("a/", "a/1", 10), ("", "a/2", 1)]
    found = await store.read(lambda tx: [tx.documents("kind", *look, NOON) for look in looks])
    assert [[name for name, _ in each] for each in found] == [
        ["a/1", "a/2", "a0/1", "b/1"],
        ["a/1", "a/2"],
        ["a/2"],
        ["a0/1"],
    ]
    assert found[1][0] == ("a/1", b"a/1")

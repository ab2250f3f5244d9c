"""URLs of stores: what they name, and what is shown of them."""

from __future__ import annotations

import pytest

from tidegate.settings.stores import PostgresUrl, SqliteUrl, read_store


def postgres(url: str) -> PostgresUrl:
    store = read_store(url)
    assert isinstance(store, PostgresUrl)
    return store


def test_a_file_is_named_by_its_path_and_memory_by_its_word() -> None:
    assert read_store("sqlite:///a/b.db") == SqliteUrl("a/b.db")
    assert read_store("sqlite:////var/b.db") == SqliteUrl("/var/b.db")
    assert read_store("sqlite://:memory:").in_memory


def test_our_words_are_taken_out_and_libpqs_are_left_as_they_are() -> None:
    store = postgres(
        "postgresql://me@db1:5432,db2:5433/tasks?target_session_attrs=read-write&schema=other&sslmode=verify-full&prepare=off"
    )
    assert store.schema == "other"
    assert not store.prepare
    assert store.conninfo == (
        "postgresql://me@db1:5432,db2:5433/tasks?target_session_attrs=read-write&sslmode=verify-full"
    )


def test_without_our_words_the_schema_is_tidegate_and_statements_are_prepared() -> None:
    assert (postgres("postgres://db/tasks").schema, postgres("postgres://db/tasks").prepare) == ("tidegate", True)


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("postgresql://me:s3cret@db/tasks", "postgresql://me:***@db/tasks"),
        ("postgresql://me:s%40cret@db/tasks", "postgresql://me:***@db/tasks"),
        ("postgresql:///tasks?host=/run/pg&password=s3cret", "postgresql:///tasks?host=/run/pg&password=***"),
        ("postgresql://db/tasks?schema=other&prepare=off", "postgresql://db/tasks?schema=other&prepare=off"),
        ("postgresql://me@db/tasks", "postgresql://me@db/tasks"),
    ],
)
def test_a_password_is_never_shown(url: str, shown: str) -> None:
    assert str(postgres(url)) == shown
    assert shown in repr(postgres(url))


def test_passwords_are_known_as_written_and_as_meant() -> None:
    assert postgres("postgresql://me:s%40cret@db/tasks?sslpassword=other").passwords() == {
        "s%40cret",
        "s@cret",
        "other",
    }

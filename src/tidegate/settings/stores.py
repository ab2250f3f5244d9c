"""Where a store is: a SQLite file, memory, or PostgreSQL by libpq's own words and two of ours."""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import parse_qsl, quote, unquote, urlencode, urlsplit

from msgspec import Struct

SCHEMES: Final = ("postgresql", "postgres")
DEFAULT_SCHEMA: Final = "tidegate"

_SCHEMA = re.compile(r"[a-z_][a-z0-9_]{0,62}")  # PostgreSQL cuts names to 63 bytes
_SECRETS = {"password", "sslpassword"}
MASK: Final = "***"


MEMORY = ":memory:"


class SqliteUrl(Struct, frozen=True):
    """A store in one SQLite file, or in memory."""

    path: str

    @property
    def in_memory(self) -> bool:
        return self.path == MEMORY

    def __str__(self) -> str:
        return f"sqlite://{MEMORY}" if self.in_memory else f"sqlite:///{self.path}"


class PostgresUrl(Struct, frozen=True):
    """A store on PostgreSQL. ``conninfo`` is what libpq is given, a URL; ``schema`` is where the tables are; without
    ``prepare`` no statement is prepared, as poolers in transaction mode need it.
    """

    conninfo: str
    schema: str = DEFAULT_SCHEMA
    prepare: bool = True

    @property
    def in_memory(self) -> bool:
        return False

    def __str__(self) -> str:
        """The URL with its passwords masked: what is shown and logged."""
        scheme, place, path, query, _ = urlsplit(self.conninfo)
        user, at, host = place.rpartition("@")
        name, colon, _ = user.partition(":")
        words = [(word, MASK if word in _SECRETS else value) for word, value in parse_qsl(query)]
        if self.schema != DEFAULT_SCHEMA:
            words.append(("schema", self.schema))
        if not self.prepare:
            words.append(("prepare", "off"))
        place = f"{name}{f':{MASK}' if colon else ''}{at}{host}"
        query = urlencode(words, safe="*/,", quote_via=quote)
        return f"{scheme}://{place}{path}{'?' if query else ''}{query}"

    def __repr__(self) -> str:
        return f"PostgresUrl({str(self)!r})"

    def passwords(self) -> set[str]:
        """The passwords in the URL, as written and as meant."""
        _, place, _, query, _ = urlsplit(self.conninfo)
        written = place.rpartition("@")[0].partition(":")[2]
        return {written, unquote(written), *(value for word, value in parse_qsl(query) if word in _SECRETS)} - {""}


StoreUrl = SqliteUrl | PostgresUrl


def read_store(value: str) -> StoreUrl:
    """The store that a URL names. Raises ValueError with the rule that it breaks."""
    url = value.strip()
    if url in {f"sqlite://{MEMORY}", f"sqlite:///{MEMORY}"}:
        return SqliteUrl(MEMORY)
    if url.partition(":")[0] in SCHEMES:
        return _postgres(url)
    path = url.removeprefix("sqlite:///")
    if path == url or not path or path.endswith("/"):
        raise ValueError(
            f"sqlite:///FILE, sqlite:////ABSOLUTE/FILE, sqlite://{MEMORY} or postgresql://USER@HOST/DATABASE"
        )
    return SqliteUrl(path)


def _postgres(url: str) -> PostgresUrl:
    try:
        scheme, place, path, query, fragment = urlsplit(url)
    except ValueError:
        raise ValueError("postgresql://USER@HOST/DATABASE") from None
    if scheme not in SCHEMES or fragment or not url.partition(":")[2].startswith("//"):
        raise ValueError("postgresql://USER@HOST/DATABASE")
    schema, prepare, libpq = DEFAULT_SCHEMA, True, []
    for word, value in parse_qsl(query, keep_blank_values=True):
        if word == "schema":
            if not _SCHEMA.fullmatch(value):
                raise ValueError("a URL whose schema has small letters, digits and _, and begins with no digit")
            schema = value
        elif word == "prepare":
            if value not in {"on", "off"}:
                raise ValueError("a URL whose prepare is on or off")
            prepare = value == "on"
        else:
            libpq.append((word, value))
    rest = urlencode(libpq, safe="*/,", quote_via=quote)
    return PostgresUrl(f"{scheme}://{place}{path}{'?' if rest else ''}{rest}", schema, prepare)

"""PostgreSQL for tests: the server that the environment names, else one that runs as long as the test process."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import pytest
from psycopg import sql
from tests.kit.postgres_programs import of_debian
from tests.kit.postgres_server import postgres_server

NAMED = "TIDEGATE_TEST_POSTGRES"
"""Names a server, ``postgresql://USER@HOST/DATABASE``, whose user may make databases."""


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """A database for the tests of this process; it is gone with them."""
    with postgres_database() as url:
        yield url


OLDER = of_debian(15)
"""PostgreSQL 15, where the system has it beside the one that tests bring."""


@pytest.fixture(scope="session")
def older_postgres_url() -> Iterator[str]:
    """An empty database of that one."""
    with postgres_server(OLDER) as server:
        yield server.url


@contextmanager
def postgres_database() -> Iterator[str]:
    """The URL of an empty database."""
    named = os.environ.get(NAMED)
    if named is None:
        with postgres_server() as server:
            yield server.url
        return
    name = f"tidegate_test_{secrets.token_hex(6)}"
    with psycopg.connect(named, autocommit=True) as connection:
        connection.execute(
            sql.SQL("CREATE DATABASE {} TEMPLATE template0 ENCODING 'UTF8'").format(sql.Identifier(name))
        )
        try:
            yield psycopg.conninfo.make_conninfo(named, dbname=name)
        finally:
            connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))

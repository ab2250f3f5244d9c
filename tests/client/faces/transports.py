"""The source of the transports of a version."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.client.faces.face import Face


KINDS = (("", ""), ("AsyncIO", ", with asyncio"))
"""What the names of blocking and asyncio transports have in them, and what is said of them."""


def transports(face: Face) -> Iterator[tuple[str, str]]:
    """The transports of a version: the name of each module, and its text."""
    here = f"{face.package}.services.cloud_tasks.transports"
    base = f"from {here}.base import CloudTasksTransport"
    yield (
        "base",
        f'''"""What the transports of {face.version} share."""

from tidegate.client.transports.base import DEFAULT_CLIENT_INFO, Transport
from {face.schema} import SERVICES

__all__ = ["DEFAULT_CLIENT_INFO", "CloudTasksTransport"]


class CloudTasksTransport(Transport):
    """Sends the requests of {face.version}."""

    rows = tuple(row for service in SERVICES for row in service.rpcs if row.grpc)
''',
    )
    for kind, words in KINDS:
        yield (
            "grpc_asyncio" if kind else "grpc",
            f'''"""gRPC{" with asyncio" if kind else ""}."""

from tidegate.client.transports.grpc{"_asyncio" if kind else ""} import Grpc{kind}Transport
{base}

__all__ = ["CloudTasksGrpc{kind}Transport"]


class CloudTasksGrpc{kind}Transport(Grpc{kind}Transport, CloudTasksTransport):
    """Sends the requests of {face.version} over gRPC{words}."""
''',
        )
    yield (
        "rest_base",
        f'''"""What the REST transports of {face.version} share."""

from tidegate.client.transports.http import Interceptor
{base}

__all__ = ["CloudTasksRestInterceptor"]


class CloudTasksRestInterceptor(Interceptor):
    """Sees, and may change, what goes over REST."""

    rows = CloudTasksTransport.rows
''',
    )
    for kind, words in KINDS:
        module = "rest_asyncio" if kind else "rest"
        listed = ", ".join(sorted([f'"CloudTasksRest{kind}Transport"', '"CloudTasksRestInterceptor"']))
        yield (
            module,
            f'''"""REST{" with asyncio" if kind else ""}."""

from tidegate.client.transports.{module} import DEFAULT_CLIENT_INFO, Rest{kind}Transport
{base}
from {here}.rest_base import CloudTasksRestInterceptor

__all__ = ["DEFAULT_CLIENT_INFO", {listed}]


class CloudTasksRest{kind}Transport(Rest{kind}Transport, CloudTasksTransport):
    """Sends the requests of {face.version} over REST{words}."""

    _interceptor_type = CloudTasksRestInterceptor
''',
        )

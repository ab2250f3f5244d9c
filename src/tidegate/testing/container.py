"""A Tidegate in a container, for those whose tests start what they need with testcontainers."""

from __future__ import annotations

from typing import Any

import tidegate as package

try:
    from testcontainers.core.container import DockerContainer
    from testcontainers.core.wait_strategies import HttpWaitStrategy
except ImportError as error:
    raise ImportError(
        f"TidegateContainer needs testcontainers, 4.13 or later: pip install testcontainers ({error})"
    ) from error

IMAGE = "tidegate"
"""What ``docker build --tag tidegate .`` makes."""
PORT = 8123


class TidegateContainer(DockerContainer):  # type: ignore[misc] # it may not be there
    """A server of its own in a container, in memory, with what ``--dev`` turns on. Needs testcontainers.

        with TidegateContainer() as server, server.get_client() as client:
            ...

    Started, it answers calls: it waits for ``/readyz``. Tasks of ``localhost`` are the container's own; to reach a
    handler on this machine, use ``host.docker.internal`` or a network of its own.

    Args:
        image: the image, with its tag.
        arguments: further ones for ``tidegate serve``, such as ``--queue projects/p/locations/l/queues/mail``.
        options: of ``DockerContainer``.
    """

    def __init__(self, image: str = IMAGE, *arguments: str, **options: Any) -> None:
        super().__init__(image, **options)
        self.port = PORT
        self.with_exposed_ports(PORT)
        everywhere = "0.0.0.0"  # noqa: S104 - in the container
        self.with_command(["serve", "--dev", "--host", everywhere, "--store", "sqlite://:memory:", *arguments])
        self.waiting_for(HttpWaitStrategy(PORT, "/readyz"))

    def get_address(self) -> str:
        """``HOST:PORT`` as this machine reaches it, as CLOUD_TASKS_EMULATOR_HOST has it."""
        return f"{self.get_container_host_ip()}:{self.get_exposed_port(self.port)}"

    def get_url(self) -> str:
        """``http://HOST:PORT``."""
        return f"http://{self.get_address()}"

    def get_client(self, version: str = "v2") -> Any:
        """A client of it: ``tidegate.tasks_v2.CloudTasksClient``, which has the names of Google's."""
        return package.connect(self.get_address(), version=version)  # type: ignore[call-overload]

    def get_async_client(self, version: str = "v2") -> Any:
        """The same, with methods that are awaited."""
        return package.connect(self.get_address(), version=version, asynchronous=True)  # type: ignore[call-overload]

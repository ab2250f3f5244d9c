"""Testing what an application does with its tasks: a server within the test, or beside it.

The pytest plugin brings the fixture ``tidegate``; ``Server`` is for unittest and scripts. Nothing here is imported
before it is used, for pytest loads the plugin in every project that has this package.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tidegate.testing.container import TidegateContainer
    from tidegate.testing.handler_request import HandlerRequest
    from tidegate.testing.queue import Queue
    from tidegate.testing.server import Server
    from tidegate.testing.tidegate import Tidegate
else:
    from tidegate.client.lazy import exports

    __getattr__, __dir__ = exports(
        __name__,
        {
            "HandlerRequest": "tidegate.testing.handler_request",
            "Queue": "tidegate.testing.queue",
            "Server": "tidegate.testing.server",
            "Tidegate": "tidegate.testing.tidegate",
            "TidegateContainer": "tidegate.testing.container",
        },
    )

__all__ = ["HandlerRequest", "Queue", "Server", "Tidegate", "TidegateContainer"]

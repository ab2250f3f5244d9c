"""How calls of Cloud Tasks v2beta3 travel."""

from typing import TYPE_CHECKING

from tidegate.client.lazy import exports

if TYPE_CHECKING:
    from tidegate.tasks_v2beta3.services.cloud_tasks.transports.base import CloudTasksTransport
    from tidegate.tasks_v2beta3.services.cloud_tasks.transports.grpc import CloudTasksGrpcTransport
    from tidegate.tasks_v2beta3.services.cloud_tasks.transports.grpc_asyncio import CloudTasksGrpcAsyncIOTransport
    from tidegate.tasks_v2beta3.services.cloud_tasks.transports.rest import (
        CloudTasksRestInterceptor,
        CloudTasksRestTransport,
    )
    from tidegate.tasks_v2beta3.services.cloud_tasks.transports.rest_asyncio import CloudTasksRestAsyncIOTransport
else:
    __getattr__, __dir__ = exports(
        __name__,
        {
            "CloudTasksGrpcAsyncIOTransport": "tidegate.tasks_v2beta3.services.cloud_tasks.transports.grpc_asyncio",
            "CloudTasksGrpcTransport": "tidegate.tasks_v2beta3.services.cloud_tasks.transports.grpc",
            "CloudTasksRestAsyncIOTransport": "tidegate.tasks_v2beta3.services.cloud_tasks.transports.rest_asyncio",
            "CloudTasksRestInterceptor": "tidegate.tasks_v2beta3.services.cloud_tasks.transports.rest",
            "CloudTasksRestTransport": "tidegate.tasks_v2beta3.services.cloud_tasks.transports.rest",
            "CloudTasksTransport": "tidegate.tasks_v2beta3.services.cloud_tasks.transports.base",
        },
    )

__all__ = [
    "CloudTasksGrpcAsyncIOTransport",
    "CloudTasksGrpcTransport",
    "CloudTasksRestAsyncIOTransport",
    "CloudTasksRestInterceptor",
    "CloudTasksRestTransport",
    "CloudTasksTransport",
]

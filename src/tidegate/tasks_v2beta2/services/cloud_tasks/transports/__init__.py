"""How calls of Cloud Tasks v2beta2 travel."""

from typing import TYPE_CHECKING

from tidegate.client.lazy import exports

if TYPE_CHECKING:
    from tidegate.tasks_v2beta2.services.cloud_tasks.transports import base as base
    from tidegate.tasks_v2beta2.services.cloud_tasks.transports import grpc as grpc
    from tidegate.tasks_v2beta2.services.cloud_tasks.transports import grpc_asyncio as grpc_asyncio
    from tidegate.tasks_v2beta2.services.cloud_tasks.transports import rest as rest
    from tidegate.tasks_v2beta2.services.cloud_tasks.transports import rest_asyncio as rest_asyncio
    from tidegate.tasks_v2beta2.services.cloud_tasks.transports import rest_base as rest_base
    from tidegate.tasks_v2beta2.services.cloud_tasks.transports.base import CloudTasksTransport
    from tidegate.tasks_v2beta2.services.cloud_tasks.transports.grpc import CloudTasksGrpcTransport
    from tidegate.tasks_v2beta2.services.cloud_tasks.transports.grpc_asyncio import CloudTasksGrpcAsyncIOTransport
    from tidegate.tasks_v2beta2.services.cloud_tasks.transports.rest import (
        CloudTasksRestInterceptor,
        CloudTasksRestTransport,
    )
    from tidegate.tasks_v2beta2.services.cloud_tasks.transports.rest_asyncio import CloudTasksRestAsyncIOTransport
else:
    __getattr__, __dir__ = exports(
        __name__,
        {
            "CloudTasksGrpcAsyncIOTransport": "tidegate.tasks_v2beta2.services.cloud_tasks.transports.grpc_asyncio",
            "CloudTasksGrpcTransport": "tidegate.tasks_v2beta2.services.cloud_tasks.transports.grpc",
            "CloudTasksRestAsyncIOTransport": "tidegate.tasks_v2beta2.services.cloud_tasks.transports.rest_asyncio",
            "CloudTasksRestInterceptor": "tidegate.tasks_v2beta2.services.cloud_tasks.transports.rest",
            "CloudTasksRestTransport": "tidegate.tasks_v2beta2.services.cloud_tasks.transports.rest",
            "CloudTasksTransport": "tidegate.tasks_v2beta2.services.cloud_tasks.transports.base",
            "base": "tidegate.tasks_v2beta2.services.cloud_tasks.transports.base",
            "grpc": "tidegate.tasks_v2beta2.services.cloud_tasks.transports.grpc",
            "grpc_asyncio": "tidegate.tasks_v2beta2.services.cloud_tasks.transports.grpc_asyncio",
            "rest_base": "tidegate.tasks_v2beta2.services.cloud_tasks.transports.rest_base",
            "rest": "tidegate.tasks_v2beta2.services.cloud_tasks.transports.rest",
            "rest_asyncio": "tidegate.tasks_v2beta2.services.cloud_tasks.transports.rest_asyncio",
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

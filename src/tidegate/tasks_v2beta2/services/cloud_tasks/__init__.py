"""The clients of Cloud Tasks v2beta2."""

from typing import TYPE_CHECKING

from tidegate.client.lazy import exports

if TYPE_CHECKING:
    from tidegate.tasks_v2beta2.services.cloud_tasks import async_client as async_client
    from tidegate.tasks_v2beta2.services.cloud_tasks import client as client
    from tidegate.tasks_v2beta2.services.cloud_tasks import pagers as pagers
    from tidegate.tasks_v2beta2.services.cloud_tasks import transports as transports
    from tidegate.tasks_v2beta2.services.cloud_tasks.async_client import CloudTasksAsyncClient
    from tidegate.tasks_v2beta2.services.cloud_tasks.client import CloudTasksClient
else:
    __getattr__, __dir__ = exports(
        __name__,
        {
            "CloudTasksAsyncClient": "tidegate.tasks_v2beta2.services.cloud_tasks.async_client",
            "CloudTasksClient": "tidegate.tasks_v2beta2.services.cloud_tasks.client",
            "async_client": "tidegate.tasks_v2beta2.services.cloud_tasks.async_client",
            "client": "tidegate.tasks_v2beta2.services.cloud_tasks.client",
            "pagers": "tidegate.tasks_v2beta2.services.cloud_tasks.pagers",
            "transports": "tidegate.tasks_v2beta2.services.cloud_tasks.transports",
        },
    )

__all__ = ["CloudTasksAsyncClient", "CloudTasksClient"]

"""REST with asyncio."""

from tidegate.client.transports.rest_asyncio import DEFAULT_CLIENT_INFO, RestAsyncIOTransport
from tidegate.tasks_v2.services.cloud_tasks.transports.base import CloudTasksTransport
from tidegate.tasks_v2.services.cloud_tasks.transports.rest_base import CloudTasksRestInterceptor

__all__ = ["DEFAULT_CLIENT_INFO", "CloudTasksRestAsyncIOTransport", "CloudTasksRestInterceptor"]


class CloudTasksRestAsyncIOTransport(RestAsyncIOTransport, CloudTasksTransport):
    """Sends the requests of v2 over REST, with asyncio."""

    _interceptor_type = CloudTasksRestInterceptor

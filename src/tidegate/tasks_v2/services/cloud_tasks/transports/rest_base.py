"""What the REST transports of v2 share."""

from tidegate.client.transports.http import Interceptor
from tidegate.tasks_v2.services.cloud_tasks.transports.base import CloudTasksTransport

__all__ = ["CloudTasksRestInterceptor"]


class CloudTasksRestInterceptor(Interceptor):
    """Sees, and may change, what goes over REST."""

    rows = CloudTasksTransport.rows

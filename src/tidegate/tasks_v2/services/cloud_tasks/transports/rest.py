"""REST."""

from tidegate.client.transports.rest import DEFAULT_CLIENT_INFO, RestTransport
from tidegate.tasks_v2.services.cloud_tasks.transports.base import CloudTasksTransport
from tidegate.tasks_v2.services.cloud_tasks.transports.rest_base import CloudTasksRestInterceptor

__all__ = ["DEFAULT_CLIENT_INFO", "CloudTasksRestInterceptor", "CloudTasksRestTransport"]


class CloudTasksRestTransport(RestTransport, CloudTasksTransport):
    """Sends the requests of v2 over REST."""

    _interceptor_type = CloudTasksRestInterceptor

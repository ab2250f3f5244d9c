"""The service of Cloud Tasks v2beta2."""

from typing import TYPE_CHECKING

from tidegate.client.lazy import exports

if TYPE_CHECKING:
    from tidegate.tasks_v2beta2.services import cloud_tasks as cloud_tasks
else:
    __getattr__, __dir__ = exports(
        __name__,
        {
            "cloud_tasks": "tidegate.tasks_v2beta2.services.cloud_tasks",
        },
    )

__all__: list[str] = []

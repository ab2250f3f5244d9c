"""Google Cloud Tasks that anyone can run: every API version, over gRPC and REST, durable on disk."""

__version__ = "0.1.0"

TYPE_CHECKING = False  # read as that of typing, which takes as long to import as all that the command line needs

if TYPE_CHECKING:
    from tidegate.client.connecting import connect
    from tidegate.client.patching import patch_google_cloud_tasks
    from tidegate.client.tasks import http_task, pull_task, task_name
else:
    from tidegate.client.lazy import exports

    __getattr__, __dir__ = exports(
        __name__,
        {
            "connect": "tidegate.client.connecting",
            "http_task": "tidegate.client.tasks",
            "patch_google_cloud_tasks": "tidegate.client.patching",
            "pull_task": "tidegate.client.tasks",
            "task_name": "tidegate.client.tasks",
        },
    )

__all__ = ["__version__", "connect", "http_task", "patch_google_cloud_tasks", "pull_task", "task_name"]

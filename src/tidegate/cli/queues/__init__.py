"""``tidegate queues``: see and apply a queue.yaml on a running server."""

from tidegate.cli.queues.command import queues

__all__ = ["queues"]

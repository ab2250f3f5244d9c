"""``tidegate queues plan`` and ``apply``: see and apply a queue.yaml on a running server."""

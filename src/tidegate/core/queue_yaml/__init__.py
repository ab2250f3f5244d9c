"""queue.yaml: what it may say, and what becomes of the queues of its location.

The file comes as the plain data of a YAML document. YAML itself is read in ``api/yaml_text``.
"""

from tidegate.core.queue_yaml.file import QueueEntry, QueueFile, planned
from tidegate.core.queue_yaml.reading import Lines, Path, read_queue_yaml

__all__ = ["Lines", "Path", "QueueEntry", "QueueFile", "planned", "read_queue_yaml"]

"""A queue.yaml in short forms."""

from typing import Any

import pytest
from tests.core.examples import LOCATION

from tidegate.core.errors import InvalidArgument
from tidegate.core.names import LocationName
from tidegate.core.queue import Queue, RetryConfig
from tidegate.core.queue_yaml import QueueFile, planned, read_queue_yaml
from tidegate.core.validation import Ceilings

HERE = LocationName(LOCATION)
DEFAULT_RETRY = RetryConfig(max_attempts=-1)


def read(*entries: Any, **top: Any) -> QueueFile:
    return read_queue_yaml({"queue": list(entries), **top}, Ceilings())


def made(*existing: Queue, entry: Any = None, **top: Any) -> dict[str, Queue]:
    entries = [] if entry is None else [entry]
    return {queue.name.queue: queue for queue in planned(read(*entries, **top), HERE, existing)}


def retried(**parameters: Any) -> RetryConfig:
    return read({"name": "q", "rate": "1/s", "retry_parameters": parameters}).entries[0].retry_config


def refusal(data: Any) -> str:
    with pytest.raises(InvalidArgument) as caught:
        read_queue_yaml(data, Ceilings())
    assert caught.value.message.startswith("Invalid queue configuration. ")
    return caught.value.message.removeprefix("Invalid queue configuration. ")


def one(**entry: Any) -> dict[str, Any]:
    return {"queue": [{"name": "q", "rate": "1/s", **entry}]}

"""What a queue keeps: changed from the form of its configuration."""

from __future__ import annotations

from tidegate.console.answer import Answer
from tidegate.console.options_form import follow_settings, options_request
from tidegate.console.views.queue import configuration
from tidegate.console.visit import Visit
from tidegate.core.errors import ApiError
from tidegate.core.names import QueueName
from tidegate.schema.operator import Operator


async def save(visit: Visit, name: QueueName) -> Answer:
    """Save what was changed in the form, or have the queue follow the server's settings again."""
    visit.need("cloudtasks.queues.update", name)
    options = f"{name}/options"
    try:
        if visit.request.sent("do") == "follow":
            request = follow_settings(options)
        else:
            request = options_request(visit.request, await visit.calls(Operator.get_queue_options, name=options))
        if request is not None:
            await visit.calls(Operator.update_queue_options, request)
    except ApiError as error:
        return await configuration(visit, name, trouble=error.message)
    return visit.go(f"{name}/configuration", notice="saved")

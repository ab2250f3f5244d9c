"""A program as one writes it for Google: a queue, tasks for an HTTP handler, and away with them again."""

import datetime
import json
import sys

from google.cloud import tasks_v2
from google.protobuf import duration_pb2, timestamp_pb2

project, location, queue_id, url = "demo", "europe-west1", sys.argv[1], sys.argv[2]

client = tasks_v2.CloudTasksClient()
parent = client.common_location_path(project, location)
queue_name = client.queue_path(project, location, queue_id)

# A queue, and another look at it.
queue = client.create_queue(
    tasks_v2.CreateQueueRequest(
        parent=parent,
        queue=tasks_v2.Queue(name=queue_name, rate_limits={"max_dispatches_per_second": 5}),
    )
)
print("created", queue.name, queue.rate_limits.max_dispatches_per_second, queue.state.name)
queue.retry_config.max_attempts = 3
updated = client.update_queue(queue=queue, update_mask={"paths": ["retry_config.max_attempts"]})
print("attempts", updated.retry_config.max_attempts)
client.pause_queue(name=queue_name)
print("queues", [queue.name for queue in client.list_queues(parent=parent) if queue.name == queue_name])

# A task for tomorrow, with a body in JSON, made twice.
tomorrow = timestamp_pb2.Timestamp()
tomorrow.FromDatetime(datetime.datetime.now(datetime.UTC) + datetime.timedelta(days=1))
task = tasks_v2.Task(
    name=client.task_path(project, location, queue_id, "letter-1"),
    http_request=tasks_v2.HttpRequest(
        http_method=tasks_v2.HttpMethod.POST,
        url=url,
        headers={"Content-type": "application/json"},
        body=json.dumps({"to": "you"}).encode(),
    ),
    schedule_time=tomorrow,
    dispatch_deadline=duration_pb2.Duration(seconds=60),
)
created = client.create_task(tasks_v2.CreateTaskRequest(parent=queue_name, task=task))
print(
    "created",
    created.name,
    created.http_request.url == url,
    created.schedule_time.timestamp() == tomorrow.seconds + tomorrow.nanos // 1000 / 1e6,
)
try:
    client.create_task(parent=queue_name, task=task)
except Exception as error:
    print("again", type(error).__name__, error.code)

# One with a token of a service account.
with_token = client.create_task(
    request={
        "parent": queue_name,
        "task": {
            "name": client.task_path(project, location, queue_id, "letter-2"),
            "http_request": {
                "url": url,
                "oidc_token": {"service_account_email": "me@demo.iam.gserviceaccount.com", "audience": "letters"},
            },
        },
    },
    timeout=30,
)
print("token", with_token.http_request.oidc_token.audience)

# All of them, in full; then away with them.
full = client.list_tasks(request={"parent": queue_name, "response_view": tasks_v2.Task.View.FULL, "page_size": 1})
for listed in sorted(full, key=lambda task: task.name):
    print("task", listed.name, listed.view.name, bytes(listed.http_request.body))
client.delete_task(name=created.name)
print("left", [task.name for task in client.list_tasks(parent=queue_name)])
try:
    client.get_task(name=created.name)
except Exception as error:
    print("gone", type(error).__name__)
client.purge_queue(name=queue_name)
client.delete_queue(name=queue_name)
with client:
    print("done")

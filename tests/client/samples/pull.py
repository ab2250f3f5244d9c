"""A program as one writes it for Google: a worker that leases tasks from a pull queue and acknowledges them."""

import sys

from google.cloud import tasks_v2beta2

project, location, queue_id = "demo", "europe-west1", sys.argv[1]

client = tasks_v2beta2.CloudTasksClient()
queue_name = client.queue_path(project, location, queue_id)
client.create_queue(
    parent=f"projects/{project}/locations/{location}",
    queue=tasks_v2beta2.Queue(name=queue_name, pull_target=tasks_v2beta2.PullTarget()),
)
for number in range(3):
    task = {"pull_message": {"payload": f"message {number}".encode(), "tag": "even" if number % 2 == 0 else "odd"}}
    client.create_task(parent=queue_name, task=task)

leased = client.lease_tasks(
    request={
        "parent": queue_name,
        "max_tasks": 10,
        "lease_duration": {"seconds": 600},
        "filter": "tag=even",
        "response_view": "FULL",
    }
)
print("leased", sorted(bytes(task.pull_message.payload) for task in leased.tasks))
first, second = leased.tasks
renewed = client.renew_lease(name=first.name, schedule_time=first.schedule_time, lease_duration={"seconds": 1200})
print("renewed", renewed.schedule_time > first.schedule_time)
client.acknowledge_task(name=first.name, schedule_time=renewed.schedule_time)
cancelled = client.cancel_lease(name=second.name, schedule_time=second.schedule_time)
print("cancelled", cancelled.schedule_time < second.schedule_time)
try:
    client.acknowledge_task(name=second.name, schedule_time=second.schedule_time)
except Exception as error:
    print("too late", type(error).__name__)
print("left", len(list(client.list_tasks(parent=queue_name))))
client.delete_queue(name=queue_name)

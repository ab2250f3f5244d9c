"""The same with asyncio: many tasks at once, and one batch."""

import asyncio
import sys

from google.cloud import tasks_v2

project, location, queue_id, url = "demo", "europe-west1", sys.argv[1], sys.argv[2]


async def main() -> None:
    async with tasks_v2.CloudTasksAsyncClient() as client:
        queue_name = client.queue_path(project, location, queue_id)
        parent = client.common_location_path(project, location)
        await client.create_queue(parent=parent, queue={"name": queue_name})
        await client.pause_queue(name=queue_name)
        task = {"http_request": {"url": url, "body": b"x"}}
        created = await asyncio.gather(*[client.create_task(parent=queue_name, task=task) for _ in range(20)])
        print("created", len({task.name for task in created}))
        listed = [task.name async for task in await client.list_tasks(request={"parent": queue_name, "page_size": 7})]
        print("listed", sorted(listed) == sorted(task.name for task in created))
        deletion = await client.batch_delete_tasks(parent=queue_name, names=listed[:5])
        await deletion.result()
        print("deleted", deletion.metadata.state.name)
        print("left", len([task async for task in await client.list_tasks(parent=queue_name)]))
        await client.delete_queue(name=queue_name)


asyncio.run(main())

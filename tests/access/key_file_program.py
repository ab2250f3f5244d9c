"""Creates a task with Google's client and Application Default Credentials, and prints what comes of it.

Usage: key_file_program.py HOST:PORT grpc|rest QUEUE
"""

import sys

from google.api_core.exceptions import GoogleAPICallError
from google.cloud import tasks_v2

address, transport, queue = sys.argv[1:]
client = tasks_v2.CloudTasksClient(transport=transport, client_options={"api_endpoint": address})
task = tasks_v2.Task(http_request=tasks_v2.HttpRequest(url="http://127.0.0.1:9/"))
try:
    print(client.create_task(parent=queue, task=task, timeout=30).name.startswith(queue))
except GoogleAPICallError as error:
    print(error.code, error.message)

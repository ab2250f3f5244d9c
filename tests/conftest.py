"""What all tests of one process share."""

from __future__ import annotations

import signal

from pyreqwest.runtime import runtime_worker_threads

import tidegate.delivery.http_sender  # noqa: F401 - it asks for two threads, which the next line takes back

# With one thread a connection is back in its pool before its answer is told, so tests may count connections. Servers
# that tests start are processes of their own and have the threads of any server.
runtime_worker_threads(1)

# A shell starts what it runs in the background with SIGINT ignored, and so would be the servers that tests interrupt.
signal.signal(signal.SIGINT, signal.default_int_handler)

#!/usr/bin/python3
"""Exit code 0 when the server in this container is alive; what its health check runs."""

import os
import ssl
import sys
from http.client import HTTPConnection, HTTPSConnection

port = int(os.environ.get("TIDEGATE_PORT", "8123"))
if os.environ.get("TIDEGATE_TLS_CERT"):
    if os.environ.get("TIDEGATE_TLS_CLIENT_CA"):
        sys.exit(0)  # it lets nobody in without a certificate, and this check has none
    # Whose certificate it is matters to callers from elsewhere, not to who asks on the same machine.
    connection = HTTPSConnection("127.0.0.1", port, timeout=4, context=ssl._create_unverified_context())  # noqa: S323, SLF001
else:
    connection = HTTPConnection("127.0.0.1", port, timeout=4)
try:
    connection.request("GET", "/healthz")
    status = connection.getresponse().status
except OSError as error:
    sys.exit(f"the server does not answer on port {port}: {error}")
sys.exit(0 if status == 200 else f"/healthz answers {status}")

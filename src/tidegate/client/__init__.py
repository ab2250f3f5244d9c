"""The Python client: what the faces ``tidegate.tasks_v2``, ``tasks_v2beta2`` and ``tasks_v2beta3`` are made of.

Each method of a client is one line over its row in ``tidegate.schema``: ``calls`` makes the request, the headers and
the defaults from the row, ``transports`` sends. Retries, timeouts, exceptions and operations are those of
google-api-core, credentials those of google-auth. Both are imported when the first client is made, not before: a
program that only passes messages around never pays for them.
"""

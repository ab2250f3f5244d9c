"""REST: messages to and from HTTP verb, path, query and JSON, driven by the rows.

The server's side: ``Router`` finds the row of a call, ``read_request`` fills its message from path, query and body,
``read_options`` says how the caller wants the answer (``asks_for_pretty``: an error), ``write_response`` writes it.
``to_json`` and ``encode`` are the two halves of that, for answers that are no message, such as errors. The client's
side: ``write_request`` and ``read_response``.
"""

from __future__ import annotations

from tidegate.schema.transcoding.json_write import encode, to_json
from tidegate.schema.transcoding.options import Options, Parameters, asks_for_pretty, read_options, split_query
from tidegate.schema.transcoding.outgoing import RestCall, read_response, write_request
from tidegate.schema.transcoding.path import Match, Router
from tidegate.schema.transcoding.request import PARAMETERS_MAX, QUERY_MAX, check_query, read_request, read_request_steps
from tidegate.schema.transcoding.response import write_response, write_response_steps

__all__ = [
    "PARAMETERS_MAX",
    "QUERY_MAX",
    "Match",
    "Options",
    "Parameters",
    "RestCall",
    "Router",
    "asks_for_pretty",
    "check_query",
    "encode",
    "read_options",
    "read_request",
    "read_request_steps",
    "read_response",
    "split_query",
    "to_json",
    "write_request",
    "write_response",
    "write_response_steps",
]

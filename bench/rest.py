"""Tasks created over REST, by HTTP/1.1 and by HTTP/2, beside GET /healthz of the same server."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Iterator
from functools import partial

from bench.floor import URL
from bench.load import USUAL, Shape, calls, request_over_and_over
from bench.plan import Plan
from bench.rows import Row, by_turns
from bench.server import fresh
from bench.suite import alone

BODY = b64encode(b"x" * 50).decode()
SHAPES = {"HTTP/1.1": Shape(USUAL.connections * USUAL.streams, 1), "HTTP/2": USUAL}


def measure(plan: Plan) -> Iterator[Row]:
    with fresh() as server:
        queue = server.make_queue("q", paused=True)
        url = f"http://{server.address}"
        task = json.dumps({"task": {"httpRequest": {"url": URL, "body": BODY}}}).encode()
        for version, shape in SHAPES.items():
            request = partial(
                request_over_and_over,
                seconds=plan.seconds,
                shape=shape,
                process=server.process,
                http1=version == "HTTP/1.1",
            )
            headers = {"content-type": "application/json"}
            loads = by_turns(
                plan.rounds,
                {
                    "floor": partial(request, f"{url}/healthz"),
                    "ours": partial(request, f"{url}/v2/{queue}/tasks", task, headers),
                },
            )
            yield calls(f"rest create by {version}, {shape}", loads["ours"], loads["floor"], "/healthz")


if __name__ == "__main__":
    alone("rest", measure)

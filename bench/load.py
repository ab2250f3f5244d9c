"""Load from h2load: one call, over and over, on a few connections with many streams each."""

from __future__ import annotations

import re
import statistics
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import isnan
from pathlib import Path
from typing import NamedTuple

from bench.process import Process
from bench.rows import Row, beside
from bench.tools import CannotMeasure, program

GRPC_HEADERS = {
    # What the official Python client sends with each call.
    "content-type": "application/grpc",
    "te": "trailers",
    "grpc-timeout": "20S",
    "grpc-accept-encoding": "identity, deflate, gzip",
    "x-goog-api-client": "gl-python/3.11.7 grpc/1.66.0 gax/2.24.0 gapic/2.26.0",
    "x-goog-request-params": "parent=projects/bench/locations/here/queues/q",
}

SIZES_DIFFER = 0.01
"""By what part answers may be shorter than the first one, for a number in them takes a byte less, say."""


class Shape(NamedTuple):
    """How many calls are under way."""

    connections: int
    streams: int

    def __str__(self) -> str:
        return f"{self.connections} x {self.streams}"


USUAL = Shape(4, 32)


@dataclass(frozen=True)
class Load:
    """What came of a run. Latencies in milliseconds, as seen by h2load."""

    calls: int
    calls_per_second: float
    errors: int
    """Calls without an answer, with another HTTP status than 200, or with an answer that carries no message."""
    p50_ms: float
    p99_ms: float
    max_ms: float
    cpu_us: float = float("nan")
    """Microseconds of processor time that the server spent on a call; not known of a server that is not ours."""


def call_over_and_over(
    url: str,
    message: bytes,
    *,
    seconds: float,
    shape: Shape = USUAL,
    process: Process | None = None,
) -> Load:
    """Make gRPC calls with ``message`` (protobuf, framed here) for so long; ``process`` is who answers."""
    framed = b"\0" + len(message).to_bytes(4, "big") + message
    return request_over_and_over(url, framed, GRPC_HEADERS, seconds=seconds, shape=shape, process=process)


def request_over_and_over(
    url: str,
    body: bytes | None = None,
    headers: Mapping[str, str] = {},
    *,
    seconds: float,
    shape: Shape = USUAL,
    process: Process | None = None,
    http1: bool = False,
) -> Load:
    """POST ``body``, or GET when there is none, for so long. With ``http1`` a connection has one request at a time."""
    with tempfile.TemporaryDirectory(prefix="tidegate-load-") as folder:
        log = Path(folder) / "log"
        command = [program("h2load"), url, *(f"--header={name}: {value}" for name, value in headers.items())]
        if body is not None:
            (Path(folder) / "body").write_bytes(body)
            command.append(f"--data={folder}/body")
        if http1:
            command.append("--no-tls-proto=http/1.1")
        single = bytes_of_data(_run([*command, "--requests=1"]))
        before = process.cpu() if process else 0.0
        command += [f"--clients={shape.connections}", f"--max-concurrent-streams={shape.streams}"]
        output = _run([*command, f"--duration={round(seconds * 1000)}ms", f"--log-file={log}"], seconds + 60)
        load = read(output, log.read_text(), single)
        return replace(load, cpu_us=(process.cpu() - before) / load.calls * 1e6) if process else load


def _run(command: list[str], within: float = 60) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=within)
    if done.returncode != 0:
        raise CannotMeasure(f"h2load failed: {done.stderr.strip() or done.stdout.strip()}")
    return done.stdout


def read(output: str, log: str, single: int) -> Load:
    """What h2load said. ``log`` has a line per call: when it began, its HTTP status, how many microseconds it took.

    ``single`` is how many bytes of data one answer has.
    """
    rate = re.search(r"finished in .*?, ([\d.]+) req/s", output)
    ended = re.search(r"requests: .* (\d+) done, .* (\d+) errored", output)
    if rate is None or ended is None:
        raise CannotMeasure(f"h2load said nothing of use: {output}")
    calls = int(ended[1])
    if not calls:
        raise CannotMeasure("no call was answered within the turn: take longer ones, with --seconds")
    lines = [line.split("\t") for line in log.splitlines()]
    took = sorted(int(line[2]) / 1000 for line in lines if line[1] == "200")
    # A gRPC error is HTTP 200 without data, so the calls that carried a message show in the sum of the data. Answers
    # differ by a few bytes; an error lacks all of them.
    with_message = round(bytes_of_data(output) / single * (1 + SIZES_DIFFER)) if single else calls
    return Load(
        calls=calls,
        calls_per_second=float(rate[1]),
        errors=calls - min(calls, len(took), with_message) + int(ended[2]),
        p50_ms=_share(took, 0.50),
        p99_ms=_share(took, 0.99),
        max_ms=_share(took, 1.0),
    )


def bytes_of_data(output: str) -> int:
    found = re.search(r"headers \(space savings [^)]*\), \S+ \((\d+)\) data", output)
    return int(found[1]) if found else 0


def calls(
    what: str, loads: Sequence[Load], floors: Sequence[Load], floor_is: str, *, unit: str = "calls/s", each: int = 1
) -> Row:
    """Calls a second beside a floor's, or tasks a second where a call has ``each``."""
    cpu, floor_cpu = _median(loads, "cpu_us"), _median(floors, "cpu_us")
    known = {
        "p50_ms": round(_median(loads, "p50_ms"), 2),
        "p99_ms": round(_median(loads, "p99_ms"), 2),
        "cpu_us_per_call": round(cpu, 1),
        "floor_cpu_us_per_call": round(floor_cpu, 1),
        "ratio_by_cpu": round(each * floor_cpu / cpu, 3),
    }
    return beside(
        what,
        unit,
        [load.calls_per_second * each for load in loads],
        [load.calls_per_second for load in floors],
        floor_is,
        errors=sum(load.errors for load in (*loads, *floors)),
        details={name: value for name, value in known.items() if not isnan(value)},
    )


def _median(loads: Sequence[Load], field: str) -> float:
    return float(statistics.median(getattr(load, field) for load in loads))


def _share(ordered: list[float], share: float) -> float:
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))] if ordered else float("nan")

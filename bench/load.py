"""Load from h2load: one gRPC call, over and over, on a few connections with many streams each."""

from __future__ import annotations

import re
import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

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


def call_over_and_over(
    url: str,
    message: bytes,
    *,
    calls: int,
    connections: int = 4,
    streams: int = 32,
    headers: Mapping[str, str] = GRPC_HEADERS,
) -> Load:
    """POST ``message`` (protobuf, framed here) to ``url`` so many times, ``connections`` x ``streams`` at once."""
    h2load = shutil.which("h2load")
    if h2load is None:
        raise SystemExit("h2load is missing: apt-get install nghttp2-client")
    with tempfile.TemporaryDirectory(prefix="tidegate-load-") as folder:
        body, log = Path(folder) / "body", Path(folder) / "log"
        body.write_bytes(b"\0" + len(message).to_bytes(4, "big") + message)
        command = [h2load, url, f"--data={body}"]
        command += [f"--header={name}: {value}" for name, value in headers.items()]
        single = _bytes_of_data(_run([*command, "--requests=1"]))
        many = [f"--requests={calls}", f"--clients={connections}", f"--max-concurrent-streams={streams}"]
        output = _run([*command, *many, f"--log-file={log}"])
        return _read(output, log.read_text(), calls, single)


def _run(command: list[str]) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise SystemExit(f"h2load failed: {done.stderr.strip() or done.stdout.strip()}")
    return done.stdout


def _read(output: str, log: str, calls: int, single: int) -> Load:
    """``log`` has a line per call: when it began, its HTTP status, how many microseconds it took."""
    rate = re.search(r"finished in .*?, ([\d.]+) req/s", output)
    if rate is None:
        raise SystemExit(f"h2load said nothing of use: {output}")
    lines = [line.split("\t") for line in log.splitlines()]
    took = sorted(int(line[2]) / 1000 for line in lines if line[1] == "200")
    # A gRPC error is HTTP 200 without data, so the calls that carried a message show in the sum of the data. Answers
    # differ by a few bytes; an error lacks all of them.
    with_message = round(_bytes_of_data(output) / single * (1 + SIZES_DIFFER)) if single else 0
    return Load(
        calls=calls,
        calls_per_second=float(rate[1]),
        errors=calls - min(len(took), with_message),
        p50_ms=_share(took, 0.50),
        p99_ms=_share(took, 0.99),
        max_ms=_share(took, 1.0),
    )


def _bytes_of_data(output: str) -> int:
    found = re.search(r"headers \(space savings [^)]*\), \S+ \((\d+)\) data", output)
    return int(found[1]) if found else 0


def _share(ordered: list[float], share: float) -> float:
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))] if ordered else float("nan")

"""What h2load says, and what it means."""

import pytest
from bench.load import Load, calls, read
from bench.tools import CannotMeasure

OUTPUT = """\
finished in 1.00s, 4.00 req/s, 1.74MB/s
requests: 4 total, 8 started, 4 done, {ok} succeeded, {failed} failed, 0 errored, 0 timeout
status codes: {ok} 2xx, 0 3xx, 0 4xx, {failed} 5xx
traffic: 1.74MB (1829598) total, 69.62KB (71292) headers (space savings 95.28%), 1.20MB ({data}) data
"""
NOTHING = """\
finished in 1.00s, 0.00 req/s, 0B/s
requests: 0 total, 8 started, 0 done, 0 succeeded, 0 failed, 0 errored, 0 timeout
"""
LOG = "1\t200\t1000\n2\t200\t2000\n3\t200\t3000\n4\t{last}\t9000\n"


def said(*, ok: int = 4, data: int = 400, last: int = 200) -> Load:
    return read(OUTPUT.format(ok=ok, failed=4 - ok, data=data), LOG.format(last=last), single=100)


def test_calls_latencies_and_no_errors() -> None:
    load = said()
    assert (load.calls, load.calls_per_second, load.errors) == (4, 4.0, 0)
    assert (load.p50_ms, load.p99_ms, load.max_ms) == (3.0, 9.0, 9.0)


def test_answers_that_differ_by_a_few_bytes_are_no_errors() -> None:
    assert said(data=398).errors == 0


def test_an_answer_of_grpc_without_a_message_is_an_error() -> None:
    assert said(data=300).errors == 1  # HTTP 200 all the same


def test_another_http_status_is_an_error() -> None:
    load = said(ok=3, data=300, last=503)
    assert load.errors == 1
    assert load.max_ms == 3.0


@pytest.mark.parametrize("output", ["", NOTHING])
def test_a_run_that_answered_nothing_is_no_measurement(output: str) -> None:
    with pytest.raises(CannotMeasure):
        read(output, "", single=100)


def test_batches_count_their_tasks_and_the_errors_of_both_sides() -> None:
    ours = Load(calls=100, calls_per_second=10, errors=1, p50_ms=1, p99_ms=2, max_ms=3, cpu_us=50)
    floor = Load(calls=400, calls_per_second=400, errors=2, p50_ms=1, p99_ms=2, max_ms=3, cpu_us=20)
    row = calls("batch", [ours], [floor], "empty handler", unit="tasks/s", each=100)
    assert (row.figure, row.floor, row.ratio, row.errors) == (1000, 400, 2.5, 3)
    assert row.details["ratio_by_cpu"] == 40


def test_what_is_not_known_of_another_server_is_left_out() -> None:
    theirs = Load(calls=100, calls_per_second=10, errors=0, p50_ms=1, p99_ms=2, max_ms=3)
    assert set(calls("get", [theirs], [theirs], "theirs").details) == {"p50_ms", "p99_ms"}

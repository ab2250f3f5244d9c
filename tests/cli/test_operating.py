"""The commands for operating a server, against canned answers: what they ask, say and print."""

from __future__ import annotations

import json
import shlex
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from tests.cli.running import Result, run
from tests.cli.scripted import EXPLANATION, QUEUES, Scripted

from tidegate.cli.line import read
from tidegate.cli.problems import UNREACHABLE, CommandError
from tidegate.cli.run.operating.explain import sentences
from tidegate.cli.run.operating.spans import json_span, said_span
from tidegate.cli.run.operating.tail import Tail, attempt_line
from tidegate.cli.run.rest import RefusedError
from tidegate.cli.table.find import commands
from tidegate.cli.table.rows import TRACKS

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


def typed(line: str, cloud: Scripted, stdin: str = "") -> Result:
    variables = {"TIDEGATE_ADDRESS": cloud.url, "TIDEGATE_PROJECT": "demo", "TIDEGATE_LOCATION": "here"}
    return run(*shlex.split(line), stdin=stdin, **variables)


def asked(cloud: Scripted) -> list[tuple[str, str, dict[str, str], Any]]:
    return [
        (each.verb, each.path, {key: value for key, value in each.query.items() if key != "alt"}, each.body)
        for each in cloud.taken()
    ]


@pytest.mark.parametrize(
    ("text", "span"), [("90s", "90s"), ("1h30m", "5400s"), ("2d", "172800s"), ("250ms", "0.25s"), ("1.5s", "1.5s")]
)
def test_a_span_is_written_with_units(text: str, span: str) -> None:
    assert json_span(text) == span


@pytest.mark.parametrize("text", ["", "5", "h", "1x", "1h 2m", "-1s", "100000d"])
def test_what_is_no_span_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"span of time|ten years"):
        json_span(text)


def test_a_span_is_read_in_the_largest_unit_that_fits() -> None:
    spans = [timedelta(seconds=20), timedelta(minutes=3.5), timedelta(hours=3), timedelta(days=4)]
    assert [said_span(each) for each in spans] == ["20 s", "3.5 min", "3 h", "4 d"]


def test_an_explanation_is_sentences_with_the_decisive_reason_first() -> None:
    assert sentences(f"{QUEUES}mail/tasks/t1", EXPLANATION, NOON) == [
        "mail/t1 is scheduled; its next attempt starts 2026-01-01T12:05:00Z (in 5 min).",
        "  BACKING_OFF: Attempt 2 failed with 503, until 2026-01-01T12:05:00Z (in 5 min).",
        "  QUEUE_PAUSED: The queue is paused (since_call PauseQueue).",
    ]


def test_explain_asks_for_the_task_or_else_the_queue(cloud: Scripted) -> None:
    assert typed("explain t1 --queue mail --probe", cloud).exit_code == 0
    assert typed("explain --queue mail", cloud).exit_code == 0
    task, queue = asked(cloud)
    assert task == ("GET", f"/operator/v1/{QUEUES}mail/tasks/t1:explain", {"probe": "true"}, None)
    assert queue == ("GET", f"/operator/v1/{QUEUES}mail:explain", {}, None)
    assert typed("explain", cloud).exit_code == 1


def test_explain_prints_json_when_asked(cloud: Scripted) -> None:
    assert json.loads(typed("explain t1 --queue mail --format json", cloud).stdout) == EXPLANATION


def test_curl_prints_the_line_and_nothing_else(cloud: Scripted) -> None:
    assert typed("curl t1 --queue mail --attempt 2", cloud).stdout == "curl -X POST http://localhost/x\n"
    assert asked(cloud)[0][2] == {"format": "CURL", "attempt": "2"}


def test_an_attempt_is_a_line() -> None:
    event = {
        "task": f"{QUEUES}mail/tasks/t1",
        "time": "2026-01-01T12:00:01.123456Z",
        "attempt": {
            "number": 2,
            "outcome": "FAILED",
            "httpStatus": 503,
            "endTime": "2026-01-01T12:00:01.123456Z",
            "retryTime": "2026-01-01T12:00:21.123456Z",
            "timing": {"total": "0.041s"},
            "request": {"url": "http://a.test/"},
        },
    }
    assert attempt_line(event).split(" ", 1)[1] == "mail/t1 attempt 2 503 41 ms next in 20 s http://a.test/"
    assert attempt_line(event).split()[0].endswith(":01.123")
    event["attempt"] = {"number": 3, "outcome": "NO_ANSWER", "error": "connection refused", "final": True}
    assert attempt_line(event).split(" ", 1)[1] == "mail/t1 attempt 3 connection refused given up"


class Restarted:
    """A server that stops while it is watched, is away once, and comes back without the events in between."""

    def __init__(self) -> None:
        self.calls: list[dict[str, Any]] = []

    def stream(self, _path: str, query: dict[str, Any], opened: Any) -> Any:
        self.calls.append(dict(query))
        attempt = {"number": 1, "outcome": "SUCCEEDED", "httpStatus": 200}
        event = {"kind": "ATTEMPT_ENDED", "task": f"{QUEUES}mail/tasks/t1", "time": "2026-01-01T12:00:00Z"}
        match len(self.calls):
            case 1:
                opened()
                yield {**event, "cursor": "a-1", "attempt": attempt}
                raise RefusedError("UNAVAILABLE", "The server is shutting down.")
            case 2:
                raise CommandError("cannot reach it; start it", UNREACHABLE)
            case _:
                opened()
                yield {
                    "kind": "GAP",
                    "cursor": "b-0",
                    "time": "2026-01-01T12:01:00Z",
                    "text": "the server was restarted",
                }
                yield {**event, "cursor": "b-1", "attempt": {**attempt, "number": 2}}
                raise RefusedError("PERMISSION_DENIED", "no more")


def test_tail_comes_back_after_a_restart_and_says_what_is_missing(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pauses: list[float] = []
    monkeypatch.setattr("tidegate.cli.run.operating.tail.time.sleep", pauses.append)
    command = commands(TRACKS[""])["tail"]
    server = Restarted()
    session = SimpleNamespace(line=read(command, TRACKS[""], []), format=None, server=server, version="operator/v1")
    with pytest.raises(RefusedError, match="no more"):
        Tail(session).run()  # type: ignore[arg-type]
    said = capsys.readouterr()
    assert [line.split()[3] for line in said.out.splitlines()] == ["1", "2"]
    assert "events are missing here: the server was restarted" in said.err
    assert server.calls == [{}, {"cursor": "a-1"}, {"cursor": "a-1"}]
    assert pauses == [0.5, 1.0]


def test_dead_tasks_are_redriven_by_name_or_by_filter(cloud: Scripted) -> None:
    done = typed("dead redrive a b --queue mail --to-queue other --spread 10m --keep-counts", cloud)
    assert (done.exit_code, done.stderr) == (0, "Redrove 2 dead tasks.\n")
    assert typed("dead redrive --queue mail --filter errorGroup=ab12 --dry-run", cloud).stderr == (
        "Would redrive 2 dead tasks.\n"
    )
    (_, path, _, named), (_, _, _, chosen) = asked(cloud)
    assert path == f"/operator/v1/{QUEUES}mail/deadTasks:redrive"
    dead = f"{QUEUES}mail/deadTasks/"
    assert named == {
        "names": [f"{dead}a", f"{dead}b"],
        "toQueue": f"{QUEUES}other",
        "spread": "600s",
        "keepCounts": True,
    }
    assert chosen == {"filter": "errorGroup=ab12", "validateOnly": True}


def test_deleting_dead_tasks_asks_and_takes_the_end_of_the_input_as_no(cloud: Scripted) -> None:
    done = typed("dead delete --queue mail", cloud)
    assert done.exit_code == 1
    assert "Aborted by user." in done.stderr
    assert asked(cloud) == []
    assert typed("dead delete --queue mail", cloud, stdin="y\n").stderr.endswith("Deleted 3 dead tasks.\n")
    assert typed("dead delete x --queue mail --quiet", cloud).stderr == "Deleted 1 dead task.\n"
    assert [each[:2] for each in asked(cloud)] == [
        ("POST", f"/operator/v1/{QUEUES}mail/deadTasks:purge"),
        ("DELETE", f"/operator/v1/{QUEUES}mail/deadTasks/x"),
    ]


def test_a_fault_is_made_of_flags(cloud: Scripted) -> None:
    done = typed("faults add --queue mail --status 503 --retry-after 5s --probability 0.5 --from-attempt 2", cloud)
    assert done.exit_code == 0, done.stderr
    assert typed("faults add --queue mail --hang --fault-id slow", cloud).exit_code == 0
    (_, _, _, status), (_, _, query, hang) = asked(cloud)
    assert status == {
        "status": {"code": 503, "retryAfter": "5s"},
        "probability": 0.5,
        "match": {"attemptFrom": 2},
    }
    assert (query, hang) == ({"faultId": "slow"}, {"hang": {}})
    assert typed("faults add --queue mail --hang --refuse", cloud).exit_code == 2


def test_the_clock_moves_by_a_span_or_to_what_is_due(cloud: Scripted) -> None:
    assert typed("clock advance 1h30m", cloud).exit_code == 0
    assert typed("clock advance next", cloud).exit_code == 0
    assert [each[3] for each in asked(cloud)] == [{"duration": "5400s"}, {"toNextDue": True}]
    assert typed("clock advance tomorrow", cloud).exit_code == 2


def test_commands_without_a_resource_need_no_project(cloud: Scripted) -> None:
    for line in ("clock show", "nodes", "drain", "undrain"):
        assert run(*shlex.split(line), TIDEGATE_ADDRESS=cloud.url).exit_code == 0, line


def test_env_prints_lines_that_a_shell_reads(cloud: Scripted) -> None:
    where = cloud.url.removeprefix("http://")
    assert f"export CLOUD_TASKS_EMULATOR_HOST={where}\n" in typed("env", cloud).stdout
    assert f"set -gx CLOUD_TASKS_EMULATOR_HOST {where};\n" in typed("env --shell fish", cloud).stdout
    assert "unset CLOUD_TASKS_EMULATOR_HOST\n" in typed("env --unset", cloud).stdout
    assert typed("env --shell cmd", cloud).exit_code == 2


def test_an_import_goes_in_parts_and_under_other_names(cloud: Scripted, tmp_path: Path) -> None:
    queue = {"queue": {"queue": {"name": f"{QUEUES}mail"}}}
    tasks = [{"task": {"name": f"{QUEUES}mail/tasks/t{number}"}} for number in range(149)]
    records = [{"header": {}}, queue, *tasks, {"trailer": {"tasks": "149"}}]
    (tmp_path / "state.jsonl").write_text("\n".join(map(json.dumps, records)))
    done = typed(f"import {tmp_path}/state.jsonl --map project=demo:other --paused", cloud)
    assert (done.exit_code, done.stderr) == (0, "Imported 150, skipped 0 that were there.\n")
    first, second = (body for _, _, _, body in asked(cloud))
    assert (len(first["records"]), len(second["records"])) == (100, 50)
    assert first["records"][0]["queue"]["queue"]["name"] == "projects/other/locations/here/queues/mail"
    assert first["onConflict"] == "SKIP"
    assert first["paused"] is True


def test_an_import_of_what_is_no_export_is_refused(cloud: Scripted, tmp_path: Path) -> None:
    for text, says in (("{}", "line 1: this is no record"), ("[]", "no record"), ('{"queue": {}}', "no last record")):
        (tmp_path / "state.jsonl").write_text(text)
        done = typed(f"import {tmp_path}/state.jsonl", cloud)
        assert done.exit_code == 1
        assert says in done.stderr


def test_a_dry_run_counts_and_calls_nobody(cloud: Scripted, tmp_path: Path) -> None:
    (tmp_path / "state.jsonl").write_text('{"queue": {}}\n{"task": {}}\n{"task": {}}\n{"trailer": {}}\n')
    done = typed(f"import {tmp_path}/state.jsonl --dry-run", cloud)
    assert done.stderr == "Would import 1 queue, 2 tasks, 0 dead tasks.\n"
    assert asked(cloud) == []


def test_a_benchmark_of_another_machine_must_be_meant() -> None:
    done = run("bench", TIDEGATE_ADDRESS="https://tasks.invalid", TIDEGATE_PROJECT="demo", TIDEGATE_LOCATION="here")
    assert done.exit_code == 1
    assert "--yes" in done.stderr


def test_the_doctor_names_what_is_wrong_and_the_cure() -> None:
    done = run("doctor", TIDEGATE_ADDRESS="http://127.0.0.1:9", TIDEGATE_PROJECT="demo")
    assert done.exit_code == 1
    assert "ok    address" in done.stdout
    assert "fail  port      127.0.0.1:9: " in done.stdout
    assert "tidegate dev" in done.stdout


@pytest.mark.parametrize(
    "line", ["tail", "explain t1 --queue q", "export", "nodes", "clock show", "dead list --queue q"]
)
def test_without_a_server_it_is_one_line_and_exit_code_3(line: str) -> None:
    variables = {"TIDEGATE_ADDRESS": "http://127.0.0.1:9", "TIDEGATE_PROJECT": "demo", "TIDEGATE_LOCATION": "here"}
    done = run(*shlex.split(line), **variables)
    assert done.exit_code == 3
    assert done.stderr.count("\n") == 1
    assert "cannot reach http://127.0.0.1:9" in done.stderr

"""Command lines of ``gcloud tasks``: the same requests, texts and exit codes.

``lines.jsonl`` holds what gcloud 578 did with each line against a server of canned answers (``scripted``), with our
name in place of its own, and without the usage that follows a wrong line.
"""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from tests.cli.running import Result, run
from tests.cli.scripted import QUEUES, Scripted
from tests.cli.serving import environment

LINES = [json.loads(line) for line in (Path(__file__).parent / "lines.jsonl").read_text().splitlines()]


@pytest.fixture(autouse=True)
def _files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    policy = {"bindings": [{"role": "roles/viewer", "members": ["user:a@b.c"]}]}
    Path("noetag.json").write_text(json.dumps(policy))
    Path("policy.json").write_text(json.dumps({"etag": "BwXhqDVPz5A=", **policy}))
    Path("ff.yaml").write_text("--format: json\n")


def typed(line: str, cloud: Scripted) -> Result:
    """Run a line, with ``<<<`` for what is typed."""
    words, _, stdin = line.partition("<<<")
    stdin = f"{stdin.strip()}\n" if stdin else ""
    return run(*shlex.split(words), stdin=stdin, TIDEGATE_ADDRESS=cloud.url, TIDEGATE_PROJECT="demo")


def asked(cloud: Scripted) -> list[list[Any]]:
    """The requests since the last look; ``alt=json``, which all must have, is left out."""
    taken = cloud.taken()
    assert all(request.query.pop("alt") == "json" for request in taken)
    return [[request.verb, request.path, request.query, request.body] for request in taken]


@pytest.mark.parametrize("row", LINES, ids=lambda row: row["line"])
def test_a_line_does_what_it_does_with_gcloud(row: dict[str, Any], cloud: Scripted) -> None:
    cloud.locations = ["here"] if row["code"] == 0 else ["here", "there"]
    done = typed(row["line"], cloud)
    head, usage, _ = done.stderr.partition("Usage: tidegate ")
    assert (done.exit_code, head) == (row["code"], row.get("stderr", ""))
    assert bool(usage) is (row["code"] == 2 and "argument " in head and "Valid choices" not in head)
    assert done.stdout == row.get("stdout", "").replace("{url}", cloud.url)
    assert asked(cloud) == row.get("requests", [])


USAGES = [json.loads(line) for line in (Path(__file__).parent / "usages.jsonl").read_text().splitlines()]
"""What gcloud 578 says of each command, in each track, when something is missing: it names every flag."""


@pytest.mark.parametrize("row", USAGES, ids=lambda row: row["line"])
def test_a_command_has_the_flags_that_it_has_with_gcloud(row: dict[str, Any]) -> None:
    assert run(*shlex.split(row["line"])) == (2, "", row["stderr"])


USAGE = """\
ERROR: (tidegate.tasks.list) argument --queue: Must be specified.
Usage: tidegate tasks list --queue=QUEUE [optional flags]
  optional flags may be  --filter | --help | --limit | --location |
                         --page-size | --sort-by | --uri

For detailed information on this command and its flags, run:
  tidegate tasks list --help
"""


def test_a_wrong_line_is_followed_by_the_usage(cloud: Scripted) -> None:
    assert typed("tasks list --location here", cloud).stderr == USAGE


BODY = {"name": f"{QUEUES}q"}
HEADER = {"headerOverrides": [{"header": {"key": "A", "value": "b"}}]}


@pytest.mark.parametrize(
    ("line", "request_"),
    [
        (
            'tasks queues create q --location here --http-header-override "A: b"',
            ["POST", "/v2/projects/demo/locations/here/queues", {}, {**BODY, "httpTarget": HEADER}],
        ),
        (
            'tasks queues update q --location here --http-header-override "A: b"',
            ["PATCH", f"/v2/{QUEUES}q", {"updateMask": "httpTarget.headerOverrides"}, {**BODY, "httpTarget": HEADER}],
        ),
        (
            "beta tasks queues update q --location here --clear-routing-override",
            ["PATCH", f"/v2beta3/{QUEUES}q", {"updateMask": "appEngineHttpQueue.appEngineRoutingOverride"}, BODY],
        ),
        (
            "tasks queues create-pull-queue q --location here",
            ["POST", "/v2beta2/projects/demo/locations/here/queues", {}, {**BODY, "pullTarget": {}}],
        ),
        (
            "queues update-pull-queue q --location here --max-attempts unlimited",
            [
                "PATCH",
                f"/v2beta2/{QUEUES}q",
                {"updateMask": "retryConfig.maxAttempts"},
                {**BODY, "retryConfig": {"unlimitedAttempts": True}},
            ],
        ),
        (
            "tasks lease --queue q --location here --lease-duration 5",
            ["POST", f"/v2beta2/{QUEUES}q/tasks:lease", {}, {"leaseDuration": "5s", "maxTasks": 1000}],
        ),
    ],
)
def test_what_gcloud_drops_or_has_not_is_sent(line: str, request_: list[Any], cloud: Scripted) -> None:
    assert typed(line, cloud).exit_code == 0
    assert asked(cloud) == [request_]


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("tasks create-http-task --queue q --url http://x --method FOO", "argument --method: Bad value [FOO]: Only"),
        ("tasks queues create q --http-method-override FOO", "argument --http-method-override: Bad value [FOO]: Only"),
        ("tasks queues create q --http-uri-override scheme:ftp", "Only the following schemes are valid: [HTTP, HTTPS]"),
        ("tasks queues create q --http-uri-override mode:bad", "Only the following modes are valid: [ALWAYS, IF_NOT"),
        ("tasks queues create q --http-uri-override port:x", "argument --http-uri-override: invalid int value: 'x'"),
        ("tasks queues create q --routing-override abc", "Bad syntax for dict arg: [abc]"),
    ],
)
def test_a_value_that_the_api_does_not_know_is_a_wrong_line(line: str, says: str, cloud: Scripted) -> None:
    done = typed(f"{line} --location here", cloud)
    assert done.exit_code == 2
    assert says in done.stderr
    assert cloud.taken() == []


def test_the_only_location_goes_without_saying(cloud: Scripted) -> None:
    cloud.locations = ["here"]
    assert typed("tasks queues pause q", cloud).exit_code == 0
    assert [path for _, path, *_ in asked(cloud)] == ["/v2/projects/demo/locations", f"/v2/{QUEUES}q:pause"]


def test_the_server_filters_queues_and_this_side_the_rest(cloud: Scripted) -> None:
    typed("tasks queues list --location here --filter state=PAUSED --limit 1", cloud)
    assert asked(cloud) == [["GET", "/v2/projects/demo/locations/here/queues", {"filter": "state=PAUSED"}, None]]
    shown = typed("tasks list --queue q --location here --filter dispatchCount>1 --format value(name)", cloud)
    assert shown.stdout == "b\n"
    assert (
        typed("tasks list --queue q --location here --filter httpRequest.url:LOCAL --uri", cloud).stdout.count("\n")
        == 2
    )
    assert typed("tasks list --queue q --location here --filter nothing=1", cloud).stderr == "Listed 0 items.\n"


def test_a_filter_that_makes_no_sense_is_told_before_anything_is_asked(cloud: Scripted) -> None:
    done = typed("tasks queues list --location here --filter state=(", cloud)
    assert (done.exit_code, cloud.taken()) == (1, [])
    assert done.stderr == (
        "ERROR: (tidegate.tasks.queues.list) --filter [state=(]: Failed to parse filter expression: syntax error at"
        " token '('\n"
    )


def test_a_list_is_sorted_before_it_is_cut(cloud: Scripted) -> None:
    shown = typed("tasks queues list --location here --sort-by ~retryConfig.maxAttempts,~name --limit 2 --uri", cloud)
    assert [line.rpartition("/")[2] for line in shown.stdout.splitlines()] == ["r", "q"]


@pytest.mark.parametrize(
    ("form", "code", "says"),
    [
        ("bogus", 1, "Format must be one of csv, default, disable, json, none, table, value, yaml; received [bogus]."),
        ("table[box](name)", 1, "has more than names of fields: box is not known here"),
        ("table(name:label=X)", 1, "has more than names of fields: name:label=X is not known here"),
        ("value", 1, "Format [value] requires a non-empty projection."),
    ],
)
def test_a_format_that_is_none_of_ours_is_refused(form: str, code: int, says: str, cloud: Scripted) -> None:
    done = typed(f"tasks queues describe q --location here --format '{form}'", cloud)
    assert (done.exit_code, done.stdout) == (code, "")
    assert says in done.stderr


def test_flags_may_stand_in_a_file(cloud: Scripted, tmp_path: Path) -> None:
    (tmp_path / "flags.yaml").write_text('--url: http://x/y\n--header: ["A: b", "C: d"]\n--method: PUT\n')
    done = typed("tasks create-http-task --queue q --location here --flags-file flags.yaml", cloud)
    assert done.exit_code == 0
    ((*_, body),) = asked(cloud)
    assert body == {
        "task": {"httpRequest": {"url": "http://x/y", "headers": {"A": "b", "C": "d"}, "httpMethod": "PUT"}}
    }
    missing = typed("tasks run t --queue q --flags-file no.yaml", cloud)
    assert (missing.exit_code, missing.stderr) == (
        1,
        "ERROR: (tidegate.tasks.run) Unable to read file [no.yaml]: No such file or directory\n",
    )


def test_the_log_of_requests_shows_no_credentials(cloud: Scripted) -> None:
    line = ["queues", "describe", "q", "--location", "here", "--project", "demo", "--log-http"]
    done = run(*line, TIDEGATE_ADDRESS=cloud.url, TIDEGATE_TOKEN="secret")
    assert cloud.taken()[0].headers["authorization"] == "Bearer secret"
    assert f"uri: {cloud.url}/v2/{QUEUES}q?alt=json\nmethod: GET\n" in done.stderr
    assert "authorization: --- Token Redacted ---" in done.stderr
    assert "status: 200" in done.stderr
    assert "secret" not in done.output


@pytest.mark.parametrize(
    ("level", "says"),
    [
        ("debug", ["DEBUG: Running [", "WARNING", "DEBUG: ", "ERROR"]),
        ("info", ["WARNING", "ERROR"]),
        ("warning", ["WARNING", "ERROR"]),
        ("error", ["ERROR"]),
        ("critical", []),
        ("none", []),
    ],
)
def test_verbosity_says_what_stands_on_stderr(level: str, says: list[str], cloud: Scripted) -> None:
    line = "beta tasks queues update-app-engine-queue missing --location here --max-attempts 3"
    for done in (
        typed(f"{line} --verbosity={level}", cloud),
        run(*shlex.split(line), TIDEGATE_ADDRESS=cloud.url, TIDEGATE_PROJECT="demo", CLOUDSDK_CORE_VERBOSITY=level),
    ):
        told = [text for text in done.stderr.splitlines() if text.startswith(("DEBUG", "INFO", "WARNING", "ERROR"))]
        assert (done.exit_code, done.stdout, len(told)) == (1, "", len(says))
        assert all(text.startswith(begin) for text, begin in zip(told, says, strict=True))


def test_what_was_done_and_what_is_wrong_with_a_line_are_said_at_every_verbosity(cloud: Scripted) -> None:
    assert typed("queues pause q --location here --verbosity none", cloud).stderr == "Paused queue [here/q].\n"
    assert "argument QUEUE: Must be specified." in typed("queues pause --verbosity none", cloud).stderr
    assert typed("queues list --verbosity=foo", cloud) == (
        2,
        "",
        "ERROR: (tidegate.tasks.queues.list) argument --verbosity: Invalid choice: 'foo'.\n\n"
        "Valid choices are [critical, debug, error, info, none, warning].\n",
    )


def test_debugging_shows_values_and_requests_and_no_credentials(cloud: Scripted) -> None:
    shown = typed("queues describe q --location here --verbosity debug", cloud).stderr
    assert shown == (
        'DEBUG: Running [tidegate.tasks.queues.describe] with arguments: [--location: "here", --verbosity: "debug",'
        f' QUEUE: "q"]\nDEBUG: {cloud.url} "GET /v2/{QUEUES}q?alt=json HTTP/1.1" 200 '
        f'{shown.split()[-5]}\nINFO: Display format: "default"\n'
    )
    assert "secret" not in typed("doctor --token secret --verbosity debug", cloud).stderr


def test_conditions_of_bindings_come_from_flags_or_a_file(cloud: Scripted, tmp_path: Path) -> None:
    (tmp_path / "when.yaml").write_text("expression: a < b\ntitle: t\n")
    line = (
        "alpha tasks queues add-iam-policy-binding q --location here --member user:x@y.z --role roles/cloudtasks.viewer"
    )
    for condition in ("--condition 'expression=a < b,title=t'", "--condition-from-file when.yaml"):
        assert typed(f"{line} {condition}", cloud).exit_code == 0
        *_, (*_, body) = asked(cloud)
        assert body["policy"]["bindings"][-1]["condition"] == {"expression": "a < b", "title": "t"}
    line = "alpha tasks queues remove-iam-policy-binding q --location here --member user:a@b.c --role roles/viewer"
    assert typed(f"{line} --condition-from-file when.yaml", cloud).exit_code == 1
    assert typed(f"{line} --all", cloud).exit_code == 0


def test_a_quiet_command_says_nothing_but_errors(cloud: Scripted) -> None:
    done = typed("queues delete q --location here --quiet --no-user-output-enabled --format json", cloud)
    assert done == (0, "", "")
    assert typed("queues describe missing --location here --no-user-output-enabled", cloud).exit_code == 1


def test_a_variable_may_answer_every_question(cloud: Scripted) -> None:
    line = ["queues", "purge", "q", "--location", "here", "--project", "demo", "--address", cloud.url]
    done = run(*line, stdin="n\n", CLOUDSDK_CORE_DISABLE_PROMPTS="1")
    assert (done.exit_code, done.stderr) == (0, "Purged queue [here/q].\n")


def test_a_reader_that_has_seen_enough_is_no_error(cloud: Scripted, tmp_path: Path) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    variables = {"TIDEGATE_ADDRESS": cloud.url, "TIDEGATE_PROJECT": "demo", "XDG_CONFIG_HOME": str(tmp_path)}
    try:
        done = subprocess.run(
            [sys.executable, "-m", "tidegate", "queues", "list", "--location", "here"],
            env=environment(variables),
            stdout=writing,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
            timeout=60,
        )
    finally:
        os.close(writing)
    assert (done.returncode, done.stderr) == (0, "")

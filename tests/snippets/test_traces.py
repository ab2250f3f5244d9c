"""docs/traces.md: its two lines send the spans that its picture has."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

from tests.cli.serving import served
from tests.observers.traces.receiver import over_http
from tests.observers.traces.test_end_to_end import CALLER, CREATE, QUEUE, create, handling
from tests.snippets.claims import snippet
from tests.snippets.shell import check_install

import tidegate

SNIPPETS = {
    "docs/traces.md sh 1 2": "the extra is there, and a server that is started by the line sends its spans",
    "docs/traces.md text 1": "the spans of a task that fails once have these names and this order",
}

DEPTH = re.compile(r"^((?:│ +|   )*)(?:[├└]─ )?(.*?)(?:  +.*)?$")


def names() -> list[tuple[int, str]]:
    """What the picture shows: each span's depth and name."""
    found = []
    for line in snippet("docs/traces.md", "text").splitlines():
        match = DEPTH.match(line)
        assert match is not None, line
        found.append((len(match[1]) // 3 + ("─" in line), match[2]))
    return found


def test_the_lines_of_the_page_send_the_spans_of_its_picture(tmp_path: Path) -> None:
    check_install(snippet("docs/traces.md", "sh", 1).strip())
    variable, program, command = shlex.split(snippet("docs/traces.md", "sh", 2))
    assert (program, command) == ("tidegate", "serve")
    name, _, endpoint = variable.partition("=")
    assert endpoint == "http://collector:4318"
    setup = ("--queue", QUEUE, "--store", "sqlite://:memory:")
    with over_http() as spans, handling(1) as handler:
        variables = {name: spans.endpoint, "OTEL_BSP_SCHEDULE_DELAY": "50"}
        with served(*setup, directory=tmp_path, variables=variables) as address:
            create(address, tidegate.http_task(handler.url), parent=f"00-{CALLER}-00f067aa0ba902b7-01")
            (call,) = spans.wait_for(CREATE)
            attempts = spans.wait_for("dispatch", 2)
    assert all(each.parent == call.id and each.links == [(CALLER, call.id)] for each in attempts)
    assert [each.fields["http.response.status_code"] for each in attempts] == [500, 200]
    dispatch = f"dispatch projects/…/queues/{QUEUE.rpartition('/')[2]}"
    assert names() == [
        (0, "your program"),
        (1, CREATE.rpartition("/")[2]),
        (2, f"{dispatch} the first attempt: 500"),
        (3, "POST /work"),
        (2, f"{dispatch} the second: 200"),
        (3, "POST /work"),
    ]

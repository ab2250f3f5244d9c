"""Completion and the man page: what shells and man make of the table."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
from tests.cli.running import run
from tests.cli.scripted import Scripted
from tests.cli.serving import environment

from tidegate.cli.table.find import commands
from tidegate.cli.table.own import SHELLS
from tidegate.cli.table.rows import GA
from tidegate.cli.table.top import SERVERS
from tidegate.settings import SETTINGS

PATIENCE = 60
SCRIPTS = {
    "bash": """
eval "$(tidegate completion bash)"
COMP_WORDS=({words}); COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1))
_tidegate
printf '%s\\n' "${{COMPREPLY[@]}}"
""",
    "zsh": """
compadd() {{ print -l -- ${{(P)2}}; }}
compdef() {{ : }}
eval "$(tidegate completion zsh)"
words=({words}); CURRENT=${{#words}}
_tidegate
""",
    "fish": """
tidegate completion fish | source
complete -C "{line}"
""",
}


def candidates(*words: str, **variables: str) -> list[str]:
    """What the last word may become."""
    done = run("__complete", *words, **variables)
    assert (done.exit_code, done.stderr) == (0, "")
    return done.stdout.splitlines()


def test_the_first_word_is_a_command() -> None:
    found = candidates("")
    assert {"tasks", "queues", "context", "alpha", "beta", *(name for name, _, _ in SERVERS)} <= set(found)
    assert candidates("com") == ["completion"]


@pytest.mark.parametrize(
    ("words", "found"),
    [
        (("tasks", "queues", "pa"), ["pause"]),
        (("queues", "create-"), ["create-pull-queue"]),
        (("beta", "tasks", "queues", "create-a"), ["create-app-engine-queue"]),
        (("tasks", "create-http-task", "--body"), ["--body-content", "--body-file"]),
        (("tasks", "create-http-task", "--method", "P"), ["PATCH", "POST", "PUT"]),
        (("tasks", "describe", "t", "--response-view", ""), ["basic", "full", "view-unspecified"]),
        (("queues", "list", "--format", "js"), ["json"]),
        (("completion", ""), list(SHELLS)),
        (("serve", "--store"), ["--store"]),
        (("nothing", ""), []),
    ],
)
def test_a_word_becomes_what_the_table_has(words: Sequence[str], found: list[str]) -> None:
    assert candidates(*words) == sorted(found)


def test_names_of_queues_come_from_the_server(cloud: Scripted) -> None:
    here = {"TIDEGATE_ADDRESS": cloud.url, "TIDEGATE_PROJECT": "demo", "TIDEGATE_LOCATION": "here"}
    assert candidates("queues", "describe", "", **here) == ["q", "r"]
    assert candidates("tasks", "list", "--queue", "r", **here) == ["r"]
    assert candidates("tasks", "run", "t", "--location", "empty", "--queue", "", **here) == []
    assert [request.path.split("/")[5] for request in cloud.taken()] == ["here", "here", "empty"]
    assert candidates("queues", "describe", "", TIDEGATE_ADDRESS="127.0.0.1:1", TIDEGATE_PROJECT="p") == []


def test_names_of_contexts_come_from_the_file(tmp_path: Path) -> None:
    home = {"XDG_CONFIG_HOME": str(tmp_path)}
    for name in ("local", "prod"):
        run("context", "set", name, "project=p", **home)
    assert candidates("context", "use", "", **home) == ["local", "prod"]
    assert candidates("queues", "list", "--context", "p", **home) == ["prod"]


@pytest.mark.parametrize("shell", [shell for shell in SHELLS if shutil.which(shell)])
def test_a_shell_loads_the_script_and_offers_names_of_queues(shell: str, cloud: Scripted, tmp_path: Path) -> None:
    line = "tidegate queues describe "
    script = SCRIPTS[shell].format(words=f"{line} ''", line=line)
    variables = {"TIDEGATE_ADDRESS": cloud.url, "TIDEGATE_PROJECT": "demo", "TIDEGATE_LOCATION": "here"}
    here = environment({**variables, "HOME": str(tmp_path)})
    here["PATH"] = f"{Path(sys.executable).parent}:{here['PATH']}"
    done = subprocess.run(
        [shell, "-c", script], env=here, capture_output=True, text=True, check=False, timeout=PATIENCE
    )
    assert (done.stderr, done.stdout.split()) == ("", ["q", "r"])


def test_an_unknown_shell_is_a_wrong_line() -> None:
    done = run("completion", "tcsh")
    assert done.exit_code == 2
    assert "argument SHELL: 'tcsh' must be bash, zsh or fish" in done.stderr


def test_the_man_page_has_every_command_and_flag() -> None:
    page = run("man").stdout.replace("\\-", "-")
    for command in commands(GA).values():
        assert f"tidegate {command.words}" in page
        assert command.example.replace("\\", "\\e") in page
    for row in SETTINGS:
        assert row.flag in page


@pytest.mark.skipif(shutil.which("groff") is None, reason="groff is not here")
def test_man_can_read_the_page() -> None:
    page = run("man").stdout
    done = subprocess.run(
        ["groff", "-man", "-Kutf8", "-Tutf8", "-ww", "-z"],
        input=page,
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE,
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_help_finds_commands_by_their_words() -> None:
    assert run("help", "--", "renew").stdout == "tidegate tasks renew-lease  Keep a leased task for longer.\n"
    assert run("help", "--", "nothinglikeit").exit_code == 1

"""What the command line says of itself."""

import io
import shlex
import subprocess
import sys

import pytest
from tests.cli.running import run

import tidegate
from tidegate.cli.colours import BOLD, paint
from tidegate.cli.loading import load
from tidegate.cli.table.find import below
from tidegate.cli.table.rows import GA, TRACKS
from tidegate.cli.table.top import SERVERS, SHORT
from tidegate.settings import SETTINGS

HEAVY = [
    "ada_url",
    "apsw",
    "click",
    "google",
    "google.protobuf",
    "grpc",
    "h2corn",
    "http.client",
    "json",
    "msgspec",
    "proto",
    "rich",
    "ssl",
    "uvloop",
    "yaml",
]


def output(*arguments: str) -> str:
    done = run(*arguments)
    assert done.exit_code == 0, done.output
    return " ".join(done.stdout.split())


def test_the_commands_are_named_with_what_they_are_for() -> None:
    says = output("--help")
    assert "Google Cloud Tasks that you run yourself." in says
    for line in ["serve Run the server.", "check Look for damage in a store.", "config Show the settings that hold."]:
        assert line in says


def test_serve_says_when_it_is_ready_and_how_it_stops() -> None:
    says = output("serve", "--help")
    assert "It prints `listening on http://HOST:PORT` once calls are answered." in says
    assert "SIGTERM or Ctrl-C lets the attempts under way end" in says


@pytest.mark.parametrize("row", SETTINGS, ids=lambda row: row.name)
def test_every_setting_is_a_flag_of_serve(row) -> None:
    says = output("serve", "--help")
    assert f"{row.flag} " in says
    assert row.says.help in says
    assert row.default_text in says


@pytest.mark.parametrize("arguments", [["--version"], ["version"]])
def test_the_version_is_that_of_the_package(arguments: list[str]) -> None:
    assert output(*arguments) == f"tidegate {tidegate.__version__}"


def test_the_package_is_a_command_too() -> None:
    done = subprocess.run([sys.executable, "-m", "tidegate", "version"], capture_output=True, text=True, check=True)
    assert done.stdout == f"tidegate {tidegate.__version__}\n"


def test_help_imports_nothing_that_is_slow() -> None:
    code = (
        "import sys; from tidegate.cli import main\n"
        "try: main(['--help'])\n"
        f"finally: sys.stderr.write(str([name for name in {HEAVY} if name in sys.modules]))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stderr == "[]"


def test_the_first_page_has_every_first_word() -> None:
    page = run("--help").stdout
    for word in [*below(GA, ""), *SHORT, *(name for name in TRACKS if name), *(name for name, _, _ in SERVERS)]:
        assert f"\n  {word} " in page


def test_without_a_word_the_first_page_is_shown_and_the_line_is_wrong() -> None:
    assert run() == (2, run("--help").stdout, "")


@pytest.mark.parametrize(("name", "where"), [(name, where) for name, _, where in SERVERS])
def test_the_help_of_a_server_command_has_an_example_that_is_right(name: str, where: str) -> None:
    says = run(name, "--help").stdout
    lines = says.splitlines()
    example = lines[lines.index("  Example:") + 1].strip()
    program, command, *arguments = shlex.split(example)
    assert (program, command) == ("tidegate", name)
    assert load(where).make_context(name, arguments).params


class Screen(io.StringIO):
    """What a person looks at."""

    def isatty(self) -> bool:
        return True


def test_pages_have_colours_on_a_terminal_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("NO_COLOR", raising=False)
    assert paint("text", BOLD, Screen()) == "\x1b[1mtext\x1b[0m"
    assert paint("text", BOLD, io.StringIO()) == "text"
    monkeypatch.setenv("NO_COLOR", "1")
    assert paint("text", BOLD, Screen()) == "text"

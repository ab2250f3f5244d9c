"""A shell that types what a page shows, with ports and programs of the test in place of the reader's."""

from __future__ import annotations

import os
import shlex
import socket
import subprocess
import sys
from collections.abc import Mapping
from importlib.metadata import metadata
from pathlib import Path

from packaging.requirements import Requirement
from tests.cli.serving import environment


def shell(
    text: str,
    place: Path,
    port: int | None = None,
    variables: Mapping[str, str] | None = None,
    *,
    programs: Path | None = None,
    program: str = "sh",
) -> str:
    """Run commands in a folder and return what they print. Whatever they leave running is ended.

    ``port`` is that of the server which they mean; ``programs`` is a folder whose programs come first.
    """
    folders = [*filter(None, [programs]), Path(sys.executable).parent, os.environ["PATH"]]
    known = {"PATH": os.pathsep.join(map(str, folders)), "HOME": str(place), "XDG_CONFIG_HOME": str(place)}
    if port is not None:
        address = f"http://127.0.0.1:{port}"
        known |= {"TIDEGATE_PORT": str(port), "TIDEGATE_ADDRESS": address}
        text = text.replace("http://localhost:8123", address)
    with subprocess.Popen(
        [program, "-euc", text] if program == "sh" else [program, "-c", text],
        cwd=place,
        env=environment({**known, **(variables or {})}),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    ) as process:
        try:
            said, _ = process.communicate(timeout=200)
        finally:
            if process.poll() is None:
                os.killpg(process.pid, 9)
    assert process.returncode == 0, said
    return said


def free_port() -> int:
    """One that nobody has now."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def check_install(line: str) -> None:
    """``pip install`` of Tidegate with extras that it has."""
    program, verb, what = shlex.split(line)
    wanted = Requirement(what)
    assert (program.rpartition("/")[2], verb, wanted.name) == ("pip", "install", "tidegate")
    assert wanted.extras <= set(metadata("tidegate").get_all("Provides-Extra") or ())


def recorders(place: Path, *names: str) -> Path:
    """A folder of programs that only note how they were called, a line each, in ``calls`` beside it."""
    folder = place / "recorders"
    folder.mkdir()
    for name in names:
        program = folder / name
        program.write_text(f'#!/bin/sh\nfor word in {name} "$@"; do printf "%s\\037" "$word"; done >> {place}/calls\n'
                           f'printf "\\n" >> {place}/calls\n')  # fmt: skip
        program.chmod(0o755)
    return folder


def recorded(place: Path) -> list[list[str]]:
    """The words of each call."""
    return [line.split("\037")[:-1] for line in (place / "calls").read_text().splitlines()]

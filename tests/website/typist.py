"""Types what a page says, block by block, as its reader would: files are saved, commands are typed, answers are read.

A block is titled with the file or the terminal that it is for. ``$`` begins a command, ``^C`` stops what runs, every
other line must be shown. A block of text must be shown by its terminal.
"""

from __future__ import annotations

import os
import re
import shlex
import socket
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from tests.endtoend.waiting import eventually
from tests.website.environment import install
from tests.website.pages import Block, blocks
from tests.website.terminal import Terminal

SERVER = re.compile(r"tidegate (serve|dev)\b")
HANDLER = re.compile(r"python (handler|letters)\.py")
TERMINAL = re.compile(r"(\w+ )?terminal")
HANDLER_PORT = "8080"


class Typist:
    """One reader with a folder, terminals and free ports in place of those of the page."""

    def __init__(self, folder: Path, wheel: Path, ports: Mapping[str, int], sql: Callable[[Block], None]) -> None:
        """``ports`` has the ports that stand for those of the page; ``sql`` is who runs statements."""
        self._folder = folder
        self._wheel = wheel
        self._ports = {**{number: free_port() for number in ("8123", "8124", HANDLER_PORT)}, **ports}
        self._sql = sql
        self._terminals: dict[str, Terminal] = {}

    def type(self, page: Path) -> None:
        """The whole page."""
        try:
            for block in blocks(page):
                self._do(block._replace(text=self._here(block.text)))
        finally:
            for terminal in self._terminals.values():
                terminal.close()

    def _do(self, block: Block) -> None:
        if block.language == "sql":
            self._sql(block)
        elif block.language == "console":
            self._type(self._terminal(block.title), block.text)
        elif block.language == "text" and TERMINAL.fullmatch(block.title):
            self._terminal(block.title).expect(block.text)
        elif block.language == "sh":
            self._terminal(block.title).run(block.text.strip())
        else:
            assert re.fullmatch(r"[\w.]+\.\w+", block.title), f"a block of {block.language} that nobody can use"
            (self._folder / block.title).write_text(block.text, encoding="utf-8")

    def _type(self, terminal: Terminal, text: str) -> None:
        for part in re.split(r"^(?=\$ |\^C$)", text, flags=re.MULTILINE):
            line, _, answer = part.partition("\n")
            if line == "^C":
                terminal.interrupt()
                continue
            command = line.removeprefix("$ ")
            if not command:
                continue
            if command.startswith("pip install "):
                install(self._folder / ".venv", shlex.split(command)[2:], self._wheel)
            elif SERVER.match(command) or HANDLER.match(command):
                terminal.start(command)
                if HANDLER.match(command):
                    eventually(f"{command} answers", lambda: answers(self._ports[HANDLER_PORT]))
            else:
                terminal.run(command)
            terminal.expect(answer)

    def _terminal(self, name: str) -> Terminal:
        if name not in self._terminals:
            log = self._folder / f"{name.replace(' ', '-')}.log"
            self._terminals[name] = Terminal(name, self._folder, self._variables(), log)
        return self._terminals[name]

    def _variables(self) -> dict[str, str]:
        """As little as a container has; the ports that nobody names are where this test has them."""
        python = self._folder / "bin"
        python.mkdir(exist_ok=True)
        link = python / "python3"
        if not link.exists():
            link.symlink_to(getattr(sys, "_base_executable", sys.executable))
        return {
            "PATH": f"{python}{os.pathsep}/usr/bin{os.pathsep}/bin",
            "HOME": str(self._folder),
            "LANG": "C.UTF-8",
            "PYTHONUNBUFFERED": "1",
            "TIDEGATE_PORT": str(self._ports["8123"]),
            "TIDEGATE_ADDRESS": f"http://127.0.0.1:{self._ports['8123']}",
        }

    def _here(self, text: str) -> str:
        """The text with this test's ports."""
        return re.sub(rf"\b({'|'.join(self._ports)})\b", lambda match: str(self._ports[match[1]]), text)


def answers(port: int) -> bool:
    """Whether somebody listens on a port of this machine."""
    with socket.socket() as tried:
        tried.settimeout(1)
        return tried.connect_ex(("127.0.0.1", port)) == 0


def free_port() -> int:
    """One that nobody has now."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])

"""``docs/access.md`` can be followed, line by line: from nothing to clients with a key file and with a certificate."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

PAGE = Path(__file__).parents[2] / "docs/access.md"
BLOCK = re.compile(r"^```(sh|python)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
PATIENCE = 120
"""Seconds that a block may take: openssl makes keys of RSA, and machines are busy."""

SNIPPETS = {
    "docs/access.md sh 1 2 3 4 5 6 7": "typed in their order by one reader",
    "docs/access.md python 1": "run by that reader",
}


class Reader:
    """Somebody who types what the page says, with another port than 8123, which may be taken."""

    def __init__(self, folder: Path, port: int) -> None:
        self._folder = folder
        self._port = str(port)
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("TIDEGATE_", "GOOGLE_"))}
        path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
        self.environment = {**kept, "PATH": path, "HOME": str(folder), "XDG_CONFIG_HOME": str(folder)}

    def types(self, block: str, shell: str = "sh") -> str:
        """What a block prints; what it exports holds for the next ones."""
        text = block.replace("8123", self._port)
        command = [sys.executable, "-c", text] if shell == "python" else ["sh", "-ec", f"{text}\nenv -0 > exported"]
        done = subprocess.run(
            command,
            env=self.environment,
            cwd=self._folder,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
        assert done.returncode == 0, (text, done.stderr)
        if shell == "sh":
            lines = (self._folder / "exported").read_text().split("\0")
            self.environment = dict(line.split("=", 1) for line in lines if "=" in line)
        return done.stdout

    @contextmanager
    def serving(self, block: str, *more: str) -> Iterator[None]:
        """The server of a block, until the end."""
        command = ["sh", "-c", f"exec {' '.join([block.strip(), '--port', self._port, *more])}"]
        with subprocess.Popen(
            command, env=self.environment, cwd=self._folder, stdout=subprocess.PIPE, text=True
        ) as server:
            try:
                assert server.stdout is not None
                assert server.stdout.readline().startswith("listening on https://")
                yield
            finally:
                server.terminate()
        assert server.returncode == 0


@pytest.fixture
def reader(tmp_path: Path) -> Reader:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return Reader(tmp_path, free.getsockname()[1])


def test_the_page_leads_from_nothing_to_a_key_and_to_a_certificate(reader: Reader) -> None:
    authority, token, serve, account, export, program, certificate, whoami = BLOCK.findall(PAGE.read_text())[:8]
    for language, block in (authority, token):
        reader.types(block, language)
    with reader.serving(serve[1]):
        for language, block in (account, export):
            reader.types(block, language)
        assert reader.types(program[1], "python").startswith("projects/shop/locations/here/queues/mail/tasks/")
    reader.types(certificate[1])
    with reader.serving(serve[1], "--tls-client-ca", "ca.pem"):
        del reader.environment["TIDEGATE_TOKEN"]
        assert "member: principal://spiffe/example.org/mailer\n" in reader.types(whoami[1])

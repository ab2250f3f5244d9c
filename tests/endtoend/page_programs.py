"""Runs the programs of docs/clients.md as a reader would: in their languages, with the packages that the page names."""

from __future__ import annotations

import hashlib
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.endtoend.cache import CACHE, alone_with
from tests.endtoend.official_programs import node_project, own_copy, run, tool

CLASSPATH = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:build-classpath"
GRPCURL = "github.com/fullstorydev/grpcurl/cmd/grpcurl"
PHP_CLIENT = "google/cloud-tasks:^2.1"


def execute(language: str, code: str, directory: Path) -> None:
    """Run a program in a directory of its own; it must end with 0.

    A machine that lacks the language skips the test, as ``official_programs.tool`` says.
    """
    done = subprocess.run(
        COMMANDS[language](code, directory),
        cwd=directory,
        env={**os.environ, "CLOUDSDK_CONFIG": str(directory / "gcloud-config")},
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def python(code: str, directory: Path) -> list[str]:
    return [sys.executable, written(directory / "program.py", code)]


def node(code: str, directory: Path) -> list[str]:
    return [tool("node"), written(node_project() / f"page-{digest(code)}.mjs", code)]


def go(code: str, directory: Path) -> list[str]:
    program = directory / "program"
    with own_copy("go") as place:
        source = written(place / f"page-{digest(code)}" / "main.go", code)
        run([tool("go"), "build", "-mod=readonly", "-o", str(program), source], place)
    return [str(program)]


def java(code: str, directory: Path) -> list[str]:
    name = re.search(r"^public class (\w+)", code, re.MULTILINE)
    assert name is not None, "the file is named after its public class"
    maven = tool("mvn")
    with own_copy("java") as place:
        classpath = place / "classpath"
        if not classpath.exists():
            run([maven, "--quiet", "--batch-mode", CLASSPATH, "-Dmdep.outputFile=classpath.new"], place)
            (place / "classpath.new").rename(classpath)
    return [tool("java"), "-cp", classpath.read_text(), written(directory / f"{name[1]}.java", code)]


def php(code: str, directory: Path) -> list[str]:
    """Composer's packages are not to be had everywhere, so a machine that checks every change may skip this as well."""
    with alone_with(CACHE / f"php-{digest(PHP_CLIENT)}") as project:
        if not (project / "vendor" / "autoload.php").exists():
            command = ["composer", "require", "--no-interaction", "--quiet", PHP_CLIENT]
            try:
                subprocess.run(command, cwd=project, capture_output=True, timeout=200, check=True)
            except (OSError, subprocess.SubprocessError) as error:
                pytest.skip(f"Google's PHP client cannot be installed: {error}")
    (directory / "vendor").symlink_to(project / "vendor")
    return ["php", written(directory / "program.php", code)]


def shell(code: str, directory: Path) -> list[str]:
    links = directory / "bin"
    links.mkdir()
    for name in ("curl", "gcloud", "grpcurl"):
        if re.search(rf"^{name} ", code, re.MULTILINE):
            (links / name).symlink_to(grpcurl() if name == "grpcurl" else tool(name))
    return ["/bin/sh", "-euc", f'PATH="$PWD/bin:$PATH"\n{code}']


def grpcurl() -> Path:
    """It is built with the Go client, whose packages it shares."""
    with own_copy("go") as place:
        if not (place / "grpcurl").exists():
            run([tool("go"), "build", "-mod=readonly", "-o", "grpcurl.new", GRPCURL], place)
            (place / "grpcurl.new").rename(place / "grpcurl")
    return place / "grpcurl"


def written(file: Path, code: str) -> str:
    file.parent.mkdir(exist_ok=True)
    file.write_text(code)
    return str(file)


def digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]


COMMANDS: dict[str, Callable[[str, Path], list[str]]] = {
    "python": python,
    "js": node,
    "go": go,
    "java": java,
    "php": php,
    "sh": shell,
}
"""How to run a program, by the language that its block of the page names."""

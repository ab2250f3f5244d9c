"""Choose versions anew and write them down: ``make lock``.

uv resolves for every platform and Python at once, which pip cannot; nothing else here needs it.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.dependencies import page
from tests.dependencies.locks import BUILD, DEVELOPMENT, IMAGE, PROJECT, ROOT, RUN, read

NEEDED = ("pyproject.toml", "README.md", "LICENSE", "THIRD_PARTY.md", "src/tidegate/__init__.py")
HEADER = """\
# Written by `make lock`: {what}, for every platform and Python from 3.11 on.
# pip install --require-hashes --requirement {name}
"""


def main() -> None:
    with TemporaryDirectory() as directory:
        for name in NEEDED:
            (Path(directory) / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, Path(directory) / name)
        uv(directory, "lock")
        resolved = tomllib.loads((Path(directory) / "uv.lock").read_text())
        RUN.write_text(HEADER.format(what="what Tidegate runs with", name=RUN.name) + export(directory, "--no-dev"))
        IMAGE.write_text(
            HEADER.format(what="what the image has, Tidegate with all its extras", name=IMAGE.name)
            + export(directory, "--no-dev", "--all-extras")
        )
        BUILD.write_text(
            HEADER.format(what="what builds the package", name=BUILD.name) + export(directory, "--only-group", "build")
        )
        DEVELOPMENT.write_text(
            HEADER.format(what="what Tidegate is built and tested with", name=DEVELOPMENT.name)
            + export(directory, "--group", "dev", "--all-extras")
        )
    files = {
        (package["name"], package["version"]): [wheel["url"].rsplit("/", 1)[1] for wheel in package.get("wheels", [])]
        for package in resolved["package"]
        if "version" in package
    }
    page.PAGE.write_text(page.page(read(RUN.read_text()), files))
    print(
        f"{RUN.name}, {IMAGE.name}, {BUILD.name}, {DEVELOPMENT.name} and {page.PAGE.relative_to(ROOT)}"
        f" are as {PROJECT.name} asks"
    )


def export(directory: str, *which: str) -> str:
    """The resolved packages with their hashes, in the form that pip reads."""
    return uv(directory, "export", "--frozen", "--no-emit-project", "--no-header", "--no-annotate", *which)


def uv(directory: str, *arguments: str) -> str:
    command = [sys.executable, "-m", "uv", "--quiet", *arguments]
    return subprocess.run(command, cwd=directory, check=True, stdout=subprocess.PIPE, text=True).stdout


if __name__ == "__main__":
    main()

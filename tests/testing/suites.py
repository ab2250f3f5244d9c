"""Running pytest on a folder that stands by itself, as others have it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

BARE = {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
"""For a run without the other plugins that are installed here, which take longer to import than ours."""
OURS = ("-p", "tidegate.testing.plugin")
ASYNCIO = ("-p", "pytest_asyncio.plugin")


def suite(
    folder: Path, *arguments: str, python: str = sys.executable, **environment: str
) -> subprocess.CompletedProcess[str]:
    """Run the tests of a folder, with nothing of ours around it."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "TIDEGATE_"))}
    command = [python, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-c", os.devnull]
    options = ["-o", "asyncio_mode=auto", "-o", "asyncio_default_fixture_loop_scope=function"]
    return subprocess.run(
        [*command, "--rootdir", str(folder), "--confcutdir", str(folder), *options, *arguments, str(folder)],
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
        cwd=folder,
        env=kept | environment,
    )

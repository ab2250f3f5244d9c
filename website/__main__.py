"""``python -m website [FOLDER]``: build the site into FOLDER/site (``build/site``). What is amiss ends it with 1."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

from website import links, llms
from website.staging import ROOT, stage


def build(folder: Path) -> Path:
    """The built site, below ``folder``. Raises SystemExit where the builder warns or a link leads nowhere."""
    source, site = folder / "site-source", folder / "site"
    pages = stage(source)
    command = [sys.executable, "-m", "zensical", "build", "--clean", "--strict", "-f", str(source / "zensical.toml")]
    done = subprocess.run(command, check=False)
    if done.returncode:
        raise SystemExit("the site has warnings")
    shutil.rmtree(site, ignore_errors=True)
    (source / "site").rename(site)
    llms.write(pages, site)
    wrong = links.broken(site)
    if wrong:
        raise SystemExit("\n".join(wrong))
    return site


if __name__ == "__main__":
    print(build(Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "build"))

"""``python -m release [build]``: checks, builds into ``dist/`` and tries a release. ``build`` leaves out what only a
release must have: its section of the changelog, and a clean repository.
"""

from __future__ import annotations

import sys
from pathlib import Path

import tidegate
from release import checks, files

ROOT = Path(__file__).parents[1]


def main(arguments: list[str]) -> int:
    """The exit code; what is amiss is printed, a line each."""
    version = tidegate.__version__
    wrong = list(checks.of_version(version))
    wrong += checks.of_chart((ROOT / "deploy/helm/tidegate/Chart.yaml").read_text(encoding="utf-8"), version)
    if arguments != ["build"]:
        wrong += checks.of_changelog((ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), version)
        wrong += checks.of_repository(ROOT, version)
    if wrong:
        print("\n".join(wrong))
        return 1
    built = files.build(ROOT, ROOT / "dist")
    (wheel,) = (file for file in built if file.suffix == ".whl")
    with files.fresh(wheel, files.install_locked(ROOT / "requirements.lock")) as command:
        installed, trouble = files.version_of(command), files.serves(command)
    if installed != version or trouble:
        print(trouble or f"the installed program says that it is {installed}, not {version}")
        return 1
    print("\n".join(f"dist/{file.name}" for file in built))
    if arguments != ["build"]:
        print(f"Next: git tag --sign v{version}, and push the tag; the workflows publish wheel, sdist and image.")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

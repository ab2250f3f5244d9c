"""All benchmarks, one after the other: ``python -m bench`` or ``make bench``. Each prints one JSON line."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

NOT_BENCHMARKS = {"__init__", "__main__", "http2", "load", "machine", "server"}


def main() -> None:
    folder = Path(__file__).parent
    names = sorted(path.stem for path in folder.glob("*.py") if path.stem not in NOT_BENCHMARKS)
    wanted = sys.argv[1:] or names
    for name in wanted:
        if name not in names:
            raise SystemExit(f"there is no benchmark {name!r}; there are {', '.join(names)}")
        print(f"{name}:", (folder / f"{name}.py").read_text().split('"""')[1].strip().splitlines()[0], flush=True)
        done = subprocess.run([sys.executable, "-m", f"bench.{name}"], check=False)
        if done.returncode:
            raise SystemExit(done.returncode)


if __name__ == "__main__":
    main()

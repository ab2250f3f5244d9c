"""Which file systems are reached over a network, where SQLite's locks and syncs may not hold."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Final

MOUNTS: Final = Path("/proc/self/mountinfo")

NETWORK: Final = frozenset(
    {
        *("nfs", "nfs4", "cifs", "smb3", "smbfs", "9p", "afs", "ceph", "glusterfs", "gpfs", "lustre", "ncpfs", "ocfs2"),
        *("fuse.ceph", "fuse.gcsfuse", "fuse.glusterfs", "fuse.rclone", "fuse.s3fs", "fuse.sshfs"),
    }
)


def network_file_system(device: int, mounts: Path = MOUNTS) -> str | None:
    """The name of the file system on a device if it is one of a network. None also where nobody tells (Linux only)."""
    if sys.platform != "linux":
        return None
    try:
        lines = mounts.read_text().splitlines()
    except OSError:
        return None
    number = f"{os.major(device)}:{os.minor(device)}"
    for line in lines:  # ID, parent's ID, device, root, mount point, options, any more - file system, source, options
        mount, _, kind = line.partition(" - ")
        if mount.split()[2:3] == [number]:
            name = kind.split(maxsplit=1)[0] if kind else ""
            return name if name in NETWORK else None
    return None

"""What the kernel knows of a connection: how much of what was sent has not arrived."""

from __future__ import annotations

import socket
import struct
import sys

if sys.platform == "linux":
    import fcntl
    import termios


def unacknowledged(sock: socket.socket) -> int | None:
    """Bytes given to the kernel that the other side's kernel has not acknowledged; None where that cannot be asked."""
    if sys.platform != "linux":
        return None
    (count,) = struct.unpack("i", fcntl.ioctl(sock.fileno(), termios.TIOCOUTQ, bytes(4)))
    return int(count)

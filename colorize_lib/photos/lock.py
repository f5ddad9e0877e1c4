"""One process at a time."""

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout


@contextmanager
def alone(path: Path, doing: str) -> Iterator[None]:
    """Wait until no other process is inside with the same ``path``, saying who is.

    The system lets go of the lock when its holder ends, however it ends: a killed
    process blocks nobody. The lock's empty file stays behind, because removing it could
    let two in.

    Args:
        path: the lock's file, in a folder that all processes share.
        doing: what the holder does, for the message.

    Raises:
        OSError: the file cannot be made.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    lock, holder = FileLock(path), path.with_suffix(".holder")
    try:
        lock.acquire(timeout=0)
    except Timeout:
        who = _read(holder) or "another process"
        print(f"{who} is {doing}; waiting for it", flush=True)
        lock.acquire()
    try:
        # Only for the message above: a full disk must not stop us here.
        with suppress(OSError):
            holder.write_text(f"process {os.getpid()} on {socket.gethostname()}")
        yield
    finally:
        with suppress(OSError):
            holder.unlink()
        lock.release()


def _read(holder):
    with suppress(OSError):
        return holder.read_text()

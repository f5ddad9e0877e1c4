"""Writing files so that nothing is ever lost or half-written, and by one at a time."""

import errno
import glob
import io
import os
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from hashlib import sha256
from pathlib import Path
from typing import BinaryIO

from filelock import FileLock, Timeout

ABANDONED = 3600  # seconds without a write: no process is still at work on it
# Of 255 bytes, which is what most file systems allow a name, the rest is for the number
# of a process and the dots around it.
LONGEST_LABEL = 235
# In plainer words than the system's.
NO_SPACE = {
    errno.ENOSPC: "disk full",
    errno.EDQUOT: "disk quota used up",
    errno.EFBIG: "larger than a file may be here",
}


# ------------------------------------------------------------ whole files


@contextmanager
def replacing(path: Path) -> Iterator[BinaryIO]:
    """A file to write into; it takes the place of ``path`` only when all went well.

    Raises:
        OSError: what is wrong, in words, and that ``path`` could not be written; what
            was there is intact.
    """
    path = Path(path)
    temporary = path.with_name(f".{_label(path.name)}.{os.getpid()}.tmp")
    raw = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        raw = _Remembering(temporary, "w")
        with io.BufferedWriter(raw) as file:
            yield file
            # Without this, a power cut after the rename could leave the new name on an
            # empty file.
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
        sweep(path)
    except BaseException as error:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)
        cause = error if isinstance(error, OSError) else raw and raw.failure
        if cause:
            raise _unwritten(path, cause) from error
        raise


def sweep(path: Path, *, abandoned: float = ABANDONED) -> None:
    """Remove what processes left behind that were killed while writing this file.

    Args:
        path: the file that they meant to replace.
        abandoned: after so many seconds without a write; 0 where it is certain that no
            process is at work on it.
    """
    for leftover in path.parent.glob(f".{glob.escape(_label(path.name))}.*.tmp"):
        with suppress(OSError):
            if time.time() - leftover.stat().st_mtime >= abandoned:
                leftover.unlink()


class _Remembering(io.FileIO):
    """Keeps the error of a write: torch.save tells it as a RuntimeError of its own."""

    failure: OSError | None = None

    def write(self, data):
        try:
            return super().write(data)
        except OSError as error:
            self.failure = error
            raise


def _label(name):
    """The name of a file in that of its temporary one: cut, and still its own."""
    whole = os.fsencode(name)
    if len(whole) <= LONGEST_LABEL:
        return name
    ending = f"-{sha256(whole).hexdigest()[:16]}"
    return whole[: LONGEST_LABEL - len(ending)].decode(errors="ignore") + ending


def _unwritten(path, cause):
    what = NO_SPACE.get(cause.errno) or cause.strerror or str(cause)
    error = OSError(f"{what}: could not write {path}. What was there is intact")
    error.errno = cause.errno
    return error


# ------------------------------------------------------------ one at a time


@contextmanager
def exclusive(path: Path, doing: str, *, wait: bool = True) -> Iterator[None]:
    """Be the only process inside with the same ``path``; the others learn who that is.

    The system lets go of the lock when its holder ends, however it ends: a killed
    process blocks nobody. The lock's empty file stays behind, because removing it could
    let two in. The thread that is inside may enter again.

    Args:
        path: the lock's file, in a folder that all processes share.
        doing: what the holder does, for the message.
        wait: until the holder is out, saying who it is; else raise.

    Raises:
        BlockingIOError: another process is inside, and we do not wait for it.
        OSError: the file cannot be made.
    """
    path = Path(path).resolve()
    if path in _inside.paths:
        yield
        return
    lock, holder = FileLock(path), path.with_suffix(".holder")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _acquire(lock, holder, doing, wait)
    except BlockingIOError:
        raise
    except OSError as error:
        raise _unwritten(path, error) from error
    _inside.paths.add(path)
    try:
        # Only for the message: a full disk must not stop us here.
        with suppress(OSError):
            holder.write_text(f"process {os.getpid()} on {socket.gethostname()}")
        yield
    finally:
        _inside.paths.remove(path)
        with suppress(OSError):
            holder.unlink()
        lock.release()


def _acquire(lock, holder, doing, wait):
    try:
        lock.acquire(timeout=0)
    except Timeout:
        who = "another process"
        with suppress(OSError):
            who = holder.read_text() or who
        if not wait:
            raise BlockingIOError(
                f"{who} is {doing}: wait until it ends, or give another folder"
            ) from None
        print(f"{who} is {doing}; waiting for it", flush=True)
        lock.acquire()


class _Inside(threading.local):
    def __init__(self):
        self.paths = set()


_inside = _Inside()

"""Writing files so that nothing is ever lost or half-written, and by one at a time."""

import errno
import glob
import io
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from hashlib import sha256
from pathlib import Path
from typing import BinaryIO

from filelock import FileLock, Timeout

ABANDONED = 3600  # seconds without a write: no process is still at work on it
LONGEST_NAME = 235  # bytes, of 255: the rest is for a process's number and the dots
# In plainer words than the system's.
NO_SPACE = {
    errno.ENOSPC: "disk full",
    errno.EDQUOT: "disk quota used up",
    errno.EFBIG: "larger than a file may be here",
}


@contextmanager
def replacing(path: Path) -> Iterator[BinaryIO]:
    """A file to write into; it takes the place of ``path`` only when all went well.

    Raises:
        OSError: what is wrong, in words, and that ``path`` could not be written; what
            was there is intact.
    """
    path = Path(path)
    temporary = path.with_name(f"{_prefix(path.name)}{os.getpid()}.tmp")
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
    """Remove what processes left behind that were killed while writing ``path``.

    Args:
        path: the file that they meant to replace.
        abandoned: after so many seconds without a write; 0 where it is certain that no
            process is at work on it.
    """
    for leftover in path.parent.glob(f"{glob.escape(_prefix(path.name))}*.tmp"):
        with suppress(OSError):
            if time.time() - leftover.stat().st_mtime >= abandoned:
                leftover.unlink()


@contextmanager
def exclusive(path: Path, doing: str, *, wait: bool = True) -> Iterator[None]:
    """Be the only thread of all processes inside with the same ``path``.

    The system lets go of the lock when its holder ends, however it ends: a killed
    process blocks nobody. The lock's empty file stays behind, because removing it could
    let two in. The thread that is inside may enter again.

    Args:
        path: the lock's file, in a folder that all processes share.
        doing: what the holder does, for the message.
        wait: until the holder is out, and say so; else raise.

    Raises:
        BlockingIOError: another is inside, and we do not wait for it.
        OSError: the file cannot be made.
    """
    path = Path(path).resolve()
    lock = FileLock(path, is_singleton=True)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        lock.acquire(timeout=0)
    except Timeout:
        if not wait:
            raise BlockingIOError(
                f"another process is {doing}: wait until it ends, or give another folder"
            ) from None
        print(f"another process is {doing}; waiting for it", flush=True)
        lock.acquire()
    except OSError as error:
        raise _unwritten(path, error) from error
    try:
        yield
    finally:
        lock.release()


# ------------------------------------------------------------ parts


class _Remembering(io.FileIO):
    """Keeps the error of a write: torch.save tells it as a RuntimeError of its own."""

    failure: OSError | None = None

    def write(self, data):
        try:
            return super().write(data)
        except OSError as error:
            self.failure = error
            raise


def _prefix(name):
    """What the name of a temporary file begins with: the name, or its hash."""
    raw = os.fsencode(name)
    return f".{name if len(raw) <= LONGEST_NAME else sha256(raw).hexdigest()}."


def _unwritten(path, cause):
    what = NO_SPACE.get(cause.errno) or cause.strerror or str(cause)
    error = OSError(f"{what}: could not write {path}. What was there is intact")
    error.errno = cause.errno
    return error

"""Writing files so that nothing is ever lost or half-written."""

import glob
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

ABANDONED = 3600  # seconds without a write: no process is still at work on it


@contextmanager
def replacing(path: Path) -> Iterator[BinaryIO]:
    """A file to write into; it takes the place of ``path`` only when all went well.

    Raises:
        OSError: naming ``path``, which could not be written; what was there is intact.
    """
    path = Path(path)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with temporary.open("wb") as file:
            yield file
            # Without this, a power cut after the rename could leave the new name on an
            # empty file.
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
        _sweep(path)
    except BaseException as error:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)
        # torch.save reports a full disk as a RuntimeError.
        if isinstance(error, (OSError, RuntimeError)):
            raise OSError(
                f"could not write {path}: {error}. What was there is intact"
            ) from error
        raise


def _sweep(path):
    """Remove what processes left behind that were killed while writing this file."""
    for leftover in path.parent.glob(f".{glob.escape(path.name)}.*.tmp"):
        with suppress(OSError):
            if time.time() - leftover.stat().st_mtime > ABANDONED:
                leftover.unlink()

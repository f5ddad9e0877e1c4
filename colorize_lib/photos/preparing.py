"""Turning a source into a prepared set, once."""

import errno
import json
import math
import os
import re
import shutil
from contextlib import contextmanager, suppress
from hashlib import sha256
from pathlib import Path

from colorize_lib.files import NO_SPACE, exclusive
from colorize_lib.photos.cache import cache_folder
from colorize_lib.photos.index import FORMAT, DamagedSet, listed, read_index, shape_of
from colorize_lib.photos.journal import make, partial_folder
from colorize_lib.photos.prepared import PreparedSet, open_prepared
from colorize_lib.photos.reading import Fit, check_size_and_fit
from colorize_lib.photos.sources import Source
from colorize_lib.photos.workers import (
    read_all,
    refuse_in_starting_worker,
    usual_workers,
)


def prepare(
    source: Source,
    size: int,
    *,
    folder: str | Path | None = None,
    fit: Fit = "crop",
    workers: int | None = None,
    verbose: bool = True,
) -> PreparedSet:
    """Decode and resize every photograph of a source once.

    If that has been done already, the set is opened. Costs 3 size^2 bytes of disk a
    photograph (12 kB at 64 pixels, 197 kB at 256) and makes some hundreds a second and
    core. The set is verified each time: a damaged picture is named and made again.
    Unreadable photographs are skipped and listed; near-gray ones and duplicates are
    flagged and stay. May be called by several processes at once: one works, the others
    wait and say for whom.

    Args:
        source: where the photographs come from. Its names and file sizes are part of
            the set's identity; a picture replaced by one of the same name and the same
            number of bytes goes unnoticed.
        size: side in pixels.
        folder: where sets are kept, each in a folder of its own; by default
            ``prepared`` in the cache folder.
        fit: ``"crop"`` or ``"squash"``, see :func:`.read_photo`.
        workers: processes; by default one for each core, or one alone for less than
            1,000 photographs.
        verbose: print a progress bar and a summary.

    Raises:
        ValueError: no photograph of the source can be read, or a wrong size or fit.
        OSError: not enough space (found before anything is written), a folder that
            cannot be written, a failing disk. What has been read until then is kept for
            the next call, unless that is nothing.
    """
    check_size_and_fit(size, fit)
    refuse_in_starting_worker()
    root = Path(folder).expanduser() if folder else cache_folder() / "prepared"
    home = root / _folder_name(source, size, fit)
    try:
        # Without the lock: a finished set may lie in a folder that we cannot write.
        prepared = open_prepared(home)
    except (FileNotFoundError, DamagedSet):
        with _explaining(home):
            _check_space(home, len(source) * 3 * size * size)
            lock = home.with_name(f".{home.name}.lock")
            with exclusive(lock, f"preparing {home.name}"):
                prepared = _mend_or_make(home, source, size, fit, workers, verbose)
    if verbose:
        print(_summary(source, prepared), flush=True)
    return prepared


def _mend_or_make(home, source, size, fit, workers, verbose):
    try:
        return open_prepared(home)  # the process that we waited for has made it
    except FileNotFoundError:
        pass
    except DamagedSet as damage:
        print(damage, flush=True)
        if damage.names and _mend(home, source, damage.names, fit):
            print(f"made {listed(damage.names)} again", flush=True)
            return open_prepared(home)
    # An index that cannot be trusted, or a file missing: all anew.
    shutil.rmtree(home, ignore_errors=True)
    make(home, source, size, fit, workers or usual_workers(len(source)), verbose)
    return open_prepared(home, verify=False)


# ------------------------------------------------------------ mending


def _mend(home, source, names, fit):
    """Write damaged pictures again. False if the source has other pixels now."""
    index = read_index(home)
    size = index["size"]
    row_of = {picture["name"]: row for row, picture in enumerate(index["pictures"])}
    photos = source.subset(names).photos
    with (home / "pixels.bin").open("r+b") as file:
        file.truncate(math.prod(shape_of(index)))
        readings = read_all(photos, size, fit, usual_workers(len(photos)))
        for photo, reading in zip(photos, readings, strict=True):
            row = row_of[photo.name]
            if reading.sha256 != index["pictures"][row]["sha256"]:
                return False
            file.seek(row * 3 * size * size)
            file.write(reading.pixels.tobytes())
        file.flush()
        os.fsync(file.fileno())
    return True


# ------------------------------------------------------------ names and errors


def _folder_name(source, size, fit):
    photos = [(photo.name, photo.group, photo.file_size) for photo in source.photos]
    identity = json.dumps([FORMAT, source.name, size, fit, photos])
    label = re.sub(r"[^\w.+-]+", "-", source.name)[:40]
    return f"{label}-{size}px-{fit}-{sha256(identity.encode()).hexdigest()[:12]}"


def _check_space(home, needed):
    with suppress(FileNotFoundError):
        needed -= (partial_folder(home) / "pixels.bin").stat().st_size
    if home.exists():
        return  # only to be mended
    existing = next(folder for folder in home.parents if folder.is_dir())
    free = shutil.disk_usage(existing).free
    if needed > free:
        raise OSError(
            errno.ENOSPC,
            f"{needed / 1e6:,.1f} MB needed, {free / 1e6:,.1f} MB free in {existing}",
        )


@contextmanager
def _explaining(home):
    try:
        yield
    except OSError as error:
        code = error.errno or errno.EIO
        reason = error.strerror or str(error)
        reason += f": {error.filename}" if error.filename else ""
        remedy = "call prepare again to go on"
        if code in NO_SPACE:
            remedy = f"free some space or give another folder, then {remedy}"
        elif code in (errno.EACCES, errno.EROFS, errno.EPERM):
            remedy = "give a folder that can be written, prepare(..., folder=...)"
        partial = partial_folder(home)
        state = (
            f"what was finished is kept in {partial}"
            if partial.exists()
            else "nothing was written"
        )
        told = OSError(f"could not prepare {home}: {reason}; {state}; {remedy}")
        told.errno = code  # beside the words, not before them
        raise told from error


def _summary(source, prepared):
    text = (
        f"{source.name}: {len(prepared):,} pictures of {prepared.shape[-1]} px, "
        f"{prepared.near_gray.sum():,} near gray, "
        f"{prepared.duplicate.sum():,} duplicates, in {_tilde(prepared.folder)}"
    )
    if prepared.skipped:
        reasons = listed(
            (f"{name} ({reason})" for name, reason in prepared.skipped.items()), most=3
        )
        text += f"; {len(prepared.skipped)} skipped: {reasons}"
    return text


def _tilde(folder):
    """Short, and fit for a published notebook: without the user's name."""
    home = Path.home()
    inside = folder.is_relative_to(home)
    return f"~/{folder.relative_to(home).as_posix()}" if inside else folder

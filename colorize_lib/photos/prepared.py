"""Photographs decoded and resized once, kept as a uint8 memory map.

On the disk a prepared set is a folder with two files: ``pixels.bin``, ``(n, 3, size,
size)`` bytes without a header, and ``index.json``, which says what each row is. Taught
in chapter 2.
"""

import errno
import json
import os
import re
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path

import numpy as np
from tqdm import tqdm

from colorize_lib.files import NO_SPACE, exclusive
from colorize_lib.photos.cache import cache_folder
from colorize_lib.photos.filters import is_near_gray
from colorize_lib.photos.reading import Fit, check_size_and_fit
from colorize_lib.photos.sources import Source, known
from colorize_lib.photos.workers import (
    read_all,
    refuse_in_starting_worker,
    usual_workers,
)

# Of the two files, and of how pixels and flags are made. Raise it when any of that
# changes: old sets are then left alone, and new ones made beside them.
FORMAT = 1


def prepare(
    source: Source,
    size: int,
    *,
    folder: str | Path | None = None,
    fit: Fit = "crop",
    workers: int | None = None,
    verbose: bool = True,
) -> "PreparedSet":
    """Decode and resize every photograph of a source once; open what is there already.

    Costs 3 size^2 bytes of disk a photograph and makes some hundreds a second and core.
    Unreadable photographs are skipped and listed; near-gray ones and duplicates are
    flagged and stay. Several processes may call it at once: one works, the others wait.

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
            cannot be written, a failing disk.
    """
    check_size_and_fit(size, fit)
    refuse_in_starting_worker()
    root = Path(folder).expanduser() if folder else cache_folder() / "prepared"
    home = root / _folder_name(source, size, fit)
    if not _is_whole(home):
        with _explaining(home):
            _check_space(home, len(source) * 3 * size**2)
            lock = home.with_name(f".{home.name}.lock")
            with exclusive(lock, f"preparing {home.name}"):
                if not _is_whole(home):  # nobody for whom we waited has made it
                    _make(home, source, size, fit, workers, verbose)
    prepared = open_prepared(home)
    if verbose:
        print(_summary(source, prepared), flush=True)
    return prepared


def _make(home, source, size, fit, workers, verbose):
    """Beside its place, and moved there when it is whole: nobody opens half of one."""
    partial = home.with_name(f"{home.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)  # of a process that was killed
    partial.mkdir(parents=True)
    workers = workers or usual_workers(len(source))
    readings = read_all(source.photos, size, fit, workers)
    bar = {"desc": source.name, "unit": "photo", "disable": not verbose}
    try:
        with (partial / "pixels.bin").open("wb") as pixels:
            entries = [
                _entry(photo, reading, pixels)
                for photo, reading in zip(
                    source.photos, tqdm(readings, total=len(source), **bar), strict=True
                )
            ]
            # Without this, a power cut could leave the new name on missing pixels.
            pixels.flush()
            os.fsync(pixels.fileno())
        index = make_index(source, size, fit, entries)
        (partial / "index.json").write_text(json.dumps(index, indent=1))
        shutil.rmtree(home, ignore_errors=True)  # damaged, if there is one
        partial.rename(home)
    except BaseException:
        shutil.rmtree(partial, ignore_errors=True)
        raise


def _entry(photo, reading, pixels):
    if reading.pixels is None:
        return {"name": photo.name, "reason": reading.reason}
    pixels.write(reading.pixels.tobytes())
    digest = sha256(reading.pixels).hexdigest()
    chroma = {"chroma": reading.chroma}
    return {"name": photo.name, "group": photo.group, "sha256": digest} | chroma


# ------------------------------------------------------------ the set


class Rows:
    """Some rows of an array, gathered when asked for: a subset that costs no memory."""

    def __init__(self, array: np.ndarray, rows: np.ndarray):
        self.array, self.rows = array, rows
        self.shape, self.dtype = (len(rows), *array.shape[1:]), array.dtype

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, index) -> np.ndarray:
        return self.array[self.rows[index]]


@dataclass(frozen=True, eq=False)
class PreparedSet:
    """Photographs of one size, as pixels.

    ``len(s)`` counts them; ``s[i]``, ``s[a:b]`` and ``s[[i, j]]`` are arrays of pixels.

    Attributes:
        images: uint8 ``(n, 3, size, size)``, sRGB.
        names: of the photographs in their source.
        groups: what a split must keep together. Groups that share an identical picture
            have become one.
        near_gray: bool ``(n,)``: next to no color, see :func:`.is_near_gray`.
        duplicate: bool ``(n,)``: the same pixels as a picture before it.
        skipped: the name of each unreadable photograph of the source, and the reason.
        folder: where it lies.
    """

    images: np.ndarray | Rows = field(repr=False)
    names: tuple[str, ...] = field(repr=False)
    groups: tuple[str, ...] = field(repr=False)
    near_gray: np.ndarray = field(repr=False)
    duplicate: np.ndarray = field(repr=False)
    skipped: dict[str, str] = field(repr=False)
    folder: Path

    def __len__(self) -> int:
        return len(self.names)

    def __getitem__(self, index) -> np.ndarray:
        return self.images[index]

    @property
    def shape(self) -> tuple[int, int, int, int]:
        """As of an array, ``(n, 3, size, size)``."""
        return self.images.shape

    def subset(self, names: Iterable[str]) -> "PreparedSet":
        """The photographs of these names, in that order.

        Raises:
            KeyError: naming a photograph that the set does not have, or has skipped.
        """
        row_of = {name: row for row, name in enumerate(self.names)}
        rows = [row_of[name] for name in known(names, row_of, self.folder.name)]
        return self._select(np.array(rows, dtype=int))

    def for_training(self, names: Iterable[str] | None = None) -> "PreparedSet":
        """As :meth:`subset`, by default of all, without what teaches the wrong thing.

        Near-gray pictures teach a network to answer gray; duplicates count double.
        """
        chosen = self if names is None else self.subset(names)
        return chosen._select(np.flatnonzero(~(chosen.near_gray | chosen.duplicate)))

    def _select(self, rows):
        images = self.images
        if isinstance(images, Rows):
            images = Rows(images.array, images.rows[rows])
        else:
            images = Rows(images, rows)
        return PreparedSet(
            images,
            tuple(self.names[row] for row in rows),
            tuple(self.groups[row] for row in rows),
            self.near_gray[rows],
            self.duplicate[rows],
            self.skipped,
            self.folder,
        )


def open_prepared(folder: str | Path) -> PreparedSet:
    """Open a prepared set without its source.

    Raises:
        FileNotFoundError: no finished set there.
        ValueError: its files are not what was written.
    """
    folder = Path(folder)
    if not (folder / "index.json").exists():
        raise FileNotFoundError(f"no prepared set in {folder}")
    if not _is_whole(folder):
        raise ValueError(f"{folder} is damaged: delete it and call prepare again")
    index = json.loads((folder / "index.json").read_bytes())
    pictures, size = index["pictures"], index["size"]
    shape = len(pictures), 3, size, size
    return PreparedSet(
        np.memmap(folder / "pixels.bin", np.uint8, "r", shape=shape),
        tuple(picture["name"] for picture in pictures),
        tuple(picture["group"] for picture in pictures),
        np.array([picture["near_gray"] for picture in pictures]),
        np.array([picture["duplicate_of"] is not None for picture in pictures]),
        {photo["name"]: photo["reason"] for photo in index["skipped"]},
        folder,
    )


# ------------------------------------------------------------ the index


def make_index(source: Source, size: int, fit: str, entries: list[dict]) -> dict:
    """What each row of a set is: near gray, a duplicate, of which group.

    Raises:
        ValueError: no photograph could be read.
    """
    read = [entry for entry in entries if "reason" not in entry]
    skipped = [entry for entry in entries if "reason" in entry]
    if not read:
        example = f"; {skipped[0]['name']}: {skipped[0]['reason']}" if skipped else ""
        raise ValueError(
            f"source {source.name}: none of {len(source)} photographs can be read"
            f"{example}"
        )
    first_of, group_of, pictures = {}, _joined_groups(read), []
    for entry in read:
        first = first_of.setdefault(entry["sha256"], entry["name"])
        more = {
            "group": group_of[entry["group"]],
            "near_gray": is_near_gray(entry["chroma"]),
            "duplicate_of": None if first == entry["name"] else first,
        }
        pictures.append(entry | more)
    about = {"format": FORMAT, "source": source.name, "size": size, "fit": fit}
    return about | {"pictures": pictures, "skipped": skipped}


def _joined_groups(entries):
    """What each group has become: those that share a picture's pixels are one."""
    leader = {entry["group"]: entry["group"] for entry in entries}

    def lead(group):
        while leader[group] != group:
            group = leader[group]
        return group

    group_with = {}
    for entry in entries:
        twin = group_with.setdefault(entry["sha256"], entry["group"])
        # The name that sorts first leads: the order of the pictures does not matter.
        first, second = sorted((lead(entry["group"]), lead(twin)))
        leader[second] = first
    return {group: lead(group) for group in leader}


def _is_whole(home):
    """Whether the index can be read, and there are as many bytes as it says."""
    try:
        index = json.loads((home / "index.json").read_bytes())
        expected = len(index["pictures"]) * 3 * index["size"] ** 2
        return (home / "pixels.bin").stat().st_size == expected
    except (OSError, ValueError, KeyError, TypeError):
        return False


# ------------------------------------------------------------ names and errors


def _folder_name(source, size, fit):
    photos = [(photo.name, photo.group, photo.file_size) for photo in source.photos]
    identity = json.dumps([FORMAT, source.name, size, fit, photos])
    label = re.sub(r"[^\w.+-]+", "-", source.name)[:40]
    return f"{label}-{size}px-{fit}-{sha256(identity.encode()).hexdigest()[:12]}"


def _check_space(home, needed):
    existing = next(folder for folder in home.parents if folder.is_dir())
    free = shutil.disk_usage(existing).free
    if needed > free:
        raise OSError(
            errno.ENOSPC,
            f"{needed / 1e6:,.1f} MB needed, {free / 1e6:,.1f} MB free in {existing}",
        )


@contextmanager
def _explaining(home) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        code = error.errno or errno.EIO
        reason = error.strerror or str(error)
        reason += f": {error.filename}" if error.filename else ""
        remedy = "call prepare again"
        if code in NO_SPACE:
            remedy = f"free some space or give another folder, then {remedy}"
        elif code in (errno.EACCES, errno.EROFS, errno.EPERM):
            remedy = "give a folder that can be written, prepare(..., folder=...)"
        told = OSError(f"could not prepare {home}: {reason}; nothing is kept; {remedy}")
        told.errno = code  # beside the words, not before them
        raise told from error


def _summary(source, prepared):
    inside = prepared.folder.is_relative_to(Path.home())
    # Short, and fit for a published notebook: without the user's name.
    place = prepared.folder.relative_to(Path.home()) if inside else prepared.folder
    text = (
        f"{source.name}: {len(prepared):,} pictures of {prepared.shape[-1]} px, "
        f"{prepared.near_gray.sum():,} near gray, "
        f"{prepared.duplicate.sum():,} duplicates, "
        f"in {'~/' if inside else ''}{place.as_posix()}"
    )
    if prepared.skipped:
        some = [f"{x} ({why})" for x, why in list(prepared.skipped.items())[:3]]
        text += f"; {len(prepared.skipped)} skipped: {', '.join(some)}"
        text += f" and {len(prepared.skipped) - 3} more" * (len(prepared.skipped) > 3)
    return text

"""A source: a named, sorted list of photographs, each with its group and its opener.

Any folder and any zip or tar will do; the collections of the book have functions of
their own in :mod:`colorize_lib.photos.datasets`.
"""

import os
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import takewhile
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from colorize_lib.photos.archives import is_archive, members

# HEIC is listed although Pillow cannot read it: an iPhone's pictures then show up as
# skipped, with the remedy, instead of being overlooked.
_RASTER = (".jpg", ".jpeg", ".png", ".webp", ".bmp", ".gif", ".tif", ".tiff", ".avif")
SUFFIXES = (*_RASTER, ".heic", ".heif")


@dataclass(frozen=True)
class Photo:
    """One photograph of a source.

    Attributes:
        name: its path in the source, with ``/`` on every machine; unique in the source.
        group: what a split must keep together: a person, or the picture itself.
        file_size: bytes. Part of what tells one state of a source from another.
        open: returns a binary file. Picklable, so that a worker process can call it.
    """

    name: str
    group: str
    file_size: int
    open: Callable[[], BinaryIO] = field(compare=False, repr=False)


@dataclass(frozen=True)
class Source:
    """Photographs under one name, sorted by name: the same order on every machine.

    Raises:
        ValueError: two photographs of one name.
    """

    name: str
    photos: tuple[Photo, ...] = field(repr=False)

    def __post_init__(self):
        # By code point. A locale's order and a disk's order differ between machines.
        object.__setattr__(
            self, "photos", tuple(sorted(self.photos, key=lambda photo: photo.name))
        )
        for one, two in zip(self.photos, self.photos[1:], strict=False):
            if one.name == two.name:
                raise ValueError(
                    f"source {self.name} has two photographs named {one.name}; "
                    "rename one"
                )

    def __len__(self) -> int:
        return len(self.photos)

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the photographs, in their order."""
        return tuple(photo.name for photo in self.photos)

    @property
    def groups(self) -> tuple[str, ...]:
        """The groups of the photographs, in their order."""
        return tuple(photo.group for photo in self.photos)

    def subset(self, names: Iterable[str]) -> "Source":
        """The photographs of these names.

        Raises:
            KeyError: naming one that is not there.
        """
        photos = {photo.name: photo for photo in self.photos}
        return Source(
            self.name, tuple(photos[name] for name in known(names, photos, self.name))
        )


def from_path(path: str | Path, name: str | None = None) -> Source:
    """All pictures in a folder with subfolders, in a zip or tar, each its own group.

    Hidden files are left out. A folder that contains everything is left out of the
    names, so that a collection has the same names (hence the same split) whether it was
    unpacked or not, and one level deeper or not.

    Args:
        path: the folder or the archive; of an archive nothing needs unpacking.
        name: the source's name; by default the folder's or the archive's.

    Raises:
        FileNotFoundError: no such path.
        ValueError: no picture in it, or neither a folder nor an archive.
        UnsafeArchive: see :mod:`colorize_lib.photos.archives`.
    """
    path = Path(path).expanduser()
    if path.is_dir():
        files = _in_folder(path)
    elif path.is_file() and is_archive(path):
        files = [
            (member.name, member.file_size, member.open) for member in members(path)
        ]
    elif path.is_file():
        raise ValueError(
            f"{path} is neither a folder nor a zip or tar; "
            "name the folder that holds the pictures"
        )
    else:
        raise FileNotFoundError(
            f"{path} does not exist; name a folder of pictures, or a zip or tar of them"
        )
    files = [
        (_normal(name), size, opener)
        for name, size, opener in files
        if _is_picture(name)
    ]
    if not files:
        raise ValueError(
            f"no pictures in {path}: looked for {', '.join(SUFFIXES)} "
            "in it and in its subfolders"
        )
    names = _without_common_folder([file[0] for file in files])
    photos = (
        Photo(new, new, size, opener)
        for new, (_, size, opener) in zip(names, files, strict=True)
    )
    return Source(name or path.resolve().name.split(".")[0], tuple(photos))


def combined(*sources: Source, name: str | None = None) -> Source:
    """Several sources as one.

    Names and groups begin with the name of the source that they come from.
    """
    photos = [
        Photo(
            f"{source.name}/{photo.name}",
            f"{source.name}/{photo.group}",
            photo.file_size,
            photo.open,
        )
        for source in sources
        for photo in source.photos
    ]
    return Source(name or "+".join(source.name for source in sources), tuple(photos))


def known(names: Iterable[str], available, where: str) -> Sequence[str]:
    """The names as a list.

    Raises:
        KeyError: naming the first that is not available.
    """
    names = list(names)
    unknown = [name for name in names if name not in available]
    if unknown:
        count = f"{len(unknown)} of {len(names)} unknown"
        raise KeyError(f"{where} has no photograph named {unknown[0]!r} ({count})")
    return names


# ------------------------------------------------------------ parts


def _in_folder(folder):
    found = []
    for parent, _, files in os.walk(folder):
        for file in files:
            path = Path(parent, file)
            if _is_picture(file) and path.is_file():  # a dangling link is no file
                opener = partial(Path.open, path, "rb")
                found.append(
                    (path.relative_to(folder).as_posix(), path.stat().st_size, opener)
                )
    return found


def _is_picture(name):
    path = PurePosixPath(name)
    # macOS puts "__MACOSX/._name.jpg" beside every picture of a zip: not a picture.
    hidden = any(part.startswith(".") or part == "__MACOSX" for part in path.parts)
    return path.suffix.lower() in SUFFIXES and not hidden


def _normal(name):
    # macOS may spell an accented letter as two characters, others as one: one spelling,
    # hence one order and split.
    return unicodedata.normalize("NFC", name)


def _without_common_folder(names):
    folders = [PurePosixPath(name).parts[:-1] for name in names]
    levels = zip(*folders, strict=False)
    shared = len(list(takewhile(lambda level: len(set(level)) == 1, levels)))
    return [
        PurePosixPath(*PurePosixPath(name).parts[shared:]).as_posix() for name in names
    ]

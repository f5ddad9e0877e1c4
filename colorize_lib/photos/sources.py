"""A source: a named, sorted list of photographs, each with its group and its opener.

Any folder and any zip or tar will do; the collections of the book have functions of
their own in :mod:`colorize_lib.photos.datasets`.
"""

import os
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import takewhile
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from colorize_lib.photos.archives import is_archive, members
from colorize_lib.slips import UnknownName, did_you_mean, missing_file

# What Pillow reads of the formats that photographs come in, the same on every machine.
# HEIC is listed although Pillow cannot read it: an iPhone's pictures then show up as
# skipped, with the remedy, instead of being overlooked.
SUFFIXES = (
    ".jpg", ".jpeg", ".jpe", ".jfif", ".jif", ".png", ".apng", ".webp", ".bmp", ".dib",
    ".gif", ".tif", ".tiff", ".avif", ".jp2", ".j2k", ".j2c", ".jpc", ".jpf", ".jpx",
    ".pbm", ".pgm", ".ppm", ".pnm", ".pfm", ".tga", ".icb", ".vda", ".vst", ".pcx",
    ".dcx", ".psd", ".sgi", ".rgb", ".rgba", ".bw", ".ras", ".ico", ".icns", ".cur",
    ".dds", ".qoi", ".xbm", ".xpm", ".msp", ".mpo", ".heic", ".heif",
)  # fmt: skip


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

    Hidden files are left out, links are followed. A folder that contains everything is
    left out of the names, so that a collection has the same names (hence the same
    split) whether it was unpacked or not, and one level deeper or not.

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
        raise missing_file(
            path,
            f"{path} does not exist; name a folder of pictures, or a zip or tar of them",
        )
    files = [
        (_normal(name), size, opener)
        for name, size, opener in files
        if _is_picture(name)
    ]
    if not files:
        raise ValueError(
            f"no pictures in {path} and its subfolders: looked for .jpg, .png, .tif "
            f"and {len(SUFFIXES) - 3} more suffixes"
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
        near = did_you_mean(unknown[0], available)
        raise UnknownName(
            f"{where} has no photograph named {unknown[0]!r} ({count}){near}"
        )
    return names


# ------------------------------------------------------------ parts


def files_in(folder: Path) -> tuple[list[Path], Counter[str]]:
    """The pictures in a folder with its subfolders, and how many of what else is there.

    Folders that are links are followed, each folder once, so that a link to a folder
    above ends nowhere. The kinds of what is passed over are suffixes, or words.
    """
    pictures, others, seen = [], Counter(), set()
    for parent, folders, files in os.walk(folder, followlinks=True):
        place = Path(parent).stat()
        if (place.st_dev, place.st_ino) in seen:
            folders.clear()
            continue
        seen.add((place.st_dev, place.st_ino))
        others["hidden"] += sum(map(_is_hidden, folders))
        folders[:] = sorted(name for name in folders if not _is_hidden(name))
        for path in (Path(parent, name) for name in files):
            if kind := _other_kind(path):
                others[kind] += 1
            else:
                pictures.append(path)
    return sorted(pictures), +others


def _other_kind(path):
    """What a file is if it is no picture; None of a picture, by its name."""
    if _is_hidden(path.name):
        return "hidden"
    if not path.is_file():  # a pipe would keep its reader waiting for ever
        return "link to nothing" if path.is_symlink() else "no plain file"
    suffix = path.suffix.lower()
    return None if suffix in SUFFIXES else suffix or "without a suffix"


def _in_folder(folder):
    return [
        (
            path.relative_to(folder).as_posix(),
            path.stat().st_size,
            partial(Path.open, path, "rb"),
        )
        for path in files_in(folder)[0]
    ]


def _is_hidden(name):
    # macOS puts "__MACOSX/._name.jpg" beside every picture of a zip: not a picture.
    return name.startswith(".") or name == "__MACOSX"


def _is_picture(name):
    path = PurePosixPath(name)
    return path.suffix.lower() in SUFFIXES and not any(map(_is_hidden, path.parts))


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

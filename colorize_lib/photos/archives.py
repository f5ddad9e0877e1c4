"""Pictures inside a .zip, .tar or .tgz, read where they lie.

No picture is unpacked onto the disk.
"""

import bz2
import gzip
import hashlib
import lzma
import os
import re
import shutil
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache, partial
from io import BytesIO
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from colorize_lib.files import replacing
from colorize_lib.photos.cache import cache_folder


class UnsafeArchive(ValueError):
    """An archive with a member that leads outside its folder, or that is a link."""


@dataclass(frozen=True)
class Member:
    """A file in an archive: its path with ``/``, its size in bytes, how to open it."""

    name: str
    file_size: int
    open: partial


def is_archive(path: Path) -> bool:
    """Whether a file is a zip or a tar, judged by its content."""
    return tarfile.is_tarfile(path) or zipfile.is_zipfile(path)


def members(path: str | Path) -> list[Member]:
    """List the files of an archive.

    A zip and a plain tar are read in place, picture by picture, in any order. A
    compressed tar cannot be: it is decompressed once, as a tar, into the cache folder.

    Raises:
        UnsafeArchive: naming the first member that is a link or that leads outside the
            archive's folder.
        ValueError: neither zip nor tar, encrypted, or cut short.
        OSError: the file cannot be read.
    """
    path = Path(path)
    try:
        if zipfile.is_zipfile(path) and not tarfile.is_tarfile(path):
            return list(_zip_members(path))
        return list(_tar_members(_plain_tar(path)))
    except (
        tarfile.TarError,
        zipfile.BadZipFile,
        EOFError,
        zlib.error,
        lzma.LZMAError,
    ) as error:
        raise ValueError(
            f"{path} is no complete zip or tar ({error}); download it again"
        ) from error


# ------------------------------------------------------------ zip


def _zip_members(path) -> Iterator[Member]:
    with zipfile.ZipFile(path) as archive:
        for info in archive.infolist():
            _refuse_unsafe(
                path, info.filename, is_link=stat.S_ISLNK(info.external_attr >> 16)
            )
            if info.flag_bits & 1:
                raise ValueError(
                    f"{path}: {info.filename} is encrypted; "
                    "unpack the archive and name the folder"
                )
            if not info.is_dir():
                opener = partial(_open_in_zip, path, info.filename)
                yield Member(_plain_name(info.filename), info.file_size, opener)


def _open_in_zip(path, name) -> BinaryIO:
    return _opened_zip(path, path.stat().st_mtime_ns, os.getpid()).open(name)


@lru_cache(maxsize=4)
def _opened_zip(path, changed, process):
    # Kept open, because reading the table of 8,000 members takes longer than reading a
    # picture. Never across processes: after a fork both would move the same file
    # position and read each other's bytes.
    return zipfile.ZipFile(path)


# ------------------------------------------------------------ tar


def _tar_members(path) -> Iterator[Member]:
    end = 0
    with tarfile.open(path, "r:") as archive:
        for info in archive:
            is_file = info.isreg() and not info.issparse()
            _refuse_unsafe(path, info.name, is_link=not (is_file or info.isdir()))
            blocks = -(-info.size // tarfile.BLOCKSIZE)
            end = info.offset_data + blocks * tarfile.BLOCKSIZE
            if is_file:
                opener = partial(_open_slice, path, info.offset_data, info.size)
                yield Member(_plain_name(info.name), info.size, opener)
    # tarfile is silent about a download that was cut short: it lists what it finds.
    with _open_slice(path, end, tarfile.BLOCKSIZE) as mark:
        if mark.read() != bytes(tarfile.BLOCKSIZE):
            raise tarfile.ReadError("its end is missing")


def _open_slice(path, start, length) -> BinaryIO:
    with path.open("rb") as file:
        file.seek(start)
        return BytesIO(file.read(length))


def _plain_tar(path):
    """The tar itself, or its decompressed copy in the cache folder."""
    with path.open("rb") as file:
        start = file.read(6)
    opener = next(
        (opener for magic, opener in _COMPRESSIONS.items() if start.startswith(magic)),
        None,
    )
    if opener is None:
        return path
    facts = path.stat()
    origin = f"{path.resolve()}:{facts.st_size}:{facts.st_mtime_ns}"
    digest = hashlib.sha256(origin.encode()).hexdigest()
    plain = cache_folder() / "unpacked" / f"{path.name.split('.')[0]}-{digest[:12]}.tar"
    if not plain.exists():
        print(f"decompressing {path} once, into {plain}", flush=True)
        with opener(path) as compressed, replacing(plain) as file:
            try:
                shutil.copyfileobj(compressed, file, 1 << 20)
            except gzip.BadGzipFile as error:  # an OSError, but no fault of the disk
                raise EOFError(str(error)) from error
    return plain


_COMPRESSIONS = {b"\x1f\x8b": gzip.open, b"BZh": bz2.open, b"\xfd7zXZ\x00": lzma.open}


# ------------------------------------------------------------ names


def _plain_name(name):
    return PurePosixPath(name).as_posix()  # without "./" in front


def _refuse_unsafe(path, name, is_link):
    # We never write members to the disk. Still refused: an archive built to escape its
    # folder is no photo collection.
    if is_link:
        raise UnsafeArchive(
            f"{path}: {name} is a link or a device, not a picture; "
            "unpack the archive yourself"
        )
    parts = PurePosixPath(name.replace("\\", "/")).parts
    if ".." in parts or parts[:1] == ("/",) or re.match(r"[A-Za-z]:", name):
        raise UnsafeArchive(
            f"{path}: {name} leads outside the archive's folder; "
            "get the archive from its source"
        )

"""A prepared set: photographs as a uint8 memory map, with an index of its rows.

On the disk it is a folder with two files: ``pixels.bin``, ``(n, 3, size, size)`` bytes
without a header, and ``index.json``. :func:`.prepare` makes it.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from colorize_lib.photos.index import (
    DamagedSet,
    damaged_names,
    listed,
    read_index,
    shape_of,
)
from colorize_lib.photos.sources import known


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
        images: uint8 ``(n, 3, size, size)``, sRGB: a memory map, or for a subset
            :class:`Rows` of one.
        names: of the photographs in their source.
        groups: what a split must keep together. Groups that share an identical picture
            have become one.
        near_gray: bool ``(n,)``: next to no color, see :mod:`.filters`.
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

        Near-gray ones and duplicates are included.

        Raises:
            KeyError: naming a photograph that the set does not have, or has skipped.
        """
        row_of = {name: row for row, name in enumerate(self.names)}
        rows = [row_of[name] for name in known(names, row_of, self.folder.name)]
        return self._select(np.array(rows, dtype=int))

    def for_training(
        self,
        names: Iterable[str] | None = None,
        *,
        near_gray: bool = False,
        duplicates: bool = False,
    ) -> "PreparedSet":
        """As :meth:`subset`, without what should not be learned from.

        Args:
            names: the photographs to choose from; all by default.
            near_gray: keep near-gray pictures, which teach a network to answer gray.
            duplicates: keep pictures that repeat another, which count double.
        """
        chosen = self if names is None else self.subset(names)
        keep = np.ones(len(chosen), dtype=bool)
        if not near_gray:
            keep &= ~chosen.near_gray
        if not duplicates:
            keep &= ~chosen.duplicate
        return chosen._select(np.flatnonzero(keep))

    def _select(self, rows):
        whole, before = (
            (self.images.array, self.images.rows)
            if isinstance(self.images, Rows)
            else (self.images, None)
        )
        return PreparedSet(
            Rows(whole, rows if before is None else before[rows]),
            tuple(self.names[row] for row in rows),
            tuple(self.groups[row] for row in rows),
            self.near_gray[rows],
            self.duplicate[rows],
            self.skipped,
            self.folder,
        )


def open_prepared(folder: str | Path, *, verify: bool = True) -> PreparedSet:
    """Open a prepared set without its source.

    Args:
        folder: the set's own folder.
        verify: compare every picture with its checksum. Reads everything, about 1 GB a
            second, and leaves it in memory for training to find there.

    Raises:
        FileNotFoundError: no finished set there.
        DamagedSet: naming the pictures that are not what was written; :func:`.prepare`
            makes them again.
    """
    folder = Path(folder)
    index = read_index(folder)
    damaged = damaged_names(folder, index) if verify else ()
    if damaged:
        raise DamagedSet(
            f"{folder / 'pixels.bin'} is damaged in {listed(damaged)}; "
            "call prepare again",
            damaged,
        )
    pictures = index["pictures"]
    return PreparedSet(
        np.memmap(folder / "pixels.bin", np.uint8, "r", shape=shape_of(index)),
        tuple(picture["name"] for picture in pictures),
        tuple(picture["group"] for picture in pictures),
        np.array([picture["near_gray"] for picture in pictures]),
        np.array([picture["duplicate_of"] is not None for picture in pictures]),
        {photo["name"]: photo["reason"] for photo in index["skipped"]},
        folder,
    )

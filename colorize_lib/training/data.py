"""From collections of photographs to what a recipe learns from, without leaks."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import torch

from colorize_lib.color import normalize_lab, rgb_to_lab
from colorize_lib.inference import join
from colorize_lib.photos import (
    PreparedSet,
    Source,
    Split,
    combined,
    near_duplicates,
    prepare,
    split,
)

# How much larger than its crop a picture is prepared. Of small pictures there are many,
# and a smaller crop costs less and differs more: it is harder to learn by heart.
MARGIN, SMALL_MARGIN = 9 / 8, 4 / 3
LOOK_ALIKE = 64  # pixels at which photographs are split and compared


@dataclass(frozen=True)
class Pictures:
    """Collections to learn from.

    Attributes:
        data: photographs that are split into training, validation and test.
        also: photographs for training alone.
        small: small pictures, for training alone, and only where a stage asks for them.
        folder: where the prepared sets are kept; None for the cache folder.
        validation: how many photographs of ``data`` training is watched on; None for
            200, or a tenth of a collection of less than 2,000.
        test: how many it never sees, nor any choice; None for 400, or a fifth.
        seed: of the split.
        verbose: print progress and a summary of each set that is prepared.
    """

    data: Sequence[Source]
    also: Sequence[Source] = ()
    small: Sequence[Source] = ()
    folder: Path | None = None
    validation: int | None = None
    test: int | None = None
    seed: int = 0
    verbose: bool = True

    @cached_property
    def split(self) -> Split:
        """The names of the three parts of ``data``, the same on every machine."""
        pictures = self._prepared(LOOK_ALIKE, self.data)
        validation, test = self.validation, self.test
        if validation is None and len(pictures.names) < 10:
            raise ValueError(
                f"{len(pictures.names)} photographs are too few to hold a tenth of them "
                "out for validation: give more, or say how many with validation and test"
            )
        if validation is None:
            validation = min(200, len(pictures.names) // 10)
        if test is None:
            test = min(400, len(pictures.names) // 5)
        return split(
            pictures, seed=self.seed, train="rest", validation=validation, test=test
        )

    @cached_property
    def leaks(self) -> frozenset[str]:
        """The names of training pictures that show a held-out photograph again."""
        held_out = {*self.split.validation, *self.split.test}
        pictures = self._prepared(LOOK_ALIKE, [*self.data, *self.also, *self.small])
        again = near_duplicates(pictures, pictures.subset(sorted(held_out)))
        leaks = {
            name for name, leaks in zip(pictures.names, again, strict=True) if leaks
        }
        return frozenset(leaks - held_out)

    def for_training(self, size: int, *, small: bool = False) -> PreparedSet:
        """What a stage of ``size`` learns from.

        They are larger, by ``MARGIN`` or ``SMALL_MARGIN``, to crop from.
        Near-gray pictures, duplicates and leaks are left out.
        """
        sources = [*self.data, *self.also, *(self.small if small else ())]
        margin = SMALL_MARGIN if small else MARGIN
        pictures = self._prepared(round(size * margin), sources)
        left_out = {*self.split.validation, *self.split.test, *self.leaks}
        return pictures.for_training(n for n in pictures.names if n not in left_out)

    def held_out(self, part: str, size: int) -> PreparedSet:
        """The ``"validation"`` or ``"test"`` photographs, without near-gray ones."""
        pictures = self._prepared(size, self.data)
        return pictures.for_training(getattr(self.split, part))

    def _prepared(self, size, sources):
        key = size, tuple(id(source) for source in sources)
        if key not in self._opened:
            self._opened[key] = prepare(
                combined(*sources), size, folder=self.folder, verbose=self.verbose
            )
        return self._opened[key]

    @cached_property
    def _opened(self):
        # Opening a set reads and verifies all of it, and says so: once is enough.
        return {}


class HalfGrayPictures(Pictures):
    """Pictures whose every second one has lost its color: to see what that does.

    Chapter 10 trains on them. What is held out keeps its color.
    """

    def for_training(self, size: int, *, small: bool = False) -> np.ndarray:
        """As of :class:`Pictures`, but in memory."""
        pictures = np.array(super().for_training(size, small=small))
        for row in pictures[::2]:
            l, ab = normalize_lab(rgb_to_lab(torch.from_numpy(row[None])))
            row[:] = join(l, torch.zeros_like(ab))[0].numpy()
        return pictures

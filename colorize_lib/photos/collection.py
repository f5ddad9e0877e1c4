"""From collections of photographs to what a recipe learns from, without leaks."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

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
# One to choose the best epoch by, one to score, and six to learn from: there is next to
# nothing to learn from fewer.
LEAST = 8


@dataclass(frozen=True)
class Pictures:
    """Collections to learn from.

    Attributes:
        data: photographs that are split into training, validation and test.
        also: photographs for training alone.
        small: small pictures, for training alone, and only where a stage asks for them.
        folder: where the prepared sets are kept; None for the cache folder.
        validation: how many photographs of ``data`` training is watched on; None for
            200, or a tenth of a collection of less than 2,000. If more than half of
            ``data`` would be held out, it is a tenth, too, and said so.
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
        """The names of the three parts of ``data``, the same on every machine.

        Raises:
            ValueError: fewer than ``LEAST`` photographs to learn from and to hold out.
        """
        pictures = self._prepared(LOOK_ALIKE, self.data)
        count = len(pictures.names)
        tenth, fifth = max(1, min(200, count // 10)), max(1, min(400, count // 5))
        validation = tenth if self.validation is None else self.validation
        test = fifth if self.test is None else self.test
        if validation + test > count // 2:
            validation, test = tenth, fifth
        if (validation, test) != (self.validation, self.test):
            _check_enough(pictures)
            self._tell(count, validation, test)
        return split(
            pictures, seed=self.seed, train="rest", validation=validation, test=test
        )

    def _tell(self, count, validation, test):
        """Nothing of a large collection, unless it cannot give what was asked for."""
        in_vain = validation < (self.validation or 0) or test < (self.test or 0)
        if self.verbose and (in_vain or (validation, test) != (200, 400)):
            doubt = "; scores of so few say little" if test < 20 else ""
            print(
                f"held out of {count} photographs: {validation} to choose by, {test} to "
                f"score{doubt}",
                flush=True,
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

        Raises:
            ValueError: none is left.
        """
        sources = [*self.data, *self.also, *(self.small if small else ())]
        margin = SMALL_MARGIN if small else MARGIN
        pictures = self._prepared(round(size * margin), sources)
        left_out = {*self.split.validation, *self.split.test, *self.leaks}
        names = [name for name in pictures.names if name not in left_out]
        return _usable(pictures.subset(names), "to learn from")

    def held_out(self, part: str, size: int) -> PreparedSet:
        """The ``"validation"`` or ``"test"`` photographs, without near-gray ones.

        Raises:
            ValueError: none is left.
        """
        pictures = self._prepared(size, self.data).subset(getattr(self.split, part))
        return _usable(pictures, f"held out for {part}")

    def _prepared(self, size, sources):
        key = size, tuple(id(source) for source in sources)
        if key not in self._opened:
            self._opened[key] = prepare(
                combined(*sources), size, folder=self.folder, verbose=self.verbose
            )
        return self._opened[key]

    @cached_property
    def _opened(self):
        # Opening a set prints what is in it: once is enough.
        return {}


def _check_enough(pictures):
    if (usable := len(pictures.for_training())) < LEAST:
        raise ValueError(
            f"{usable} photographs in color are too few{_left_out(pictures)}: at least "
            f"{LEAST} are needed, one to choose the best epoch by, one to score and six to "
            "learn from. Give more"
        )


def _usable(pictures, purpose):
    usable = pictures.for_training()
    if len(usable) == 0:
        raise ValueError(
            f"no photograph {purpose} is left{_left_out(pictures)}: give more in color"
        )
    return usable


def _left_out(pictures):
    """Why not all of them can be used, in brackets; nothing if they can."""
    counts = {
        "near gray": pictures.near_gray.sum(),
        "the same again": (pictures.duplicate & ~pictures.near_gray).sum(),
    }
    told = [f"{count} are {what}" for what, count in counts.items() if count]
    return f" (of {len(pictures)}, {' and '.join(told)})" if told else ""

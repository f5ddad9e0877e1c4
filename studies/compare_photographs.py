"""How many photographs does a colorizer need, at the same number of steps?

    python studies/compare_photographs.py --data everyday --data train_sample \\
        --also landscapes --also varied --also more

What is trained is the default's decoder. Interrupted, the same command goes on; what is
done by then is in the result."""

import random
from collections import defaultdict
from dataclasses import dataclass, replace

from study import Study

from colorize_lib.photos.collection import Pictures
from colorize_lib.training.recipes import RECIPES, Stage

SIZE, BATCH = 112, 64
# Photographs, and epochs of them: 624 steps of 64 each.
BUDGETS = {2_496: 16, 13_312: 3, 39_936: 1}


@dataclass(frozen=True)
class Some(Pictures):
    """The first photographs for training, in the order in which collections are named.

    So the smallest number is the collections that the book began with, and each larger
    one contains the smaller.
    """

    count: int | None = None

    def for_training(self, size, *, small=False):
        pictures = super().for_training(size, small=small)
        if len(pictures) < self.count:
            raise ValueError(f"{len(pictures)} photographs are fewer than {self.count}")
        by_collection = defaultdict(list)
        for name in pictures.names:
            by_collection[name.split("/")[0]].append(name)
        ordered = []
        for source in (*self.data, *self.also):
            names = sorted(by_collection.pop(source.name, []))
            random.Random(0).shuffle(names)
            ordered += names
        return pictures.subset(ordered[: self.count])


def main() -> None:
    study = Study(__file__, __doc__)
    base = replace(RECIPES["unet-efficientnet-lite"], colorfulness=None)
    opened = {}  # each set is opened once
    comparison = study.so_far()
    recipes = {
        f"{count:,} photographs": replace(base, stages=(Stage(SIZE, n, BATCH, 1e-3),))
        for count, n in BUDGETS.items()
    }
    counts = dict(zip(recipes, BUDGETS, strict=True))
    for seed, name in study.missing(recipes, comparison):
        sources = study.sources | {"small": []}
        pictures = Some(**sources, folder=study.prepared, count=counts[name])
        pictures.__dict__["_opened"] = opened
        training = {"size": SIZE, "pictures": pictures, "seeds": [seed]}
        comparison += study.compared({name: recipes[name]}, **training)
        study.save_comparison(comparison, recipes=recipes, size=SIZE)


if __name__ == "__main__":
    main()

"""How many photographs does a colorizer need? The default's decoder, the same number of
steps for each number of photographs, three seeds.

    python studies/photographs.py --data everyday --data train_sample \
        --also landscapes --also varied --also more

Interrupted, the same command goes on; what is done by then is in
results/compare-photographs.json. On validation photographs one chooses, the test
photographs are only reported."""

import argparse
import random
from collections import defaultdict
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import torch

from colorize_lib.evaluation.choose import PROTOCOL, TEST_SIZE
from colorize_lib.evaluation.results import FOLDER
from colorize_lib.experiments.compare import compare_recipes, save_comparison
from colorize_lib.photos import from_path
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
        if by_collection:
            raise ValueError(
                f"photographs of no collection: {', '.join(by_collection)}"
            )
        return pictures.subset(ordered[: self.count])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for option in ("--data", "--also"):
        parser.add_argument(option, type=Path, action="append", default=[])
    parser.add_argument("--prepared", type=Path)
    parser.add_argument("--seeds", type=int, default=3)
    gpu = torch.cuda.is_available()
    parser.add_argument("--device", default="cuda" if gpu else "cpu")
    options = parser.parse_args()
    sources = {
        name: [from_path(path) for path in getattr(options, name)]
        for name in ("data", "also")
    }
    base = replace(RECIPES["unet-efficientnet-lite"], colorfulness=None)
    opened = {}  # each set is opened once
    runs, recipes = [], {}
    for seed in range(options.seeds):
        for count, epochs in BUDGETS.items():
            pictures = Some(**sources, folder=options.prepared, count=count)
            pictures.__dict__["_opened"] = opened
            name = f"{count:,} photographs"
            recipes[name] = replace(base, stages=(Stage(SIZE, epochs, BATCH, 1e-3),))
            runs += compare_recipes(
                {name: recipes[name]},
                pictures,
                Path("runs") / "compare-photographs",
                size=SIZE,
                seeds=[seed],
                device=options.device,
            )
            _save(options, runs, recipes, pictures)


def _save(options, runs, recipes, pictures):
    seconds = sum(line["seconds"] for run in runs for line in run.history)
    photographs = {
        name: ", ".join(path.resolve().name for path in getattr(options, name))
        for name in ("data", "also")
    }
    photographs["test"] = pictures.held_out("test", TEST_SIZE).names
    save_comparison(
        FOLDER / "compare-photographs.json",
        runs,
        recipes={name: asdict(recipe) for name, recipe in recipes.items()},
        size=SIZE,
        photographs=photographs,
        device=options.device,
        minutes=round(seconds / 60, 1),
        protocol=PROTOCOL,
    )


if __name__ == "__main__":
    main()

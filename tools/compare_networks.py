"""Train what a chapter compares, networks or games: every variant with three seeds.

    python tools/compare_networks.py unet --data photos/ --small small.tar

Without --data, on COCO sample. Interrupted, the same command goes on. Scores go into
results/compare-NAME.json."""

import argparse
from dataclasses import asdict
from pathlib import Path

import torch

from colorize_lib.evaluation.choose import PROTOCOL, TEST_SIZE
from colorize_lib.evaluation.results import FOLDER
from colorize_lib.experiments.compare import (
    compare,
    compare_recipes,
    save_comparison,
    seeds_table,
)
from colorize_lib.experiments.variants import (
    BRIEFLY,
    HALF_GRAY,
    NO_LANDSCAPES,
    SEEN_AT,
    HalfGrayPictures,
    fusion_variants,
    game_variants,
    idea_variants,
    loss_variants,
    unet_variants,
)
from colorize_lib.photos import coco_sample, from_path
from colorize_lib.photos.collection import Pictures

COMPARISONS = {
    "fusion": fusion_variants,
    "unet": unet_variants,
    "games": game_variants,
    "losses": loss_variants,
    "ideas": idea_variants,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("name", choices=COMPARISONS)
    for option in ("--data", "--also", "--small"):
        parser.add_argument(option, type=Path, action="append", default=[])
    parser.add_argument("--prepared", type=Path)
    parser.add_argument("--seeds", type=int, default=3)
    gpu = torch.cuda.is_available()
    parser.add_argument("--device", default="cuda" if gpu else "cpu")
    options = parser.parse_args()
    sources = {
        name: [from_path(path) for path in getattr(options, name)]
        for name in ("data", "also", "small")
    }
    sources["data"] = sources["data"] or [coco_sample()]
    pictures = Pictures(**sources, folder=options.prepared)
    settings = {"size": SEEN_AT, "device": options.device}
    settings |= {"seeds": range(options.seeds)}
    folder, variants = (
        Path("runs") / f"compare-{options.name}",
        COMPARISONS[options.name](),
    )
    if options.name in ("games", "losses", "ideas"):
        runs = compare_recipes(variants, pictures, folder, **settings)
        for name, recipe, others in _of_other_pictures(options, variants, sources):
            variants[name] = recipe
            runs += compare_recipes({name: recipe}, others, folder, **settings)
        about = {"recipes": {name: asdict(recipe) for name, recipe in variants.items()}}
    else:
        runs = compare(variants, BRIEFLY, pictures, folder, **settings)
        about = {"recipe": asdict(BRIEFLY)}
    seconds = sum(line["seconds"] for run in runs for line in run.history)
    photographs = {
        name: ", ".join(path.resolve().name for path in getattr(options, name))
        for name in sources
    }
    photographs["data"] = photographs["data"] or "coco_sample"
    photographs["test"] = pictures.held_out("test", TEST_SIZE).names
    save_comparison(
        FOLDER / f"compare-{options.name}.json",
        runs,
        **about,
        size=SEEN_AT,
        photographs=photographs,
        device=options.device,
        minutes=round(seconds / 60, 1),
        protocol=PROTOCOL,
    )
    print(seeds_table(runs))


def _of_other_pictures(options, variants, sources):
    """Variants that differ in what they learn from: names, recipes, pictures."""
    if options.name == "losses":
        gray = HalfGrayPictures(**sources, folder=options.prepared)
        yield HALF_GRAY, variants["L1"], gray
    if options.name == "ideas" and sources["also"]:
        fewer = Pictures(**(sources | {"also": []}), folder=options.prepared)
        yield NO_LANDSCAPES, next(iter(variants.values())), fewer


if __name__ == "__main__":
    main()

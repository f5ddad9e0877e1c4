"""Train the networks that a chapter compares: every variant with three seeds.

    python tools/compare_networks.py unet --data photos/ --small small.tar

Interrupted, the same command goes on. Scores go into results/compare-NAME.json."""

import argparse
from dataclasses import asdict
from pathlib import Path

from colorize_lib.photos import from_path
from colorize_lib.results import FOLDER
from colorize_lib.training.comparison import compare, save_comparison, seeds_table
from colorize_lib.training.data import Pictures
from colorize_lib.training.scoring import PROTOCOL, TEST_SIZE
from colorize_lib.training.variants import (
    BRIEFLY,
    SEEN_AT,
    fusion_variants,
    unet_variants,
)

COMPARISONS = {"fusion": fusion_variants, "unet": unet_variants}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("name", choices=COMPARISONS)
    for option in ("--data", "--also", "--small"):
        parser.add_argument(option, type=Path, action="append", default=[])
    parser.add_argument("--prepared", type=Path)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--device", default="cpu")
    options = parser.parse_args()
    sources = {
        name: [from_path(path) for path in getattr(options, name)]
        for name in ("data", "also", "small")
    }
    pictures = Pictures(**sources, folder=options.prepared)
    runs = compare(
        COMPARISONS[options.name](),
        BRIEFLY,
        pictures,
        Path("runs") / f"compare-{options.name}",
        size=SEEN_AT,
        seeds=range(options.seeds),
        device=options.device,
    )
    seconds = sum(line["seconds"] for run in runs for line in run.history)
    photographs = {
        name: ", ".join(path.resolve().name for path in getattr(options, name))
        for name in sources
    }
    photographs["test"] = pictures.held_out("test", TEST_SIZE).names
    save_comparison(
        FOLDER / f"compare-{options.name}.json",
        runs,
        recipe=asdict(BRIEFLY),
        size=SEEN_AT,
        photographs=photographs,
        device=options.device,
        minutes=round(seconds / 60, 1),
        protocol=PROTOCOL,
    )
    print(seeds_table(runs))


if __name__ == "__main__":
    main()

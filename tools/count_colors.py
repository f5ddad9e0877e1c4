"""Count the colors of photographs: how many pixels lie in each bin of the ab plane.

    python tools/count_colors.py --data photos/ --data more/

Without --data, of COCO sample. What it finds goes into results/color-counts.json."""

import argparse
import json
from datetime import date
from pathlib import Path

import torch
from photograph_options import names, sources

from colorize_lib.color import rgb_to_lab
from colorize_lib.color_bins import bin_frequencies, gamut_bins
from colorize_lib.evaluation.results import FOLDER
from colorize_lib.files import replacing
from colorize_lib.photos import batches, combined, prepare

SIZE = 128  # pixels: a smaller picture would have mixed its colors


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, action="append", default=[])
    parser.add_argument("--prepared", type=Path)
    options = parser.parse_args()
    pictures = prepare(combined(*sources(options.data)), SIZE, folder=options.prepared)
    bins = gamut_bins()
    counts, chroma = torch.zeros(len(bins), dtype=torch.long), 0.0
    for batch in batches(pictures, 64):  # near-gray ones, too: they are of the world
        ab = rgb_to_lab(batch)[:, 1:]
        counts += bin_frequencies(ab, bins)
        chroma += ab.norm(dim=1).double().sum().item()
    result = {
        "counts": counts.tolist(),
        "pictures": len(pictures),
        "size": SIZE,
        "mean_chroma": chroma / counts.sum().item(),
        "data": names(options.data),
        "date": date.today().isoformat(),
    }
    with replacing(FOLDER / "color-counts.json") as file:
        file.write((json.dumps(result) + "\n").encode())
    share = counts.double().sort(descending=True).values / counts.sum()
    print(f"{len(pictures)} pictures, mean chroma {result['mean_chroma']:.2f}")
    print(f"the 9 commonest bins hold {share[:9].sum():.1%} of the pixels")


if __name__ == "__main__":
    main()

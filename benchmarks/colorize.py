"""Seconds and memory of the command `colorize`, by the size of the photograph.

    python benchmarks/colorize.py

Each photograph is a JPEG of noise, coarse and fine, colored by the stored model in a
process of its own: the times include starting Python and loading PyTorch, as a user
waits for them, too. Memory is the process's largest resident set."""

import argparse
import os
import statistics
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import torch
from PIL import Image

SIZES = {1: (1155, 866), 12: (4000, 3000), 50: (8165, 6124)}  # megapixels, 4 : 3


def photograph(path, size):
    random = np.random.default_rng(0)
    layers = [
        Image.fromarray(random.integers(0, 128, (side, side, 3), dtype=np.uint8))
        for side in (12, 1500)
    ]
    coarse, fine = (np.asarray(layer.resize(size)) for layer in layers)
    Image.fromarray(coarse + fine).save(path, quality=90)


def colorize(photo, output):
    """Seconds and peak bytes of one call of the command."""
    start = time.perf_counter()
    command = [sys.executable, "-m", "colorize_lib.cli", str(photo), "-o", str(output)]
    process = os.posix_spawn(sys.executable, command, os.environ)
    _, status, usage = os.wait4(process, 0)
    if status:
        raise SystemExit(f"{' '.join(command)} failed")
    output.unlink()
    unit = 1 if sys.platform == "darwin" else 1024
    return time.perf_counter() - start, usage.ru_maxrss * unit


def main(repeats):
    print(f"torch {torch.__version__}, CPU, {torch.get_num_threads()} threads\n")
    print("megapixels   seconds, median (spread)   peak memory, MB")
    with tempfile.TemporaryDirectory() as folder:
        for megapixels, size in SIZES.items():
            photo = Path(folder, f"{megapixels}.jpg")
            photograph(photo, size)
            runs = [colorize(photo, Path(folder, "out.jpg")) for _ in range(repeats)]
            seconds, peaks = zip(*runs, strict=True)
            spread = f"({min(seconds):.1f} to {max(seconds):.1f})"
            print(
                f"{megapixels:10}   {statistics.median(seconds):6.1f} {spread:18}"
                f"  {max(peaks) / 1e6:8,.0f}"
            )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=5)
    main(parser.parse_args().repeats)

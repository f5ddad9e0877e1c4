"""How many photographs a second reach the training step: the usual pipeline against
ours.

The usual one decodes, resizes and converts every photograph again in every epoch, one
by one, in the workers of a DataLoader, with Pillow and scikit-image. Ours prepares them
once, then hands out uint8 batches and converts each batch to Lab at once.

    python benchmarks/photos.py                      generated JPEGs of 640 x 480
    python benchmarks/photos.py --data FOLDER        any folder, zip or tar

Both give the same thing: L and ab of a batch, scaled, in memory, horizontally flipped
at random. On a machine that is busy with other work, several threads of torch wait for
each other and can be slower than one, hence two rows."""

import argparse
import statistics
import tempfile
import time
from functools import partial
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from skimage.color import rgb2lab
from torch.utils.data import DataLoader, Dataset

from colorize_lib.color import normalize_lab
from colorize_lib.photos import batches, from_path, prepare, to_lab


class UsualDataset(Dataset):
    """The data set of a colorization tutorial, one photograph at a time."""

    def __init__(self, photos, size):
        self.photos, self.size = photos, size

    def __len__(self):
        return len(self.photos)

    def __getitem__(self, i):
        with self.photos[i].open() as file:
            image = Image.open(file).convert("RGB")
        image = image.resize((self.size, self.size), Image.Resampling.BICUBIC)
        pixels = np.array(image)
        if torch.rand(()) < 0.5:
            pixels = pixels[:, ::-1]
        lab = torch.from_numpy(rgb2lab(pixels).astype("float32")).permute(2, 0, 1)
        return lab[:1] / 50 - 1, lab[1:] / 110


def usual_epoch(source, size, batch_size, workers):
    loader = DataLoader(
        UsualDataset(source.photos, size), batch_size, shuffle=True, num_workers=workers
    )
    for _l, _ab in loader:
        pass


def our_epoch(pictures, batch_size, epoch, threads):
    torch.set_num_threads(threads)
    for batch in batches(pictures, batch_size, shuffle=True, epoch=epoch, flip=True):
        normalize_lab(to_lab(batch))


def seconds(function, *args):
    start = time.perf_counter()
    function(*args)
    return time.perf_counter() - start


def generate(folder, count):
    """JPEGs as detailed as photographs: a coarse and a fine random pattern, added."""
    generator = np.random.default_rng(0)
    for i in range(count):
        layers = [
            generator.integers(0, 128, (side, side, 3), dtype=np.uint8)
            for side in (6, 120)
        ]
        layers = [
            np.asarray(Image.fromarray(layer).resize((640, 480))) for layer in layers
        ]
        Image.fromarray(layers[0] + layers[1]).save(folder / f"{i:04d}.jpg", quality=90)
    return folder


def row(name, count, times):
    rates = sorted(count / t for t in times)
    spread = f"{rates[0]:,.0f} to {rates[-1]:,.0f}" if len(rates) > 1 else ""
    print(f"{name:<44} {statistics.median(rates):>10,.0f}   {spread}")


def main(data, size, batch_size, workers, repeats, count):
    with tempfile.TemporaryDirectory() as scratch:
        source = from_path(data or generate(Path(scratch), count))
        source = source.subset(source.names[:count])
        prepare_times, usual, ours, ours_alone = [], [], [], []
        threads = torch.get_num_threads()
        for i in range(
            repeats
        ):  # in turn, so that a busy minute of the machine meets both
            folder = Path(scratch, f"sets{i}")
            make = {"folder": folder, "fit": "squash", "verbose": False}
            prepare_times.append(
                seconds(partial(prepare, source, size, workers=workers, **make))
            )
            pictures = prepare(source, size, **make)
            usual.append(seconds(usual_epoch, source, size, batch_size, workers))
            ours_alone.append(seconds(our_epoch, pictures, batch_size, i, 1))
            ours.append(seconds(our_epoch, pictures, batch_size, i, threads))
    n = len(source)
    print(
        f"\n{n} photographs, {size} px, batches of {batch_size}, {workers} workers,",
        end=" ",
    )
    print(f"torch {torch.__version__}, CPU, {repeats} rounds\n")
    print(f"{'photographs a second':<44} {'median':>10}   spread")
    row("usual: Pillow + scikit-image, every epoch", n, usual)
    row("ours: prepare, once", n, prepare_times)
    row("ours: batches + Lab, every epoch, 1 thread", n, ours_alone)
    row(f"ours: batches + Lab, every epoch, {threads} threads", n, ours)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", help="a folder, zip or tar of photographs")
    parser.add_argument("--size", type=int, default=256)
    parser.add_argument("--batch-size", type=int, default=32)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument(
        "--count", type=int, default=512, help="at most so many photographs"
    )
    arguments = parser.parse_args()
    main(
        arguments.data,
        arguments.size,
        arguments.batch_size,
        arguments.workers,
        arguments.repeats,
        arguments.count,
    )

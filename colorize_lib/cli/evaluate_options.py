"""What ``colorize evaluate`` understands."""

import argparse
from pathlib import Path

import torch

from colorize_lib.cli.evaluate_sheets import FAILURES, SIDE_BY_SIDE, sheet_files
from colorize_lib.weights import stored_names

SMALLEST = 32  # pixels of a side, for LPIPS and for the networks of the book
FORMATS = {".txt": "text", ".md": "markdown", ".json": "json"}
EPILOG = """\
example:
  colorize evaluate unet-squeezenet runs/mine --data test-photos/ --sheets sheets/

Test photographs must be none that a model was trained on, and none by which anything
about it was chosen. The command cannot know: on training photographs every number is too
good.

Near-gray photographs and duplicates are left out, unreadable files skipped; the caption
counts them. Every table has the row of the gray picture, which a model must beat, and
the row of the truth. Peak signal-to-noise ratio, SSIM, CIEDE2000, L1 of ab and
colorfulness are always scored. --lpips, --frechet and --classifier add what pretrained
networks see; their weights are fetched where they are not on this machine, and nothing
else is. Photographs with a WordNet id in their path, as n01440764/x.jpg, are labeled for
--classifier.

"""


def parser() -> argparse.ArgumentParser:
    """What the command understands."""
    it = argparse.ArgumentParser(
        prog="colorize evaluate",
        description="Score models on photographs of yours, beside gray and the truth.",
        epilog=f"{EPILOG}stored models here: {', '.join(stored_names())}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = it.add_argument
    add(
        "checkpoints",
        nargs="+",
        metavar="CHECKPOINT",
        help="a weight file, the folder of a run of `colorize train`, or the name of a "
        "stored model",
    )
    add(
        "--data",
        type=Path,
        action="append",
        required=True,
        metavar="DIR",
        help="test photographs, a folder or an archive, repeatable",
    )
    add("--size", type=_size, default=256, metavar="N", help="pixels of a side; 256")
    add(
        "--fit",
        choices=("crop", "squash"),
        default="crop",
        help="make pictures square by cutting ends off, the default, or by squashing",
    )
    add(
        "--limit",
        type=_positive,
        metavar="N",
        help="draw so many of the files, before near-gray ones are left out",
    )
    add("--seed", type=int, default=0, help="of that draw, and of the sheets; 0")
    add(
        "--lpips",
        choices=("none", "alex", "vgg", "squeeze"),
        default="none",
        help="add LPIPS by this network",
    )
    add(
        "--frechet",
        default="none",
        metavar="NET",
        help="add the Fréchet distance from the true pictures, of the features of "
        "inception (then it is FID) or of a torchvision classifier, as squeezenet1_1",
    )
    add(
        "--classifier",
        default="none",
        metavar="NET",
        help="add how often this torchvision classifier is right, and how often it says "
        "of a picture what it says of the true one",
    )
    add("--batch-size", type=_positive, default=16, metavar="N", help="pictures; 16")
    add(
        "--device",
        default="cuda" if torch.cuda.is_available() else "cpu",
        metavar="NAME",
        help="cpu, cuda, cuda:1; by default a GPU where there is one",
    )
    add(
        "--prepared",
        type=Path,
        metavar="DIR",
        help="where the prepared pictures are kept; by default in the cache folder",
    )
    add(
        "--format",
        choices=tuple(FORMATS.values()),
        help="of the table; by default text, and in a file what its suffix says",
    )
    add(
        "-o",
        "--output",
        type=Path,
        metavar="FILE",
        help="save the table, too: .txt, .md or .json",
    )
    add(
        "--sheets",
        type=Path,
        metavar="DIR",
        help=f"save failures.png there, {FAILURES} random pictures of the worst tenth of "
        f"the first model, and side-by-side.png, {SIDE_BY_SIDE} random ones of all",
    )
    add("--overwrite", action="store_true", help="replace what is there already")
    return it


def refuse_to_overwrite(options: argparse.Namespace) -> None:
    """Raise before any work if a file that is to be written is there already."""
    files = [options.output] if options.output is not None else []
    files += sheet_files(options.sheets) if options.sheets is not None else []
    there = [str(file) for file in files if file.exists()]
    if there and not options.overwrite:
        raise FileExistsError(
            f"{', '.join(there)}: there already; choose another name, or --overwrite"
        )


def _positive(text):
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{number}: at least 1")
    return number


def _size(text):
    if _positive(text) < SMALLEST:
        raise argparse.ArgumentTypeError(f"{text}: at least {SMALLEST} pixels")
    return int(text)

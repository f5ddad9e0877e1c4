"""``colorize train RECIPE``: from folders of photographs to a weight file."""

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

import torch

from colorize_lib.files import replacing
from colorize_lib.photos import from_path
from colorize_lib.training.data import Pictures
from colorize_lib.training.loop import TrainingDivergedError, TrainingStopped
from colorize_lib.training.recipes import RECIPES, train
from colorize_lib.weights import save_weights

EPILOG = """\
example:
  colorize train autoencoder --data photos/ --small thumbnails.tar --folder runs/mine

Interrupted by Ctrl-C, a crash or a power cut, the same command goes on where it was. At the
end, FOLDER/model.safetensors is what `colorize --weights` takes, and FOLDER/history.json
has the losses and scores of every epoch.
"""


def main(arguments: Sequence[str]) -> int:
    """Run the command; exit code 1: stopped or diverged, 2: nothing was tried."""
    options = _parser().parse_args(arguments)
    recipe = RECIPES[options.recipe]
    try:
        pictures = Pictures(
            data=[from_path(path) for path in options.data],
            also=[from_path(path) for path in options.also],
            small=[from_path(path) for path in options.small],
            folder=options.prepared,
        )
        network, history = train(
            recipe,
            pictures,
            options.folder,
            device=options.device,
            precision=options.precision,
        )
        save_weights(
            network,
            options.folder / "model.safetensors",
            architecture=recipe.network,
            size=recipe.stages[-1].size,
            about=f"{recipe.name}, trained on {_names(options.data)}",
        )
        with replacing(options.folder / "history.json") as file:
            file.write(json.dumps(history, indent=1).encode())
    except (TrainingStopped, TrainingDivergedError) as stop:
        print(f"\ncolorize train: {stop}", file=sys.stderr)
        return 1
    except (OSError, ValueError) as error:
        print(f"colorize train: {error}", file=sys.stderr)
        return 2
    print(f"{options.folder / 'model.safetensors'} is ready", file=sys.stderr)
    return 0


def _parser():
    gpu = torch.cuda.is_available()
    parser = argparse.ArgumentParser(
        prog="colorize train",
        description="Train a colorizer by one of the book's recipes.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "recipe", choices=RECIPES, metavar="RECIPE", help=", ".join(RECIPES)
    )
    parser.add_argument(
        "--data",
        type=Path,
        action="append",
        required=True,
        metavar="DIR",
        help="photographs, a folder or an archive, repeatable; some are held out for scores",
    )
    parser.add_argument(
        "--also",
        type=Path,
        action="append",
        default=[],
        metavar="DIR",
        help="more photographs, for training alone",
    )
    parser.add_argument(
        "--small",
        type=Path,
        action="append",
        default=[],
        metavar="DIR",
        help="small pictures, for the first stage alone",
    )
    parser.add_argument(
        "--folder",
        type=Path,
        required=True,
        metavar="FOLDER",
        help="of this run: checkpoints, log, result",
    )
    parser.add_argument(
        "--prepared",
        type=Path,
        metavar="DIR",
        help="where the prepared pictures are kept; by default in the cache folder",
    )
    parser.add_argument(
        "--device",
        default="cuda" if gpu else "cpu",
        metavar="NAME",
        help="cpu, cuda, cuda:1",
    )
    parser.add_argument(
        "--precision",
        choices=("float32", "bfloat16", "float16"),
        help="by default the fastest that the device has",
    )
    return parser


def _names(paths):
    return ", ".join(path.resolve().name for path in paths)

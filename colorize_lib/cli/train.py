"""``colorize train RECIPE``: from folders of photographs to a weight file."""

import argparse
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import torch

from colorize_lib.evaluation import markdown_table
from colorize_lib.photos import from_path
from colorize_lib.results import save_result
from colorize_lib.training.data import Pictures
from colorize_lib.training.loop import TrainingDivergedError, TrainingStopped
from colorize_lib.training.recipes import (
    PROTOCOL,
    RECIPES,
    TEST_SIZE,
    choose_size,
    score_on_test,
    train,
)
from colorize_lib.weights import load_weights, save_weights

EPILOG = """\
example:
  colorize train residual-autoencoder --data photos/ --folder runs/mine

Interrupted by Ctrl-C, a crash or a power cut, the same command goes on where it was. At the
end, FOLDER/model.safetensors is what `colorize --weights` takes, and FOLDER/result.json has
its scores on photographs held out for that, and the losses of every epoch.
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
        _finish(recipe, pictures, network, history, options)
    except (TrainingStopped, TrainingDivergedError) as stop:
        print(f"\ncolorize train: {stop}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:  # while preparing or scoring
        print("\ncolorize train: stopped; run the same to go on", file=sys.stderr)
        return 1
    except (OSError, ValueError) as error:
        print(f"colorize train: {error}", file=sys.stderr)
        return 2
    print(f"{options.folder / 'model.safetensors'} is ready", file=sys.stderr)
    return 0


def _finish(recipe, pictures, network, history, options):
    """Store the model, and score what was stored: its weights are rounded."""
    device = options.device
    size, by_size = choose_size(network, pictures, device=device)
    path = save_weights(
        network,
        options.folder / "model.safetensors",
        architecture=recipe.network,
        size=size,
        about=f"{recipe.name}, trained on {_names(options.data)}",
    )
    stored, _ = load_weights(path)
    scores = score_on_test(
        stored.to(device), pictures, name=recipe.name, size=size, device=device
    )
    save_result(
        options.folder / "result.json",
        scores,
        history,
        recipe=asdict(recipe),
        size=size,
        validation_by_size=by_size,
        command=_command(options),
        device=device,
        minutes=round(sum(line["seconds"] for line in history) / 60, 1),
        photographs={
            "data": _names(options.data),
            "also": _names(options.also),
            "small": _names(options.small),
            "test": pictures.held_out("test", TEST_SIZE).names,
        },
        protocol=PROTOCOL,
    )
    print(markdown_table(scores))


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
        type=_device,
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


def _device(name):
    try:
        torch.empty(0, device=name)
    # A torch without CUDA reports that as an AssertionError.
    except (RuntimeError, AssertionError) as error:
        raise argparse.ArgumentTypeError(f"{name}: {error}") from error
    return name


def _names(paths):
    return ", ".join(path.resolve().name for path in paths)


def _command(options):
    """What was run, without the folders of this machine."""
    words = [f"colorize train {options.recipe}"]
    for name in ("data", "also", "small"):
        words += [f"--{name} {path.resolve().name}" for path in getattr(options, name)]
    return " ".join([*words, f"--folder runs/{options.recipe}"])

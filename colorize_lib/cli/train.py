"""``colorize train RECIPE``: from folders of photographs to a weight file."""

import argparse
import json
import sys
import textwrap
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import torch

from colorize_lib.evaluation.choose import (
    PROTOCOL,
    TEST_SIZE,
    choose_chroma_boost,
    choose_size,
    score_on_test,
)
from colorize_lib.evaluation.results import save_result
from colorize_lib.evaluation.tables import markdown_table
from colorize_lib.files import replacing
from colorize_lib.models import boost_chroma
from colorize_lib.photos import datasets, from_path
from colorize_lib.photos.collection import Pictures
from colorize_lib.training import distributed
from colorize_lib.training.loop import TrainingDivergedError, last_save
from colorize_lib.training.recipes import RECIPES, reduced
from colorize_lib.training.train import best_so_far, train
from colorize_lib.weights import load_weights, save_weights

ARGUMENTS = "arguments.json"  # in the folder of a run
PHOTOGRAPHS = {  # options
    "data": "photographs, a folder or an archive, repeatable; some are held out for "
    "scores. Without it, the collection that the recipe was made for",
    "also": "more photographs, for training alone",
    "small": "small pictures, for the first stage alone",
}
FOLDERS = {  # options
    "folder": (
        "FOLDER",
        "of this run, by default runs/RECIPE: log, checkpoints, result",
    ),
    "prepared": ("DIR", "of the prepared pictures, by default in the cache folder"),
    "resume": ("FOLDER", "go on with the run in this folder, as it was started"),
}
NUMBERS = {  # options: what they are a multiple of, the least, and what they say
    "at-most-size": (16, 32, "no stage larger, in pixels: a trial"),
    "at-most-epochs": (1, 1, "no stage longer: a trial"),
    "batch-size": (1, 1, "pictures a step, in every stage; by default the recipe's"),
}
EPILOG = """\
example:
  colorize train residual-autoencoder --data photos/ --folder runs/mine

Interrupted by Ctrl-C, a crash or a power cut, the same command goes on where it was, or
shorter: colorize train --resume runs/mine
A run that shall not go on: colorize train --resume runs/mine --finish makes a model of
the best epoch so far.
At the end, `colorize photo.jpg --weights runs/mine` colors with it, and
runs/mine/result.json has its scores on photographs held out for that, and the losses of
every epoch.

on several GPUs, here two, each taking its share of every batch:
  torchrun --standalone --nproc-per-node 2 -m colorize_lib.cli train RECIPE ...

recipes:
"""


def main(arguments: Sequence[str]) -> int:
    """Run the command; exit code 1: it ended before its end, 2: nothing was tried."""
    options = _options(arguments)
    try:
        with distributed.joined(options.device) as device:
            _train(options, device)
    except (KeyboardInterrupt, TrainingDivergedError) as error:
        return _ended(error, options.folder)
    except (OSError, ValueError, ImportError) as error:
        begun = isinstance(error, OSError) and any(options.folder.glob("*/last.pt"))
        if begun and not isinstance(error, BlockingIOError):
            return _ended(error, options.folder)
        print(f"colorize train: {error}", file=sys.stderr)
        return 2
    return 0


def _ended(error, folder):
    """Say in one line why, what is kept, and how to go on."""
    again = f"colorize train --resume {folder}"
    going_on = again if (folder / ARGUMENTS).exists() else "the same command"
    told = ["stopped" if isinstance(error, KeyboardInterrupt) else str(error)]
    told.append(last_save(folder))
    if not isinstance(error, TrainingDivergedError):
        told.append(f"To go on: {going_on}")
    if any(folder.glob("*/best.pt")):
        told.append(f"For a model of the best epoch so far: {again} --finish")
    print("\ncolorize train:", ". ".join(told), file=sys.stderr)
    return 1


def _train(options, device):
    recipe = reduced(
        RECIPES[options.recipe],
        size=options.at_most_size,
        epochs=options.at_most_epochs,
        batch_size=options.batch_size,
    )
    pictures = Pictures(
        data=_data(recipe, options.data),
        also=[from_path(path) for path in options.also],
        small=[from_path(path) for path in options.small],
        folder=options.prepared,
        verbose=distributed.is_first(),
    )
    folder = options.folder
    with distributed.holding(folder):
        if options.finish:
            network, history = best_so_far(recipe, folder, device=device)
        else:
            if distributed.is_first():
                _remember(options)
            network, history = train(
                recipe, pictures, folder, device=device, precision=options.precision
            )
        if distributed.is_first():
            _finish(recipe, pictures, network, history, options, device)
            print(f"{folder / 'model.safetensors'} is ready", file=sys.stderr)


def _data(recipe, paths):
    """The photographs given, or the collection that the recipe was made for."""
    if recipe.collection == "lfw" and paths:
        return [datasets.lfw(path) for path in paths]  # whose faces tells the split
    if paths:
        return [from_path(path) for path in paths]
    return [getattr(datasets, recipe.collection)()]


def _finish(recipe, pictures, network, history, options, device):
    """Store the model, and score what was stored: its weights are rounded."""
    data = _names(options.data) or recipe.collection
    size, by_size = choose_size(network, pictures, device=device)
    vividness, share = 1.0, recipe.colorfulness
    if share is not None:
        vividness = choose_chroma_boost(
            network, pictures, size=size, share=share, device=device
        )
        boost_chroma(network, vividness)
    learned = ", ".join(filter(None, (data, _names([*options.also, *options.small]))))
    epochs = sum(stage.epochs for stage in recipe.stages)
    part = f", {len(history)} of {epochs} epochs" if len(history) < epochs else ""
    path = save_weights(
        network,
        options.folder / "model.safetensors",
        architecture=recipe.network,
        size=size,
        about=f"{recipe.name}, trained on {learned}{part}",
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
        vividness=vividness,
        command=_command(options),
        device=device,
        minutes=round(sum(line["seconds"] for line in history) / 60, 1),
        photographs={
            "data": data,
            "also": _names(options.also),
            "small": _names(options.small),
            "test": pictures.held_out("test", TEST_SIZE).names,
        },
        protocol=PROTOCOL,
    )
    print(markdown_table(scores))


def _options(arguments):
    """What was asked for; of a run to be resumed, what was asked for at its start."""
    parser = _parser()
    options = parser.parse_args(arguments)
    if options.resume is not None:
        finish = ["--finish"] if options.finish else []
        if len(arguments) > 2 + len(finish):
            parser.error("--resume takes a folder and nothing else but --finish")
        return parser.parse_args([*_arguments_of(options.resume, parser), *finish])
    if not options.recipe:
        parser.error("name a RECIPE, or a run to go on with: --resume FOLDER")
    options.folder = options.folder or Path("runs") / options.recipe
    return options


def _arguments_of(folder, parser):
    path = folder / ARGUMENTS
    try:
        return json.loads(path.read_text())
    except (OSError, ValueError) as error:
        parser.error(f"{folder} holds no run to go on with: {path}: {error}")


def _remember(options):
    """Note in the folder of a new run how it was started, for ``--resume``."""
    if any(options.folder.glob("*/last.pt")):
        return
    names = ("folder", *PHOTOGRAPHS, "prepared", "device", "precision", *NUMBERS)
    words = _words(options, names, as_text=lambda path: str(path.resolve()))
    with replacing(options.folder / ARGUMENTS) as file:
        file.write(json.dumps(words).encode())


def _command(options):
    """What was run, without the folders of this machine."""
    words = _words(options, (*PHOTOGRAPHS, *NUMBERS), as_text=_name)
    words += ["--finish"] if options.finish else []
    return " ".join(["colorize train", *words, "--folder", f"runs/{options.recipe}"])


def _words(options, names, as_text):
    """The recipe, and those of the named options that were given."""
    parser, words = _parser(), [options.recipe]
    for name in names:
        given = getattr(options, name.replace("-", "_"))
        if given != parser.get_default(name.replace("-", "_")):
            for value in given if isinstance(given, list) else [given]:
                text = as_text(value) if isinstance(value, Path) else str(value)
                words += [f"--{name}", text]
    return words


def _names(paths):
    return ", ".join(map(_name, paths))


def _name(path):
    return path.resolve().name


def _parser():
    recipes = textwrap.fill(
        ", ".join(RECIPES), 88, initial_indent="  ", subsequent_indent="  ",
        break_on_hyphens=False,
    )  # fmt: skip
    parser = argparse.ArgumentParser(
        prog="colorize train",
        description="Train a colorizer by one of the book's recipes.",
        epilog=EPILOG + recipes,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    named = "one of the names below; `colorize recipes` tells about each"
    add("recipe", nargs="?", choices=RECIPES, metavar="RECIPE", help=named)
    for name, told in PHOTOGRAPHS.items():
        several = {"action": "append", "default": []}
        add(f"--{name}", type=Path, metavar="DIR", help=told, **several)
    for name, (metavar, told) in FOLDERS.items():
        add(f"--{name}", type=Path, metavar=metavar, help=told)
    finish = "train no more: of the best epoch so far make the model, and score it"
    add("--finish", action="store_true", help=finish)
    for name, (step, least, told) in NUMBERS.items():
        add(f"--{name}", type=_multiple(step, least), metavar="N", help=told)
    default = "cuda" if torch.cuda.is_available() else "cpu"
    device = "cpu, cuda, cuda:1"
    add("--device", type=_device, default=default, metavar="NAME", help=device)
    precisions = ("float32", "bfloat16", "float16")
    fastest = "by default the fastest that the device has"
    add("--precision", choices=precisions, help=fastest)
    return parser


def _multiple(step, least):
    def number(text):
        if not text.isdecimal() or int(text) < least or int(text) % step:
            kind = f"multiple of {step}" if step > 1 else "whole number"
            raise argparse.ArgumentTypeError(f"{text} is no {kind} from {least} up")
        return int(text)

    return number


def _device(name):
    try:
        torch.empty(0, device=name)
    # A torch without CUDA reports that as an AssertionError.
    except (RuntimeError, AssertionError) as error:
        raise argparse.ArgumentTypeError(f"{name}: {error}") from error
    return name

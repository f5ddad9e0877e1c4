"""Run every recipe to its end at a reduced size, each on its own kind of pictures.

    python tools/try_recipes.py photos/

A trial shows that a recipe works, not how good it is. ``photos/`` holds the folders
named below. Interrupted, the same command goes on. What comes out goes into
results/trials.json, and tools/recipes_page.py makes a page of it."""

import argparse
import json
import tempfile
from dataclasses import asdict
from pathlib import Path

import torch

from colorize_lib.cli.train import main as colorize_train
from colorize_lib.evaluation.choose import score_on_test
from colorize_lib.evaluation.results import FOLDER, save_result
from colorize_lib.files import replacing
from colorize_lib.models import inception_fusion, resnet18_unet
from colorize_lib.photos import datasets, from_path
from colorize_lib.photos.collection import Pictures
from colorize_lib.training.recipes import RECIPES, reduced
from colorize_lib.training.train import train

# By recipe: its folder, the limits of size and epochs a stage, and of the pictures of
# the folder. The others were run at full size.
TRIALS = {
    "autoencoder-l2": ("everyday", 48, 1, 1000),
    "unet": ("everyday", 48, 1, 1000),
    "landscapes-pix2pix": ("landscapes", 256, 1, 160),  # its network needs 256
    "coco-pix2pix-scratch": ("coco/train_sample", 256, 1, 160),
    "coco-pix2pix": ("coco/train_sample", 64, 3, None),
    "cifar10-unet": ("cifar10", 32, 3, None),
    "cifar10-cgan": ("cifar10", 32, 2, None),
    "flowers-wgan-gp": ("flowers102", 32, 1, 1500),
    "lfw-autoencoder": ("lfw", 64, 8, None),
    "lfw-fusion": ("lfw", 64, 1, 300),
}
# Tried with random weights: their pretrained parts are large downloads.
RANDOM = {"coco-pix2pix": resnet18_unet, "lfw-fusion": inception_fusion}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("photos", type=Path)
    parser.add_argument("--prepared", type=Path)
    parser.add_argument("--only", nargs="*", choices=TRIALS, default=list(TRIALS))
    options = parser.parse_args()
    for name in options.only:
        folder = Path("runs") / "tried" / name
        if not (folder / "result.json").exists():
            _try(name, options.photos, folder, options.prepared)
    tried = {}
    for name, (source, *_) in TRIALS.items():
        path = Path("runs") / "tried" / name / "result.json"
        if path.exists():
            tried[name] = {"pictures": source} | _kept(json.loads(path.read_text()))
    with replacing(FOLDER / "trials.json") as file:
        file.write((json.dumps(tried, indent=1) + "\n").encode())


def _try(name, photos, folder, prepared):
    source, size, epochs, at_most = TRIALS[name]
    with tempfile.TemporaryDirectory() as home:
        home = Path(home) / Path(source).name
        home.symlink_to((photos / source).resolve())
        if at_most is not None:
            home = _few(home, at_most)
        if name in RANDOM:
            recipe = reduced(RECIPES[name], size=size, epochs=epochs)
            _try_random(recipe, home, folder, prepared)
            return
        words = [name, "--data", str(home), "--folder", str(folder)]
        words += ["--at-most-size", str(size), "--at-most-epochs", str(epochs)]
        words += ["--prepared", str(prepared)] if prepared else []
        if colorize_train(words):
            raise SystemExit(f"{name} did not come to its end")


def _few(folder, at_most):
    """A folder of the same name with so many of the pictures, evenly picked."""
    files = sorted(path for path in folder.iterdir() if path.is_file())
    few = folder.parent / "few" / folder.name
    few.mkdir(parents=True)
    for path in files[:: -(-len(files) // at_most)]:
        (few / path.name).symlink_to(path.resolve())
    return few


def _try_random(recipe, photos, folder, prepared):
    source = datasets.lfw if recipe.collection == "lfw" else from_path
    pictures = Pictures([source(photos)], folder=prepared)
    torch.manual_seed(0)
    network = RANDOM[recipe.name](pretrained=False)
    network, history = train(recipe, pictures, folder, network=network)
    size = recipe.stages[-1].size
    scores = score_on_test(network, pictures, name=recipe.name, size=size)
    save_result(
        folder / "result.json",
        scores,
        history,
        recipe=asdict(recipe),
        size=size,
        command=f"tools/try_recipes.py --only {recipe.name}",
        device="cpu",
        minutes=round(sum(line["seconds"] for line in history) / 60, 1),
        photographs={"test": pictures.held_out("test", size).names},
    )


def _kept(result):
    """What the page shows of a run: no numbers of single pictures."""
    stages = [(stage["size"], stage["epochs"]) for stage in result["recipe"]["stages"]]
    keys = (
        "command",
        "size",
        "device",
        "minutes",
        "date",
        "commit",
        "versions",
        "summary",
    )
    kept = {key: result[key] for key in keys}
    return kept | {"stages": stages, "test": len(result["photographs"]["test"])}


if __name__ == "__main__":
    main()

"""Does every recipe come to its end, at a reduced size, on its own kind of pictures?

    python studies/trials.py --data photos/

A trial shows that a recipe works, not how good it is. The folder has those named below;
recipes whose pictures are not there are left out. Interrupted, the same command goes
on."""

import json
import tempfile
from dataclasses import asdict
from pathlib import Path

import torch
from study import Study

from colorize_lib.evaluation.choose import TEST_SIZE, choose_size, score_on_test
from colorize_lib.evaluation.results import save_result
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
# What is kept of a run: no numbers of single pictures.
KEPT = ("command", "size", "device", "minutes", "date", "commit", "versions", "summary")


def main() -> None:
    study = Study(__file__, __doc__)
    if len(study.options.data) != 1:
        raise SystemExit("give the folder of all collections: --data photos/")
    [photos], tried = study.options.data, {}
    for name, (collection, *limits) in TRIALS.items():
        folder = study.runs / name
        if (photos / collection).exists() and not (folder / "result.json").exists():
            with tempfile.TemporaryDirectory() as home:
                few = _few(photos / collection, Path(home), limits.pop())
                _try(name, few, folder, study, *limits)
        if (folder / "result.json").exists():
            result = json.loads((folder / "result.json").read_text())
            stages = [(x["size"], x["epochs"]) for x in result["recipe"]["stages"]]
            tried[name] = {"pictures": collection} | {key: result[key] for key in KEPT}
            tried[name] |= {
                "stages": stages,
                "test": len(result["photographs"]["test"]),
            }
    study.write(**tried)


def _try(name, photos, folder, study, size, epochs):
    recipe = reduced(RECIPES[name], size=size, epochs=epochs)
    source = datasets.lfw if recipe.collection == "lfw" else from_path
    pictures = Pictures([source(photos)], folder=study.prepared)
    torch.manual_seed(0)
    network = RANDOM[name](pretrained=False) if name in RANDOM else None
    settings = {"network": network, "device": study.device}
    network, history = train(recipe, pictures, folder, **settings)
    size, by_size = choose_size(network, pictures, device=study.device)
    settings = {"name": name, "size": size, "device": study.device}
    save_result(
        folder / "result.json",
        score_on_test(network, pictures, **settings),
        history,
        recipe=asdict(recipe),
        size=size,
        validation_by_size=by_size,
        command="python studies/trials.py",
        device=study.device,
        minutes=round(sum(line["seconds"] for line in history) / 60, 1),
        photographs={"test": pictures.held_out("test", TEST_SIZE).names},
    )


def _few(folder, home, at_most):
    """A folder of the same name with so many of the pictures, evenly picked."""
    few = home / folder.name
    if at_most is None:
        few.symlink_to(folder.resolve())
        return few
    few.mkdir()
    files = sorted(path for path in folder.iterdir() if path.is_file())
    for path in files[:: -(-len(files) // at_most)]:
        (few / path.name).symlink_to(path.resolve())
    return few


if __name__ == "__main__":
    main()

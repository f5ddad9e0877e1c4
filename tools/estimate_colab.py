"""Estimate the minutes that each training chapter takes in Colab, on its free T4.

    python tools/estimate_colab.py

Nothing is timed: operations and steps are counted, divided by what such a card can be
expected to do: see the constants, and the page that tools/runs_page.py writes."""

import json
from dataclasses import dataclass

import torch
from torch.nn import functional as F
from torch.utils.flop_counter import FlopCounterMode

from colorize_lib.evaluation.results import FOLDER
from colorize_lib.experiments.variants import PATCHES_OF_34, SHORT_CLASSES, SHORT_GAME
from colorize_lib.files import replacing
from colorize_lib.models import COLORIZERS, PatchGAN
from colorize_lib.training.recipes import RECIPES, Stage, reduced

# A T4 promises 65 * 10^12 operations a second in float16. Small pictures use little.
USEFUL = 4e12
# Seconds in which a step's kernels are started, however small; a game starts more.
STEP, PIX2PIX_STEP, WGAN_STEP = 0.03, 0.08, 0.15
PREPARED, SCORED = 150, 20  # photographs a second; seconds for the scores of a run
DOWNLOAD, OTHER_CELLS = 3e9 / 20e6, 120  # seconds: 3 GB at 20 MB/s; all else
PHOTOGRAPHS, HALF = 21_200, 11_400  # less those that are held out
DRAWN, MORE_DRAWN, FEW_DRAWN = 3_400, 5_400, 1_900  # for comparisons


@dataclass(frozen=True)
class Work:
    """Trainings of one kind in a chapter.

    Attributes:
        network: its name in ``COLORIZERS``.
        stages: of one training.
        pictures: of an epoch.
        runs: how many trainings.
        step: seconds in which a step's kernels are started.
        judged: how many passes of a PatchGAN, forward and backward, come with a step;
            with a gradient penalty a critic step costs about five plain ones.
    """

    network: str
    stages: tuple[Stage, ...]
    pictures: int = PHOTOGRAPHS
    runs: int = 1
    step: float = STEP
    judged: int = 0


def _stages(*sizes_epochs_batches):
    return tuple(Stage(*stage, learning_rate=0.0) for stage in sizes_epochs_batches)


SHORT = _stages((SHORT_GAME.size, 1, SHORT_GAME.batch_size))
ODDS = _stages((SHORT_CLASSES.size, 1, SHORT_CLASSES.batch_size))
# As the chapters' cells have it for the colab scale.
CHAPTERS = {
    "03-autoencoder": [Work("autoencoder", _stages((64, 8, 64), (128, 2, 32)))],
    "04-fusion": [Work("fusion_squeezenet", _stages((32, 4, 32)), MORE_DRAWN, 9)],
    "05-unet": [
        Work("unet_squeezenet", _stages((64, 1, 32)), DRAWN, 12),
        Work("unet_squeezenet", _stages((64, 4, 64), (128, 1, 32))),
    ],
    "07-pix2pix": [
        Work("unet_squeezenet", SHORT, DRAWN, 7, PIX2PIX_STEP, judged=3),
        Work(
            "unet_squeezenet",
            reduced(RECIPES["pix2pix"], epochs=1).stages,
            step=PIX2PIX_STEP,
            judged=3,
        ),
    ],
    "08-wgan-gp": [
        Work("unet_squeezenet", SHORT, FEW_DRAWN, 5, 3 * WGAN_STEP, judged=30),
        Work(
            "unet_squeezenet",
            reduced(RECIPES["wgan-gp"], epochs=1).stages,
            HALF,
            step=WGAN_STEP,
            judged=11,
        ),
    ],
    "10-why-brown": [
        Work("unet_squeezenet_classes", ODDS, DRAWN, 15),
        Work(
            "unet_squeezenet_classes",
            reduced(RECIPES["unet-squeezenet-classes"], epochs=1).stages,
        ),
    ],
}


def main() -> None:
    found = {
        name: {"operations": sum(map(operations, works)), "minutes": minutes(works)}
        for name, works in CHAPTERS.items()
    }
    with replacing(FOLDER / "colab-estimate.json") as file:
        file.write((json.dumps(found, indent=1) + "\n").encode())
    for name, one in found.items():
        print(f"{name:16} {one['operations']:.1e} operations, {one['minutes']:.0f} min")


def minutes(works: list[Work]) -> float:
    """Of a chapter, with download and preparation of the photographs."""
    seconds = DOWNLOAD + PHOTOGRAPHS / PREPARED + OTHER_CELLS
    for work in works:
        seconds += operations(work) / USEFUL + work.runs * SCORED
        for stage in work.stages:
            steps = stage.epochs * work.pictures / stage.batch_size
            seconds += work.runs * steps * work.step
    return seconds / 60


def operations(work: Work) -> float:
    """Floating-point operations of all steps, counted on a batch of each size."""
    total = 0.0
    for stage in work.stages:
        pretrained = {"pretrained": False} if "squeezenet" in work.network else {}
        network = COLORIZERS[work.network](**pretrained)
        if hasattr(network, "encoder") and "squeezenet" in work.network:
            network.encoder.requires_grad_(False)
        trained = network.classifier if "classes" in work.network else network
        one = counted(lambda l, net=trained: net(l), stage.size)
        if work.judged:
            judge = PatchGAN(PATCHES_OF_34) if stage.size < 48 else PatchGAN()
            ab = torch.zeros(2, 2, stage.size, stage.size, requires_grad=True)
            one += work.judged * counted(
                lambda l, net=judge, ab=ab: net(l, ab), stage.size
            )
        total += work.runs * stage.epochs * work.pictures * one
    return total


def counted(run, size: int) -> float:
    """Operations a picture, forward and backward."""
    counter = FlopCounterMode(display=False)
    with counter:
        answer = run(torch.zeros(2, 1, size, size))
        F.mse_loss(answer, torch.ones_like(answer)).backward()
    return counter.get_total_flops() / 2


if __name__ == "__main__":
    main()

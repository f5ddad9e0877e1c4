"""Following a recipe: stage after stage, from where an interruption left it."""

import json
from collections.abc import Iterator
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path

import torch
from torch import nn
from torch.optim.lr_scheduler import LambdaLR

from colorize_lib.evaluation.choose import CHOSEN_BY, validation_scores
from colorize_lib.files import replacing
from colorize_lib.models import COLORIZERS
from colorize_lib.photos import find_gallery, read_photo
from colorize_lib.photos.collection import Pictures
from colorize_lib.training import distributed
from colorize_lib.training.classification import (
    Classification,
    rebalance,
    start_at_frequencies,
)
from colorize_lib.training.learner import (
    Learner,
    Precision,
    choose_precision,
    hold_then_fall,
    one_cycle,
)
from colorize_lib.training.loop import Method, fit, load_checkpoint
from colorize_lib.training.pix2pix import Pix2Pix
from colorize_lib.training.recipes import Recipe, Stage, differences
from colorize_lib.training.regression import LOSSES, Regression
from colorize_lib.training.reports import Reports
from colorize_lib.training.wgan_gp import WassersteinGP, WGANGPSettings
from colorize_lib.weights import load_weights, stored_weights


def train(
    recipe: Recipe,
    pictures: Pictures,
    folder: Path,
    *,
    network: nn.Module | None = None,
    device: torch.device | str = "cpu",
    precision: str | None = None,
    show_progress: bool = True,
) -> tuple[nn.Module, list[dict]]:
    """Follow a recipe; called again after an interruption, it goes on where it was.

    Args:
        recipe: one of ``RECIPES``, or your own.
        pictures: what to learn from, and the photographs to validate on.
        folder: of this run; each stage gets a folder inside it, see
            :func:`colorize_lib.training.loop.fit`.
        network: what to train; by default :func:`untrained` makes what the recipe says.
        device: where to train.
        precision: overrules :func:`~colorize_lib.training.learner.choose_precision`.
        show_progress: bars with the losses and images/s.

    Returns:
        The network, in evaluation mode, and the lines of all epochs, each with its
        stage's ``size``.

    Raises:
        ValueError: the run in ``folder`` follows another recipe; or see
            :func:`untrained`, :func:`method_of` and ``fit``.
        TrainingDivergedError, KeyboardInterrupt, OSError, BlockingIOError: see ``fit``.
    """
    folder, history, adversary = Path(folder), [], None
    with distributed.holding(folder):
        _claim(folder, recipe)
        if network is None:
            torch.manual_seed(recipe.seed)
            network = untrained(recipe)
        network = network.to(device=device, memory_format=torch.channels_last)
        for stage, home in _stages(recipe, folder):
            images = pictures.for_training(stage.size, small=stage.small_pictures)
            validation = pictures.held_out("validation", stage.size)
            stage = _filling_batches(stage, len(images), show_progress)
            if stage.adversarial is not None and adversary is None:
                adversary = stage.adversarial.adversary()  # of later stages, too
            steps = stage.epochs * (len(images) // stage.batch_size)
            method = method_of(
                stage, network, adversary, steps, loss=recipe.loss,
                weight_decay=recipe.weight_decay, device=device, precision=precision,
            )  # fmt: skip
            if isinstance(method, Classification):
                _prepare_bins(network, images, recipe.loss)
            lines = fit(
                method, images, home, epochs=stage.epochs, batch_size=stage.batch_size,
                crop=stage.size, seed=recipe.seed, device=device,
                validate=partial(validation_scores, images=validation, device=device),
                # A stage hands on its best epoch: trained for too long, a network
                # learns its photographs by heart, and the loss does not tell. Of an
                # adversarial one it is the last, since no score says who does well.
                best_by=CHOSEN_BY if stage.adversarial is None else None,
                report=_reports(home, stage.size), show_progress=show_progress,
            )  # fmt: skip
            history += [{"size": stage.size} | line for line in lines]
            network.load_state_dict(load_checkpoint(home / "best.pt")["network"])
    return network.eval(), history


def best_so_far(
    recipe: Recipe, folder: Path, *, device: torch.device | str = "cpu"
) -> tuple[nn.Module, list[dict]]:
    """What :func:`train` has come to in ``folder``, without training any more.

    Returns as ``train`` does: the network of the best epoch of the last stage that has
    finished one.

    Raises:
        ValueError: no epoch is finished yet, or the run follows another recipe.
    """
    stages = _stages(recipe, Path(folder))
    begun = [(stage, home) for stage, home in stages if (home / "best.pt").exists()]
    if not begun:
        raise ValueError(
            f"no epoch of the run in {folder} is finished yet, so none is the best: go on "
            "with it until one is"
        )
    _claim(Path(folder), recipe)
    network = untrained(recipe).to(device=device, memory_format=torch.channels_last)
    network.load_state_dict(load_checkpoint(begun[-1][1] / "best.pt")["network"])
    history = [
        {"size": stage.size} | json.loads(line)
        for stage, home in begun
        for line in (home / "log.jsonl").read_text().splitlines()
    ]
    return network.eval(), history


def untrained(recipe: Recipe) -> nn.Module:
    """The network of a recipe with its first weights.

    Raises:
        WeightsUnavailableError: its pretrained part could not be fetched.
        FileNotFoundError: the weights that it starts from are not stored.
        ValueError: they are of another network.
    """
    make = COLORIZERS[recipe.network]
    if recipe.start_from is not None:
        network, about = load_weights(stored_weights(recipe.start_from))
        if recipe.network == f"{about['architecture']}_classes":
            network = make(network)  # all but the last layer
        elif recipe.network != about["architecture"]:
            raise ValueError(
                f"the recipe {recipe.name} trains {recipe.network}, which cannot start "
                f"from {recipe.start_from}, a {about['architecture']}"
            )
    else:
        network = make(pretrained=True) if recipe.pretrained else make()
    if recipe.pretrained and recipe.frozen:
        network.encoder.freeze()
    return network


def method_of(
    stage: Stage,
    network: nn.Module,
    adversary: nn.Module | None,
    steps: int,
    *,
    loss: str = "l1",
    weight_decay: float = 0.01,
    device: torch.device | str = "cpu",
    precision: str | None = None,
) -> Method:
    """The steps of a stage, with fresh optimizers whose rates end at 0 after ``steps``.

    Args:
        stage: its learning rate, and its adversarial settings, if it has any.
        network: on ``device``.
        adversary: of an adversarial stage, which is moved to ``device``.
        steps: batches in all.
        loss: of the other stages, as of a :class:`.Recipe`.
        weight_decay: of the other stages.
        device: where they train.
        precision: overrules :func:`~colorize_lib.training.learner.choose_precision`.

    Raises:
        ValueError: another loss.
        TypeError: a loss of probabilities for a network that gives none.
    """
    precision = choose_precision(device, precision)
    if stage.adversarial is not None:
        adversary = adversary.to(device=device, memory_format=torch.channels_last)
        return _adversarial(stage, network, adversary, steps, precision)
    parameters = [p for p in network.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(
        parameters, stage.learning_rate, weight_decay=weight_decay
    )
    scheduler = LambdaLR(optimizer, partial(one_cycle, steps))
    if loss in LOSSES:
        return Regression(network, optimizer, precision, LOSSES[loss], scheduler)
    if loss in ("classes", "rebalanced_classes"):
        return Classification(network, optimizer, precision, scheduler)
    known = ", ".join((*LOSSES, "classes", "rebalanced_classes"))
    raise ValueError(f"unknown loss {loss!r}; known: {known}")


def _adversarial(stage, network, adversary, steps, precision):
    settings = stage.adversarial
    is_wgan = isinstance(settings, WGANGPSettings)
    # Slopes of slopes do not fit into less than float32.
    exact = Precision("float32", precision.device_type) if is_wgan else precision

    def learner(network, precision, updates, rate=1.0, average=None):
        parameters = [p for p in network.parameters() if p.requires_grad]
        rate *= stage.learning_rate
        adam = torch.optim.Adam(parameters, rate, betas=settings.betas)
        scheduler = LambdaLR(adam, partial(hold_then_fall, updates))
        return Learner(network, adam, precision, scheduler, average=average)

    updates = settings.generator_updates(steps)
    generator = learner(network, precision, updates, average=settings.average)
    against = learner(adversary, exact, steps, rate=settings.judge_rate)
    return (WassersteinGP if is_wgan else Pix2Pix)(generator, against, settings)


# ------------------------------------------------------------ parts of a stage


def _stages(recipe, folder) -> Iterator[tuple[Stage, Path]]:
    """Each stage with its folder."""
    for number, stage in enumerate(recipe.stages, start=1):
        yield stage, folder / f"{number}-{stage.size}px"


def _filling_batches(stage, count, say):
    """The stage in smaller batches if there are not even pictures for one."""
    if count >= stage.batch_size:
        return stage
    together = distributed.count()
    # One that cannot be shared is left to the refusal of those who would share it.
    batch_size = count // together * together or count
    if say and distributed.is_first():
        print(
            f"{stage.size} px: batches of {batch_size} pictures instead of "
            f"{stage.batch_size}, because there are {count}",
            flush=True,
        )
    return replace(stage, batch_size=batch_size)


def _prepare_bins(network, images, loss):
    if loss == "rebalanced_classes":
        rebalance(network, images)
    if not network.last_layer.bias.any():  # it is new
        start_at_frequencies(network, images)


def _reports(folder, size):
    gallery = find_gallery(download=False, verbose=False)
    paths = [picture.path for picture in gallery if picture.color][:6]
    pictures = torch.empty(len(paths), 3, 128, 128, dtype=torch.uint8)
    for path, pixels in zip(paths, pictures, strict=True):
        pixels.copy_(read_photo(path, 128))
    return Reports(folder, pictures, size)


def _claim(folder, recipe):
    """Note whose run it is: a checkpoint fits other recipes of the same network too."""
    path = folder / "recipe.json"
    begun = path.exists() and any(folder.glob("*/last.pt"))
    if begun and (differing := differences(json.loads(path.read_text()), recipe)):
        raise ValueError(
            f"the run in {folder} follows another recipe, {path}, with another "
            f"{' and '.join(differing)}: "
            "give that one to go on, or another folder to start afresh"
        )
    with replacing(path) as file:
        file.write(json.dumps(asdict(recipe), indent=1).encode())

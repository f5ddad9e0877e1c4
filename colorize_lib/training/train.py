"""Following a recipe: stage after stage, from where an interruption left it."""

import json
from dataclasses import MISSING, asdict, fields, replace
from functools import partial
from pathlib import Path

import torch
from torch import nn
from torch.nn import functional as F
from torch.optim.lr_scheduler import LambdaLR

from colorize_lib.evaluation.choose import CHOSEN_BY, validation_scores
from colorize_lib.files import replacing
from colorize_lib.models import COLORIZERS
from colorize_lib.photos import find_gallery, read_photo
from colorize_lib.photos.collection import Pictures
from colorize_lib.training import distributed as processes
from colorize_lib.training.checkpoints import load_checkpoint
from colorize_lib.training.classification import (
    Classification,
    rebalance,
    start_at_frequencies,
)
from colorize_lib.training.learner import Learner
from colorize_lib.training.loop import Method, fit
from colorize_lib.training.precision import choose_precision
from colorize_lib.training.recipes import Recipe, Stage
from colorize_lib.training.regression import Regression
from colorize_lib.training.reports import Reports
from colorize_lib.training.schedules import hold_then_fall, one_cycle
from colorize_lib.weights import load_weights, stored_weights

LOSSES = {"l1": F.l1_loss, "l2": F.mse_loss}  # of a color
CLASSES, REBALANCED = "classes", "rebalanced_classes"  # of the odds of color bins
# Networks that are another one but for the last layer: they can start from its weights.
MADE_OF = {"unet_squeezenet_classes": "unet_squeezenet"}


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
        precision: overrules :func:`~colorize_lib.training.precision.choose_precision`.
        show_progress: bars with the losses and images/s.

    Returns:
        The network, in evaluation mode, and the lines of all epochs, each with its
        stage's ``size``.

    Raises:
        ValueError: the run in ``folder`` follows another recipe; or see
            :func:`untrained`, :func:`method_of` and ``fit``.
        TrainingDivergedError, TrainingStopped, TrainingHaltedError, BlockingIOError:
            see ``fit``.
    """
    folder = Path(folder)
    with processes.holding(folder):
        _claim(folder, recipe)
        if network is None:
            torch.manual_seed(recipe.seed)
            network = untrained(recipe)
        network = network.to(device=device, memory_format=torch.channels_last)
        history = _stages(
            recipe, pictures, folder, network, device, precision, show_progress
        )
    return _with_start(network, recipe), history


def best_so_far(
    recipe: Recipe, folder: Path, *, device: torch.device | str = "cpu"
) -> tuple[nn.Module, list[dict]]:
    """What :func:`train` has come to in ``folder``, without training any more.

    Returns:
        As of ``train``: the network of the best epoch of the last stage that has
        finished one.

    Raises:
        ValueError: no epoch is finished yet, or the run follows another recipe.
    """
    begun = [
        (stage, home)
        for stage, home in _homes(recipe, Path(folder))
        if (home / "best.pt").exists()
    ]
    if not begun:
        raise ValueError(
            f"no epoch of the run in {folder} is finished yet, so none is the best: go on "
            "with it until one is"
        )
    _claim(Path(folder), recipe)
    network = untrained(recipe).to(device=device, memory_format=torch.channels_last)
    network.load_state_dict(load_checkpoint(begun[-1][1] / "best.pt")["network"])
    # A full disk may have kept the first line from being written.
    logs = [(stage, home / "log.jsonl") for stage, home in begun]
    history = [
        {"size": stage.size} | json.loads(line)
        for stage, log in logs
        if log.exists()
        for line in log.read_text().splitlines()
    ]
    return _with_start(network, recipe), history


def _homes(recipe, folder):
    """Each stage with its folder."""
    for number, stage in enumerate(recipe.stages, start=1):
        yield stage, folder / f"{number}-{stage.size}px"


def _with_start(network, recipe):
    """The finished network; a share of what it started from comes back into it."""
    if recipe.kept:
        start, _ = load_weights(stored_weights(recipe.start_from))
        blend(network, start, recipe.kept)
    return network.eval()


def _stages(recipe, pictures, folder, network, device, precision, show_progress):
    history, rival = [], None
    for stage, home in _homes(recipe, folder):
        if stage.unfreezes:
            network.encoder.requires_grad_(True)
        images = pictures.for_training(stage.size, small=stage.small_pictures)
        validation = pictures.held_out("validation", stage.size)
        stage = _filling_batches(stage, len(images), show_progress)
        steps = stage.epochs * (len(images) // stage.batch_size)
        if stage.game is not None:
            rival = rival or stage.game.rival()
        method = method_of(
            stage, network, rival, steps,
            loss=recipe.loss, weight_decay=recipe.weight_decay,
            device=device, precision=precision,
        )  # fmt: skip
        if isinstance(method, Classification):
            if recipe.loss == REBALANCED:
                rebalance(network, images)
            if not network.last_layer.bias.any():  # it is new
                start_at_frequencies(network, images)
        lines = fit(
            method,
            images,
            home,
            epochs=stage.epochs,
            batch_size=stage.batch_size,
            crop=stage.size,
            seed=recipe.seed,
            validate=partial(validation_scores, images=validation, device=device),
            # A stage hands on its best epoch: trained for too long, a network learns
            # its photographs by heart, and the loss does not tell. Of a game it is the
            # last, since no score says who plays well.
            best_by=CHOSEN_BY if stage.game is None else None,
            report=_reports(home, stage.size),
            device=device,
            show_progress=show_progress,
        )
        history += [{"size": stage.size} | line for line in lines]
        network.load_state_dict(load_checkpoint(home / "best.pt")["network"])
    return history


def _filling_batches(stage, count, say):
    """The stage in smaller batches if there are not even pictures for one."""
    if count >= stage.batch_size:
        return stage
    together = processes.count()
    # One that cannot be shared is left to the refusal of those who would share it.
    batch_size = count // together * together or count
    if say and processes.is_first():
        print(
            f"{stage.size} px: batches of {batch_size} pictures instead of "
            f"{stage.batch_size}, because there are {count}",
            flush=True,
        )
    return replace(stage, batch_size=batch_size)


@torch.no_grad()
def blend(network: nn.Module, start: nn.Module, share: float) -> None:
    """Move a network's weights back by a share of the way to those it started from.

    Wortsman and others, "Robust fine-tuning of zero-shot models" (2022), eq. 1. It
    works where networks on the straight line between the two are good. Running
    statistics move, too, counters do not.

    Args:
        network: the trained one, which is changed.
        start: of the same build.
        share: 0 leaves the network as it is, 1 makes it its start.

    Raises:
        ValueError: a share that is none, or networks of different builds.
    """
    if not 0 <= share <= 1:
        raise ValueError(f"the share that is kept must be in [0, 1], not {share}")
    ours, theirs = network.state_dict(), start.state_dict()
    if {n: x.shape for n, x in ours.items()} != {n: x.shape for n, x in theirs.items()}:
        raise ValueError("the networks differ in their build: they cannot be blended")
    for name, x in ours.items():
        if x.is_floating_point():
            x.lerp_(theirs[name].to(x), share)


def method_of(
    stage: Stage,
    network: nn.Module,
    rival: nn.Module | None,
    steps: int,
    *,
    loss: str = "l1",
    weight_decay: float = 0.01,
    device: torch.device | str = "cpu",
    precision: str | None = None,
) -> Method:
    """The steps of a stage, with fresh optimizers.

    Args:
        stage: its game, if it has one, and its learning rate.
        network: on ``device``.
        rival: of a game: the discriminator or critic, which is moved to ``device``.
        steps: batches in all; the learning rate has fallen to zero by then.
        loss: of a stage without a game: one of ``LOSSES``, or ``CLASSES`` or
            ``REBALANCED``, of a :class:`.ColorClassifier`, by the weights it has.
        weight_decay: of a stage without a game.
        device: where they train.
        precision: overrules :func:`~colorize_lib.training.precision.choose_precision`.

    Raises:
        ValueError: another loss.
        TypeError: a loss of odds for a network that gives none.
    """
    if loss not in (*LOSSES, CLASSES, REBALANCED):
        known = ", ".join((*LOSSES, CLASSES, REBALANCED))
        raise ValueError(f"unknown loss {loss!r}; known: {known}")
    precision = choose_precision(device, precision)
    if stage.game is None:
        optimizer = torch.optim.AdamW(
            [p for p in network.parameters() if p.requires_grad],
            stage.learning_rate,
            weight_decay=weight_decay,
        )
        scheduler = LambdaLR(optimizer, partial(one_cycle, steps))
        if loss in (CLASSES, REBALANCED):
            return Classification(network, optimizer, precision, scheduler)
        return Regression(network, optimizer, precision, LOSSES[loss], scheduler)

    game, rate = stage.game, stage.learning_rate

    def learner(player, learning_rate, steps, precision, average=None):
        parameters = [p for p in player.parameters() if p.requires_grad]
        optimizer = torch.optim.Adam(parameters, learning_rate, betas=game.betas)
        scheduler = LambdaLR(optimizer, partial(hold_then_fall, steps))
        return Learner(player, optimizer, precision, scheduler, average=average)

    rival = rival.to(device=device, memory_format=torch.channels_last)
    generator = learner(network, rate, game.turns(steps), precision, game.average)
    rival_rate = game.rival_learning_rate or rate
    rival_precision = game.rival_precision(precision)
    return game.method(generator, learner(rival, rival_rate, steps, rival_precision))


def _reports(folder, size):
    gallery = [
        picture
        for picture in find_gallery(download=False, verbose=False)
        if picture.color
    ]
    pictures = torch.empty(min(6, len(gallery)), 3, 128, 128, dtype=torch.uint8)
    for picture, pixels in zip(gallery, pictures, strict=False):
        pixels.copy_(read_photo(picture.path, 128))
    return Reports(folder, pictures, size)


def untrained(recipe: Recipe) -> nn.Module:
    """The network of a recipe with its first weights.

    Raises:
        WeightsUnavailableError: its pretrained part could not be fetched.
        FileNotFoundError: the weights that it starts from are not stored.
        ValueError: they are of a network that this one is not made of.
    """
    make = COLORIZERS[recipe.network]
    if recipe.start_from is not None:
        network, about = load_weights(stored_weights(recipe.start_from))
        if MADE_OF.get(recipe.network) == about["architecture"]:
            network = make(network)
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


def _claim(folder, recipe):
    """Note whose run it is: a checkpoint fits other recipes of the same network too."""
    path, text = folder / "recipe.json", json.dumps(asdict(recipe), indent=1)
    if path.exists() and any(folder.glob("*/last.pt")):
        started = _with_defaults(json.loads(path.read_text()))
        given = json.loads(text)
        given = {
            field.name: given[field.name] for field in fields(Recipe) if field.compare
        }
        if differing := [name for name in given if started.get(name) != given[name]]:
            raise ValueError(
                f"the run in {folder} follows another recipe, {path}, with another "
                f"{' and '.join(differing)}: "
                "give that one to go on, or another folder to start afresh"
            )
    with replacing(path) as file:
        file.write(text.encode())


def _with_defaults(stored):
    """What an older recipe did not name yet was as it is by default."""
    stages = [_defaults(Stage) | stage for stage in stored["stages"]]
    return _defaults(Recipe) | stored | {"stages": stages}


def _defaults(settings):
    return {
        field.name: field.default
        for field in fields(settings)
        if field.default is not MISSING
    }

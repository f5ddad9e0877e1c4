"""Recipes: named ways to train a colorizer, and how one is followed."""

import json
import math
from collections.abc import Sequence
from dataclasses import MISSING, asdict, dataclass, fields
from functools import partial
from pathlib import Path

import torch
from torch import nn
from torch.nn import functional as F
from tqdm import tqdm

from colorize_lib.evaluation import Scores, evaluate
from colorize_lib.files import replacing
from colorize_lib.inference import predict_ab
from colorize_lib.models import COLORIZERS
from colorize_lib.photos import batches
from colorize_lib.training.checkpoints import load_checkpoint
from colorize_lib.training.data import Pictures
from colorize_lib.training.loop import fit
from colorize_lib.training.precision import choose_precision
from colorize_lib.training.regression import Regression

TEST_SIZE = 256  # pixels of the test photographs, whatever a network sees of them
PROTOCOL = (
    f"Test photographs, center squares of {TEST_SIZE} px, near-gray ones left out. "
    "The network sees their lightness at its own size; its colors are enlarged "
    "bicubically, brought into the gamut at constant lightness and rounded to 8 bits. "
    "Every score is a mean over pictures, with a 95 % bootstrap interval over pictures."
)
# Each stage hands on its best epoch, not its last: trained for too long, a network
# learns its photographs by heart, and the loss does not tell.
CHOSEN_BY = "ciede2000"  # on validation photographs; favors neither of the losses
SIZES = (64, 96, 128, 160, 192, 256)  # multiples of 32, as every network accepts
LOSSES = {"l1": F.l1_loss, "l2": F.mse_loss}


@dataclass(frozen=True)
class Stage:
    """Some epochs at one size, from the best weights of the stage before."""

    size: int  # pixels of the square that the network sees
    epochs: int
    batch_size: int
    learning_rate: (
        float  # the peak of one cycle: up for a tenth of the steps, then down
    )
    small_pictures: bool = False  # also learn from the collection of small pictures


@dataclass(frozen=True)
class Recipe:
    """How to train one network by regression."""

    name: str
    network: str  # its name in COLORIZERS
    stages: tuple[Stage, ...]
    loss: str  # "l1" or "l2"
    # Decoupled from the gradient (AdamW): light, against learning photographs by heart.
    weight_decay: float = 0.01
    seed: int = 0
    # Start from an encoder that was trained on ImageNet, and leave that as it is.
    pretrained: bool = False


DEFAULTS = {
    field.name: field.default
    for field in fields(Recipe)
    if field.default is not MISSING
}

# A picture of 48 pixels costs a twenty-eighth of one of 256, and what color grass is
# can be learned from it: most steps are taken there. The short stages after it get the
# network used to the sizes at which it will color; more of them would teach it the few
# large photographs by heart.
GROWING = (
    Stage(48, epochs=10, batch_size=64, learning_rate=1e-3, small_pictures=True),
    Stage(128, epochs=3, batch_size=32, learning_rate=2e-4),
    Stage(192, epochs=1, batch_size=16, learning_rate=5e-5),
)

RECIPES = {
    recipe.name: recipe
    for recipe in (
        # As its source describes it, but for the growing size.
        Recipe("autoencoder-l2", "autoencoder", GROWING, loss="l2"),
        Recipe("autoencoder-l1", "autoencoder", GROWING, loss="l1"),
        Recipe("residual-autoencoder", "residual_autoencoder", GROWING, loss="l1"),
        Recipe("fusion-squeezenet", "fusion_squeezenet", GROWING, loss="l1"),
        Recipe("unet", "unet", GROWING, loss="l1"),
        Recipe(
            "unet-squeezenet", "unet_squeezenet", GROWING, loss="l1", pretrained=True
        ),
    )
}


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
        ValueError: the run in ``folder`` follows another recipe; or see ``fit``.
        TrainingDivergedError, TrainingStopped: see ``fit``.
    """
    folder = Path(folder)
    _claim(folder, recipe)
    if network is None:
        torch.manual_seed(recipe.seed)
        network = untrained(recipe)
    network = network.to(device=device, memory_format=torch.channels_last)
    history = []
    for number, stage in enumerate(recipe.stages, start=1):
        home = folder / f"{number}-{stage.size}px"
        images = pictures.for_training(stage.size, small=stage.small_pictures)
        validation = pictures.held_out("validation", stage.size)
        optimizer = torch.optim.AdamW(
            [p for p in network.parameters() if p.requires_grad],
            stage.learning_rate,
            weight_decay=recipe.weight_decay,
        )
        steps = stage.epochs * (len(images) // stage.batch_size)
        scheduler = torch.optim.lr_scheduler.LambdaLR(
            optimizer, partial(one_cycle, steps)
        )
        lines = fit(
            Regression(
                network,
                optimizer,
                choose_precision(device, precision),
                LOSSES[recipe.loss],
                scheduler,
            ),
            images,
            home,
            epochs=stage.epochs,
            batch_size=stage.batch_size,
            crop=stage.size,
            seed=recipe.seed,
            validate=partial(validation_scores, images=validation, device=device),
            best_by=CHOSEN_BY,
            device=device,
            show_progress=show_progress,
        )
        history += [{"size": stage.size} | line for line in lines]
        network.load_state_dict(load_checkpoint(home / "best.pt")["network"])
    return network.eval(), history


def untrained(recipe: Recipe) -> nn.Module:
    """The network of a recipe with its first weights.

    Raises:
        WeightsUnavailableError: its pretrained part could not be fetched.
    """
    make = COLORIZERS[recipe.network]
    if not recipe.pretrained:
        return make()
    network = make(pretrained=True)
    network.encoder.freeze()
    return network


def one_cycle(steps: int, step: int) -> float:
    """The learning rate, as a share of its peak: a linear rise, then half a cosine.

    The rise over the first tenth spares fresh weights the largest steps; the long way
    down to zero averages out what single batches pull at. After Smith and Topin, 2018.
    """
    rise = max(1, steps // 10)
    if step < rise:
        return (step + 1) / rise
    return 0.5 * (1 + math.cos(math.pi * (step - rise) / max(1, steps - rise)))


def validation_scores(network: nn.Module, images, device) -> dict[str, float]:
    """Mean scores on validation photographs; ``gray_...``: of the gray pictures."""
    network.eval()
    with torch.inference_mode():
        scores = evaluate({"network": network}, batches(images, 32, device=device))
    gray, ours, _ = (row.means() for row in scores.values())
    return ours | {f"gray_{name}": value for name, value in gray.items()}


def choose_size(
    network: nn.Module,
    pictures: Pictures,
    *,
    sizes: Sequence[int] = SIZES,
    device: torch.device | str = "cpu",
) -> tuple[int, dict[int, dict[str, float]]]:
    """Find the size at which a finished network should see photographs.

    It need not be that of the training: a smaller one shows the network more of the
    picture at a time, a larger one more detail.

    Args:
        network: l to ab, in evaluation mode.
        pictures: on whose validation part it is tried, scored as on the test part.
        sizes: pixels of the shorter side, to choose from.
        device: where the network lies.

    Returns:
        The size with the least ``CHOSEN_BY``, and the mean scores of each size.
    """
    rows = {str(size): partial(predict_ab, network, size=size) for size in sizes}
    scores = evaluate(rows, _held_out(pictures, "validation", device))
    means = {size: scores[str(size)].means() for size in sizes}
    return min(sizes, key=lambda size: means[size][CHOSEN_BY]), means


def score_on_test(
    network: nn.Module, pictures: Pictures, *, name: str, size: int, device="cpu"
) -> dict[str, Scores]:
    """Score a finished network on the test photographs, as ``PROTOCOL`` says.

    Args:
        network: trained without those photographs, and chosen without them.
        pictures: whose test part it is.
        name: of the network's row.
        size: pixels of the shorter side that it sees.
        device: where the network lies.
    """
    colorizer = partial(predict_ab, network, size=size)
    return evaluate({name: colorizer}, _held_out(pictures, "test", device))


def _held_out(pictures, part, device):
    photographs = pictures.held_out(part, TEST_SIZE)
    return tqdm(
        batches(photographs, 16, device=device),
        desc=f"scores of the {part} photographs",
        total=math.ceil(len(photographs) / 16),
        unit="batch",
    )


def _claim(folder, recipe):
    """Note whose run it is: a checkpoint fits other recipes of the same network too."""
    path, text = folder / "recipe.json", json.dumps(asdict(recipe), indent=1)
    if path.exists() and any(folder.glob("*/last.pt")):
        # What an older recipe did not name yet was as by default.
        started = DEFAULTS | json.loads(path.read_text())
        given = json.loads(text)
        if differing := [name for name in given if started.get(name) != given[name]]:
            raise ValueError(
                f"the run in {folder} follows another recipe, {path}, with another "
                f"{' and '.join(differing)}: "
                "give that one to go on, or another folder to start afresh"
            )
    with replacing(path) as file:
        file.write(text.encode())

"""The scores by which the book chooses, and those that it reports."""

import math
from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from functools import partial

import torch
from torch import Tensor, nn
from tqdm import tqdm

from colorize_lib.color import normalize_lab, rgb_to_lab
from colorize_lib.evaluation.scores import Metric, Scores, evaluate
from colorize_lib.inference import join, predict_ab, sides_divisible_by
from colorize_lib.metrics import colorfulness
from colorize_lib.photos import batches
from colorize_lib.photos.collection import Pictures

TEST_SIZE = 256  # pixels of the test photographs, whatever a network sees of them
PROTOCOL = (
    f"Test photographs, center squares of {TEST_SIZE} px, near-gray ones left out. "
    "The network sees their lightness at its own size; its colors are enlarged "
    "bicubically, brought into the gamut at constant lightness and rounded to 8 bits. "
    "Every score is a mean over pictures, with a 95 % bootstrap interval over pictures."
)
CHOSEN_BY = "ciede2000"  # on validation photographs; favors neither L1 nor L2
SIZES = (64, 96, 128, 160, 192, 256)


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
    image at a time, a larger one more detail.

    Args:
        network: l to ab, in evaluation mode, on ``device``.
        pictures: on whose validation part it is tried, scored as on the test part.
        sizes: pixels of the shorter side; those that it cannot take are left out.
        device: where the network lies.

    Returns:
        The size with the least ``CHOSEN_BY``, and the mean scores of each size.
    """
    sizes = [size for size in sizes if size % sides_divisible_by(network) == 0]
    rows = {str(size): partial(predict_ab, network, size=size) for size in sizes}
    scores = evaluate(rows, held_out_batches(pictures, "validation", device))
    means = {size: scores[str(size)].means() for size in sizes}
    return min(sizes, key=lambda size: means[size][CHOSEN_BY]), means


def choose_chroma_boost(
    network: nn.Module,
    pictures: Pictures,
    *,
    size: int,
    share: float,
    device: torch.device | str = "cpu",
) -> float:
    """Find the factor of :func:`.boost_chroma` that gives a share of the true color.

    Args:
        network, pictures, device: as for :func:`choose_size`; not changed.
        size: pixels of the shorter side that the network sees.
        share: of the photographs' mean colorfulness.

    Returns:
        The least of 1, 1.05, 1.1, ... 3 that reaches the share, or 3.
    """
    lightness, colors, true = [], [], []
    for truths in held_out_batches(pictures, "validation", device):
        l, _ = normalize_lab(rgb_to_lab(truths))
        lightness.append(l)
        colors.append(predict_ab(network, l, size).clamp(-0.999, 0.999).atanh())
        true.append(colorfulness(truths))
    wanted = share * torch.cat(true).mean()
    factors = [n / 20 for n in range(20, 61)]

    def reaches(factor):
        """Whether the mean colorfulness is the wanted one; it grows with the factor."""
        found = [
            colorfulness(join(l, (factor * x).tanh()))
            for l, x in zip(lightness, colors, strict=True)
        ]
        return torch.cat(found).mean() >= wanted

    found = bisect_left(factors, True, key=reaches)
    return factors[min(found, len(factors) - 1)]


def score_on_test(
    network: nn.Module,
    pictures: Pictures,
    *,
    name: str,
    size: int,
    device: torch.device | str = "cpu",
    known: Mapping[str, Scores] | None = None,
    metrics: Mapping[str, Metric] | None = None,
) -> dict[str, Scores]:
    """Score a finished network on the test photographs, as ``PROTOCOL`` says.

    Args:
        network: trained without those photographs, and chosen without them.
        pictures, size, device: as above.
        name: of the network's row.
        known, metrics: as of :func:`.evaluate`.
    """
    colorizer = partial(predict_ab, network, size=size)
    held_out = held_out_batches(pictures, "test", device)
    return evaluate({name: colorizer}, held_out, known=known, metrics=metrics)


def held_out_batches(
    pictures: Pictures, part: str, device: torch.device | str = "cpu"
) -> Iterable[Tensor]:
    """The ``"validation"`` or ``"test"`` photographs as they are scored, with a bar."""
    photographs = pictures.held_out(part, TEST_SIZE)
    return tqdm(
        batches(photographs, 16, device=device),
        desc=f"scores of the {part} photographs",
        total=math.ceil(len(photographs) / 16),
        unit="batch",
    )

"""Colorings that are wrong in one known way: to see what a score makes of it.

They cheat: each is given the true colors. Taught in chapter 9.
"""

from collections.abc import Callable, Iterable, Mapping

import torch
from torch import Tensor
from torch.nn import functional as F

from colorize_lib.color import AB_SCALE, normalize_lab, rgb_to_lab
from colorize_lib.evaluation.scores import Extractor, Metric, Scores
from colorize_lib.inference import join

BROWN = (1.5, 8.0)  # Lab units: the mean of those that studies/color_counts.py counted
BLUR = 16  # pixels a side of the squares whose colors are averaged


def half_the_color(ab: Tensor) -> Tensor:
    """Right hues, half the chroma."""
    return ab / 2


def blurred(ab: Tensor) -> Tensor:
    """Right colors that run into one another, as of a network that sees little."""
    small = F.interpolate(ab, scale_factor=1 / BLUR, mode="area")
    return F.interpolate(small, ab.shape[2:], mode="bilinear")


def brown(ab: Tensor) -> Tensor:
    """The same brown everywhere, as of an old print."""
    color = torch.tensor(BROWN).to(ab) / AB_SCALE
    return color.view(1, 2, 1, 1).expand_as(ab)


def opposite(ab: Tensor) -> Tensor:
    """The opposite hue everywhere: red for green, blue for yellow."""
    return -ab


def of_another_picture(ab: Tensor) -> Tensor:
    """The colors of the picture before it in the batch: vivid, and out of place."""
    return ab.roll(1, dims=0)


# From ab to ab, normalized, (B, 2, H, W).
PROBES: dict[str, Callable[[Tensor], Tensor]] = {
    "right hues, half the color": half_the_color,
    f"right colors, blurred over {BLUR} px": blurred,
    "one brown for all": brown,
    "opposite hues": opposite,
    "another picture's colors": of_another_picture,
}


def evaluate_probes(
    pictures: Iterable[Tensor],
    *,
    metrics: Mapping[str, Metric] | None = None,
    features: Mapping[str, Extractor] | None = None,
) -> dict[str, Scores]:
    """Score the probes as :func:`.evaluate` scores colorizers.

    Args:
        pictures: batches of true pictures, uint8 ``(B, 3, H, W)``.
        metrics: as of :func:`.evaluate`.
        features: as of :func:`.evaluate`.

    Returns:
        The scores by name.
    """
    scores = {name: Scores() for name in PROBES}
    for truths in pictures:
        l, ab = normalize_lab(rgb_to_lab(truths))
        for name, probe in PROBES.items():
            scores[name].update(join(l, probe(ab)), truths, metrics, features)
    return scores

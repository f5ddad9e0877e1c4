"""Scores of colorizers on the same pictures, always beside those of the gray picture.

Scores are kept per image: so they add up exactly over batches and processes, two
colorizers can be compared image by image, and every mean has an interval. Taught in
chapter 3.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

import torch
from torch import Tensor

from colorize_lib import metrics
from colorize_lib.color import normalize_lab, rgb_to_lab
from colorize_lib.inference import join
from colorize_lib.slips import Named

GRAY, TRUTH = "gray (ab = 0)", "truth"

# Of pictures and truths, uint8 (B, 3, H, W), to (B,); of pictures alone to (B, F).
Metric = Callable[[Tensor, Tensor], Tensor]
Extractor = Callable[[Tensor], Tensor]

METRICS: dict[str, Metric] = Named(
    {
        "psnr": metrics.psnr,
        "ssim": metrics.ssim,
        "ciede2000": metrics.ciede2000,
        "ab_l1": metrics.ab_l1,
        "colorfulness": lambda pictures, truths: metrics.colorfulness(pictures),
        "colorfulness_abs": lambda pictures, truths: metrics.colorfulness_abs(pictures),
    },
    "METRICS",
)
# Of the table's columns, with the digits that intervals over hundreds of pictures bear.
HEADINGS = {
    "psnr": ("PSNR per image (dB) ↑", ".2f"),
    "ssim": ("SSIM ↑", ".3f"),
    "ciede2000": ("CIEDE2000 ↓", ".2f"),
    "ab_l1": ("L1 of ab, Lab units ↓", ".2f"),
    "colorfulness": ("colorfulness → truth", ".1f"),
}


@dataclass(frozen=True)
class Estimate:
    """A mean over images, and how far it can be trusted.

    The mean over other pictures of the kind would likely lie in ``low`` to ``high``.
    """

    mean: float
    low: float
    high: float

    def __format__(self, spec: str) -> str:
        return f"{self.mean:{spec}} [{self.low:{spec}}, {self.high:{spec}}]"


@dataclass
class Scores:
    """The scores of one colorizer, image by image.

    Attributes:
        values: for each metric a number per image, ``(n,)``.
        features: what a network sees in each picture, ``(n, F)``, or the class that it
            takes it for, ``(n,)``: from them follow scores of the whole set, or of any
            part of it, without another look at the pictures.
    """

    values: dict[str, Tensor] = field(default_factory=dict)
    features: dict[str, Tensor] = field(default_factory=dict)

    @property
    def count(self) -> int:
        """How many pictures were scored; 0 if there are no scores.

        Raises:
            ValueError: scores of different pictures were merged.
        """
        rows = self.values | self.features
        counts = {name: len(x) for name, x in rows.items()}
        if len(set(counts.values())) > 1:
            raise ValueError(f"not every score has every picture: {counts}")
        return max(counts.values(), default=0)

    def update(
        self,
        pictures: Tensor,
        truths: Tensor,
        metrics: Mapping[str, Metric] | None = None,
        features: Mapping[str, Extractor] | None = None,
    ) -> None:
        """Score more pictures, uint8 ``(B, 3, H, W)``, against the true ones.

        ``metrics`` and ``features`` as of :func:`evaluate`, the same at every call.
        """
        metrics = METRICS if metrics is None else metrics
        new = Scores(
            {name: score(pictures, truths).cpu() for name, score in metrics.items()},
            {name: see(pictures).cpu() for name, see in (features or {}).items()},
        )
        self.merge(new)

    def merge(self, other: "Scores") -> None:
        """Append what was scored elsewhere: in another batch, by another process."""
        pairs = ((self.values, other.values), (self.features, other.features))
        for mine, others in pairs:
            for name, x in others.items():
                mine[name] = torch.cat([mine.get(name, x[:0]), x])

    def means(self) -> dict[str, float]:
        """For each metric the mean over images, without its interval."""
        return {name: values.mean().item() for name, values in self.values.items()}

    def compute(self) -> dict[str, Estimate]:
        """For each metric the mean over images and its 95 % interval."""
        return {name: bootstrap(values) for name, values in self.values.items()}


def evaluate(
    colorizers: Mapping[str, Callable[[Tensor], Tensor]],
    pictures: Iterable[Tensor],
    *,
    known: Mapping[str, Scores] | None = None,
    metrics: Mapping[str, Metric] | None = None,
    features: Mapping[str, Extractor] | None = None,
) -> dict[str, Scores]:
    """Score colorizers on the same pictures.

    Each is given the true lightness alone; its colors are joined with that lightness,
    brought into the gamut at constant lightness and rounded to 8 bits, as a user would
    get them.

    Args:
        colorizers: by name, functions of l ``(B, 1, H, W)`` to ab ``(B, 2, H, W)``,
            normalized, such as ``functools.partial(predict_ab, network, size=128)``.
        pictures: batches of true pictures, uint8 ``(B, 3, H, W)``, on the device of the
            networks.
        known: rows of an earlier call with the very same pictures, such as gray and
            truth, which are not scored again.
        metrics: by name, functions of pictures and truths to ``(B,)``; ``METRICS`` by
            default, and with another one: ``METRICS | {"lpips": LPIPS("squeeze")}``.
        features: by name, functions of the pictures of a row to ``(B, F)`` or ``(B,)``,
            such as :class:`.PooledFeatures`. The truth is a row like the others.

    Returns:
        The scores by name, first of the gray picture, then of the colorizers in their
        order, last of the truth.

    Raises:
        ValueError: a known row is of more or fewer pictures, or lacks features.
    """
    rows = {GRAY: no_color, **colorizers}
    known = known or {}
    scores = {name: known.get(name) or Scores() for name in [*rows, TRUTH]}
    _refuse_without(features or {}, {n: scores[n] for n in known if n in scores})
    for truths in pictures:
        l, _ = normalize_lab(rgb_to_lab(truths))
        for name, colorizer in rows.items():
            if name not in known:
                scores[name].update(join(l, colorizer(l)), truths, metrics, features)
        if TRUTH not in known:
            scores[TRUTH].update(truths, truths, metrics, features)
    counts = {name: row.count for name, row in scores.items()}
    if len(set(counts.values())) > 1:
        raise ValueError(f"the known rows are of other pictures: {counts}")
    return scores


def no_color(l: Tensor) -> Tensor:
    """The colorizer of the gray row: l ``(B, 1, H, W)`` to zeros ``(B, 2, H, W)``."""
    return torch.zeros_like(l).repeat(1, 2, 1, 1)


def bootstrap(values: Tensor, resamples: int = 2000, seed: int = 0) -> Estimate:
    """The mean and its 95 % percentile interval over images (Efron 1979).

    The interval is about the choice of the pictures. How much another training seed
    would change the mean is another question, and only other trainings answer it.

    Args:
        values: ``(n,)``, one per image.

    Raises:
        ValueError: there is no picture.
    """
    if len(values) == 0:
        raise ValueError("no picture was scored: a mean of nothing has no interval")
    random = torch.Generator().manual_seed(seed)
    n, values = len(values), values.double()
    means = []
    for some in torch.arange(resamples).split(100):  # all at once would fill memory
        drawn = torch.randint(n, (len(some), n), generator=random)
        means.append(values[drawn].mean(dim=1))
    ends = torch.tensor([0.025, 0.975], dtype=torch.float64)
    low, high = torch.cat(means).quantile(ends)
    return Estimate(values.mean().item(), low.item(), high.item())


def paired_differences(scores: Scores, others: Scores) -> dict[str, Estimate]:
    """How much better or worse than ``others``, image by image, for each metric.

    Much sharper than comparing two intervals: a hard picture is hard for both.

    Raises:
        ValueError: the two were not scored on equally many pictures.
    """
    differences = {}
    for name, values in scores.values.items():
        if len(values) != len(others.values[name]):
            raise ValueError(
                f"{len(values)} pictures against {len(others.values[name])}"
            )
        differences[name] = bootstrap(values - others.values[name])
    return differences


def _refuse_without(features, known):
    for name, row in known.items():
        if missing := features.keys() - row.features.keys():
            raise ValueError(
                f"the known row {name!r} has no features {', '.join(sorted(missing))}: "
                "score it again with the others"
            )

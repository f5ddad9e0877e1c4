"""What methods make of things that have several true colors.

A photograph has one truth; a drawn scene's laws name them all, and how probable each
is. Taught in chapters 7, 8 and 10.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from copy import deepcopy

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from colorize_lib.color import AB_SCALE, normalize_lab
from colorize_lib.color_bins import soft_bins
from colorize_lib.evaluation.results import FOLDER
from colorize_lib.photos.batches import batches
from colorize_lib.scenes import LAWS, Scenes
from colorize_lib.training.recipes import Stage
from colorize_lib.training.train import method_of

SEVERAL = ("car", "roof", "balloon")  # two colors, two at 60 : 40, three
POINTS = ("mean", "median", "geometric_median")
COMMITTED = 10.0  # Lab units from a true color: taken for it
REACH = 15.0  # Lab units: soft bins give a color's neighbors a part of its probability


def train_on_scenes(
    network: nn.Module,
    stage: Stage,
    lab: Tensor,
    *,
    loss: str = "l1",
    seed: int = 0,
    device: torch.device | str = "cpu",
) -> nn.Module:
    """Train a copy of a network on drawn scenes, by one stage of a recipe.

    Args:
        network: l to ab, which stays as it is.
        stage: its size is that of random crops.
        lab: scenes ``(n, 3, H, W)``.
        loss: of a stage that is not adversarial.
        seed: of the order, the crops, and the adversary's first weights.
        device: where to train.

    Returns:
        The copy, in evaluation mode.

    Raises:
        ValueError: fewer scenes than a batch.
    """
    if len(lab) < stage.batch_size:
        raise ValueError(
            f"{len(lab)} scenes do not fill one batch of {stage.batch_size}"
        )
    torch.manual_seed(seed)
    network = deepcopy(network).to(device)
    adversary = stage.adversarial and stage.adversarial.adversary()
    steps = stage.epochs * (len(lab) // stage.batch_size)
    method = method_of(stage, network, adversary, steps, loss=loss, device=device)
    for epoch in range(stage.epochs):
        for batch in batches(
            lab,
            stage.batch_size,
            shuffle=True,
            drop_last=True,
            crop=stage.size,
            seed=seed,
            epoch=epoch,
            device=device,
        ):
            method.step(*normalize_lab(batch))
    return method.network.eval()


# ------------------------------------------------------------ of one color


def distances(ab: Tensor, scenes: Scenes) -> dict[str, dict[str, float]]:
    """How far the colors of things are from what each loss is drawn to.

    Args:
        ab: a network's answer to the scenes' lightness, normalized, ``(B, 2, H, W)``.
        scenes: whose kinds are known.

    Returns:
        For each kind of ``SEVERAL``, means over its pixels: the distance in Lab units
        to its law's ``mean``, ``median`` (channel-wise), ``geometric_median`` and
        nearest true color (``mode``); ``committed``, the share of pixels within
        ``COMMITTED`` of a true color; and ``commonest``, the share of those whose
        nearest true color is the one that is nearest to most: 1 if all are alike.
    """
    found = {}
    for kind in SEVERAL:
        law = LAWS[kind]
        colors = AB_SCALE * ab.permute(0, 2, 3, 1)[scenes.mask(kind).to(ab.device)]
        off = {
            name: (colors - getattr(law, name).to(ab)).norm(dim=1) for name in POINTS
        }
        to_modes = torch.cdist(colors, law.modes.to(colors))
        off["mode"], nearest = to_modes.min(dim=1)
        off["committed"] = (off["mode"] < COMMITTED).float()
        off["commonest"] = (nearest == nearest.mode().values).float()
        found[kind] = {name: values.mean().item() for name, values in off.items()}
    return found


def load_distances() -> list[dict]:
    """The stored distances: three seeds of each method.

    Returns:
        For each run its ``method``, ``seed``, ``minutes``, and what :func:`distances`
        found, by kind.
    """
    return json.loads((FOLDER / "landings.json").read_text())["runs"]


# Of a balloon all points differ; of the others, only nearness to a true color tells.
_COLUMNS = {
    "balloon: to mean": ("balloon", "mean"),
    "balloon: to median": ("balloon", "median"),
    "balloon: to geometric median": ("balloon", "geometric_median"),
    "balloon: to nearest true color": ("balloon", "mode"),
    "balloon: near the commonest": ("balloon", "commonest"),
    "car: to nearest true color": ("car", "mode"),
    "car: near the commonest": ("car", "commonest"),
    "roof: to nearest true color": ("roof", "mode"),
}


def distances_table(runs: Sequence[Mapping]) -> str:
    """A Markdown table of distances in Lab units, and of shares; a row a method.

    Each is a mean over seeds; where there are several, with the lowest and highest.
    """
    columns = {
        heading: (lambda run, k=kind, p=point: run[k][p], _digits(point))
        for heading, (kind, point) in _COLUMNS.items()
    }
    return _table(runs, columns)


# ------------------------------------------------------------ of several colors


def color_probabilities(
    logits: Tensor, scenes: Scenes, bins: Tensor
) -> dict[str, dict]:
    """How probable a network takes each true color to be.

    Args:
        logits: its answer to the scenes' lightness, ``(B, Q, H, W)``.
        scenes: of the same size, whose kinds are known.
        bins: ``(Q, 2)`` in Lab units.

    Returns:
        For each kind of ``SEVERAL``, means over its pixels: ``probabilities``, those
        within ``REACH`` of each color of its law, and ``off``, how far those of a
        single pixel are from the law's: the total variation distance, from 0 to 1.
    """
    probabilities = logits.softmax(dim=1).permute(0, 2, 3, 1)
    return {
        kind: _compared(probabilities[scenes.mask(kind).to(logits.device)], kind, bins)
        for kind in SEVERAL
    }


def expected_probabilities(
    bins: Tensor, weights: Tensor, *, divided: bool = False
) -> dict:
    """What :func:`color_probabilities` finds at the least loss that there can be.

    Each true color has its weight, and is shared among its nearest bins; a bin's
    probability is the weighted mean of these shares. Divided by the BIN's weight it is
    nearly the law's, but not quite: a neighbor of a true color has another weight.

    Args:
        bins: ``(Q, 2)`` in Lab units.
        weights: under which is learned, ``(Q,)``.
        divided: the weights are divided out again.
    """
    found = {}
    for kind in SEVERAL:
        law = LAWS[kind]
        nearest, shares = soft_bins(law.modes.T[None, :, None].to(bins), bins)
        nearest, shares = nearest[0, :, 0].T, shares[0, :, 0].T  # (colors, neighbors)
        of_each = torch.zeros(len(nearest), len(bins)).to(bins)
        of_each.scatter_(1, nearest, shares)
        true = torch.tensor(law.probabilities).to(bins)
        expected = (true * weights[nearest[:, 0]]) @ of_each
        expected = expected / weights if divided else expected
        found[kind] = _compared((expected / expected.sum())[None], kind, bins)
    return found


def load_probabilities() -> list[dict]:
    """The stored probabilities: three seeds of each training, each way to read it.

    Returns:
        For each its ``method``, ``seed``, ``minutes``, and what
        :func:`color_probabilities` found, by kind.
    """
    return json.loads((FOLDER / "probabilities.json").read_text())["runs"]


def load_color_counts() -> dict:
    """The stored counts of which colors photographs have.

    Returns:
        ``counts``, pixels in each of :func:`.gamut_bins`; ``pictures``, ``size``,
        ``mean_chroma`` in Lab units, ``data`` and ``date``.
    """
    return json.loads((FOLDER / "color-counts.json").read_text())


def probabilities_table(runs: Sequence[Mapping]) -> str:
    """A Markdown table in percent: the laws' probabilities, then those of each method.

    Each is a mean over seeds; where there are several, with the lowest and highest.
    """
    columns = {
        f"{kind}: {name}": (lambda run, k=kind, i=i: run[k]["probabilities"][i], ".0%")
        for kind in SEVERAL
        for i, name in enumerate(LAWS[kind].names)
    }
    truth = {kind: {"probabilities": LAWS[kind].probabilities} for kind in SEVERAL}
    return _table([{"method": "the truth", **truth}, *runs], columns)


def misplaced_table(runs: Sequence[Mapping]) -> str:
    """A Markdown table in percent: how much of a single pixel's is misplaced."""
    columns = {
        f"{kind}: misplaced": (lambda run, k=kind: run[k]["off"], ".0%")
        for kind in SEVERAL
    }
    return _table(runs, columns)


def _compared(probabilities, kind, bins):
    """Those of bins ``(n, Q)`` as those of a law's colors, and how far off they are."""
    law = LAWS[kind]
    apart = torch.cdist(bins, law.modes.to(bins))
    belongs = F.one_hot(apart.argmin(dim=1), len(law.names)) * (apart <= REACH)
    found = probabilities @ belongs.to(probabilities)
    missing = (found - torch.tensor(law.probabilities).to(found)).abs().sum(dim=1)
    elsewhere = 1 - found.sum(dim=1)
    off = (missing + elsewhere).mean() / 2
    return {"probabilities": found.mean(dim=0).tolist(), "off": off.item()}


def _table(runs, columns):
    methods = {}
    for run in runs:
        methods.setdefault(run["method"], []).append(run)
    lines = [f"| | {' | '.join(columns)} |", "|---" * (len(columns) + 1) + "|"]
    for method, seeds in methods.items():
        cells = [_cell(map(value, seeds), spec) for value, spec in columns.values()]
        lines.append(f"| {method} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _cell(values: Iterable[float], spec):
    values = list(values)
    text = f"{sum(values) / len(values):{spec}}"
    if len(values) == 1:
        return text
    return f"{text} ({min(values):{spec}} to {max(values):{spec}})"


def _digits(point):
    return ".0%" if point == "commonest" else ".1f"

"""Where a method lands, on things that have several true colors.

A photograph has one truth; a drawn scene's laws name them all. Taught in chapters 7
and 8.
"""

import json
from collections.abc import Sequence
from copy import deepcopy

import torch
from torch import Tensor, nn

from colorize_lib.color import AB_SCALE, normalize_lab
from colorize_lib.evaluation.results import FOLDER
from colorize_lib.photos.batches import batches
from colorize_lib.scenes import LAWS, Scenes
from colorize_lib.training.recipes import Stage
from colorize_lib.training.train import method_of

SEVERAL = ("car", "roof", "balloon")  # two colors, two at 60 : 40, three
POINTS = ("mean", "median", "geometric_median")
COMMITTED = 10.0  # Lab units from a true color: taken for it


def train_on_scenes(
    network: nn.Module,
    stage: Stage,
    lab: Tensor,
    *,
    loss: str = "l1",
    seed: int = 0,
    device: torch.device | str = "cpu",
) -> nn.Module:
    """Train a copy of a network on drawn scenes, by a stage, adversarial or not.

    Args:
        network: l to ab, which stays as it is.
        stage: its size is that of random crops.
        lab: scenes ``(n, 3, H, W)``.
        loss: of a stage that is not adversarial, see :func:`.train.method_of`.
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


def landing(ab: Tensor, scenes: Scenes) -> dict[str, dict[str, float]]:
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


def load_landings() -> list[dict]:
    """The stored landings of ``tools/land_on_scenes.py``: three seeds of each method.

    Returns:
        For each run its ``method``, ``seed``, ``minutes``, and what :func:`landing`
        found, by kind.
    """
    return json.loads((FOLDER / "landings.json").read_text())["runs"]


def landing_table(runs: Sequence[dict]) -> str:
    """A Markdown table of distances in Lab units, and of shares; a row a method.

    Each is a mean over seeds; where there are several, with the lowest and highest.

    Args:
        runs: as of :func:`load_landings`.
    """
    heads = [f"{kind}: {COLUMNS[column]}" for kind, column in _CELLS]
    lines = [f"| | {' | '.join(heads)} |", "|---" * (len(heads) + 1) + "|"]
    for method in dict.fromkeys(run["method"] for run in runs):
        seeds = [run for run in runs if run["method"] == method]
        cells = [
            _cell([run[k][column] for run in seeds], column) for k, column in _CELLS
        ]
        lines.append(f"| {method} | {' | '.join(cells)} |")
    return "\n".join(lines)


COLUMNS = {
    "mean": "to mean",
    "median": "to median",
    "geometric_median": "to geometric median",
    "mode": "to nearest true color",
    "commonest": "near the commonest",
}
# Of a balloon all points differ; of the others, only nearness to a true color tells.
_CELLS = [("balloon", column) for column in COLUMNS]
_CELLS += [("car", "mode"), ("car", "commonest"), ("roof", "mode")]


def _cell(values, column):
    spec = ".0%" if column == "commonest" else ".1f"
    text = f"{sum(values) / len(values):{spec}}"
    if len(values) == 1:
        return text
    return f"{text} ({min(values):{spec}} to {max(values):{spec}})"

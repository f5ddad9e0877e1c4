"""Which odds a classifier gives the true colors of things that have several.

Taught in chapter 10.
"""

import json
from collections.abc import Mapping

import torch
from torch import Tensor
from torch.nn import functional as F

from colorize_lib.color_bins import soft_bins
from colorize_lib.evaluation.results import FOLDER
from colorize_lib.experiments.on_scenes import SEVERAL
from colorize_lib.scenes import LAWS, Scenes

REACH = 15.0  # Lab units: soft bins give a true color's neighbors a part of its odds


def color_probabilities(
    logits: Tensor, scenes: Scenes, bins: Tensor
) -> dict[str, dict]:
    """How probable a network takes each true color to be.

    Args:
        logits: its answer to the scenes' lightness, ``(B, Q, H, W)``.
        scenes: of the same size, whose kinds are known.
        bins: ``(Q, 2)`` in Lab units.

    Returns:
        For each kind of ``SEVERAL``, means over its pixels: ``odds``, the probability
        within ``REACH`` of each color of its law, and ``off``, how far the odds of a
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

    Each true color has its weight, and is shared among its nearest bins. The odds of a
    bin are the mean of these shares, weighted. Divided by the BIN's weight they are
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
        odds = (torch.tensor(law.odds).to(bins) * weights[nearest[:, 0]]) @ of_each
        odds = odds / weights if divided else odds
        found[kind] = _compared((odds / odds.sum())[None], kind, bins)
    return found


def load_probabilities() -> list[dict]:
    """The stored odds of ``studies/probabilities.py``: three seeds of each training.

    Returns:
        For each run and each way to read it its ``method``, ``seed``, ``minutes``, and
        what :func:`color_probabilities` found, by kind.
    """
    return json.loads((FOLDER / "probabilities.json").read_text())["runs"]


def load_color_counts() -> dict:
    """The stored counts of ``studies/color_counts.py``: which colors photographs have.

    Returns:
        ``counts``, pixels in each of :func:`.gamut_bins`; ``pictures``, ``size``,
        ``mean_chroma`` in Lab units, ``data`` and ``date``.
    """
    return json.loads((FOLDER / "color-counts.json").read_text())


def probabilities_table(runs: list[Mapping]) -> str:
    """A Markdown table in percent: the laws' odds, then those of each method.

    Each is a mean over seeds; where there are several, with the lowest and highest.

    Args:
        runs: as of :func:`load_probabilities`.
    """
    cells = [(kind, i) for kind in SEVERAL for i in range(len(LAWS[kind].odds))]
    heads = [f"{kind}: {LAWS[kind].names[i]}" for kind, i in cells]
    true = [f"{LAWS[kind].odds[i]:.0%}" for kind, i in cells]
    values = [lambda run, k=kind, i=i: run[k]["odds"][i] for kind, i in cells]
    return _table(heads, {"the truth": true} | _rows(runs, values))


def misplaced_table(runs: list[Mapping]) -> str:
    """A Markdown table in percent: how much of a single pixel's odds is misplaced.

    Args:
        runs: as for :func:`probabilities_table`.
    """
    heads = [f"{kind}: misplaced" for kind in SEVERAL]
    return _table(heads, _rows(runs, [lambda run, k=k: run[k]["off"] for k in SEVERAL]))


def _rows(runs, values):
    methods = {}
    for run in runs:
        methods.setdefault(run["method"], []).append(run)
    return {
        method: [_percent([value(run) for run in seeds]) for value in values]
        for method, seeds in methods.items()
    }


def _table(heads, rows):
    lines = [f"| | {' | '.join(heads)} |", "|---" * (len(heads) + 1) + "|"]
    lines += [f"| {name} | {' | '.join(cells)} |" for name, cells in rows.items()]
    return "\n".join(lines)


def _compared(probabilities, kind, bins):
    """Odds of bins ``(n, Q)`` as odds of a law's colors, and how far off they are."""
    law = LAWS[kind]
    apart = torch.cdist(bins, law.modes.to(bins))
    belongs = F.one_hot(apart.argmin(dim=1), len(law.odds)) * (apart <= REACH)
    odds = probabilities @ belongs.to(probabilities)
    missing = (odds - torch.tensor(law.odds).to(odds)).abs().sum(dim=1)
    elsewhere = 1 - odds.sum(dim=1)
    off = (missing + elsewhere).mean() / 2
    return {"odds": odds.mean(dim=0).tolist(), "off": off.item()}


def _percent(values):
    text = f"{sum(values) / len(values):.0%}"
    if len(values) == 1:
        return text
    return f"{text} ({min(values):.0%} to {max(values):.0%})"

"""Networks or methods compared fairly: same pictures, same order, several seeds.

Taught in chapter 5.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path

import torch
from torch import nn

from colorize_lib.evaluation.choose import score_on_test
from colorize_lib.evaluation.results import load_result, read_result, save_result
from colorize_lib.evaluation.scores import GRAY, HEADINGS, TRUTH, Scores
from colorize_lib.photos.collection import Pictures
from colorize_lib.training.recipes import Recipe
from colorize_lib.training.train import train, untrained


@dataclass(frozen=True)
class Run:
    """One network, trained once."""

    variant: str
    seed: int
    network: nn.Module | None  # None of a run that was loaded
    history: list[dict]
    scores: dict[str, Scores]  # of gray, the network (under its variant) and truth


def compare(
    variants: Mapping[str, Callable[[], nn.Module]],
    recipe: Recipe,
    pictures: Pictures,
    folder: Path,
    *,
    size: int,
    seeds: Iterable[int] = (0, 1, 2),
    device: torch.device | str = "cpu",
    show_progress: bool = True,
) -> list[Run]:
    """Train each variant with each seed by the same recipe, and score them all.

    A seed decides first weights, order and augmentation; the photographs and their
    split are the same for all. What is finished is not done again: after an
    interruption the same call goes on.

    Args:
        variants: by name, what makes a network with fresh weights.
        recipe: its stages, loss and weight decay; name, network and seed are replaced.
        pictures: what to learn from, validate and test on.
        folder: of these runs; each gets a folder inside.
        size: pixels of the shorter side that the networks see of test photographs.
        seeds: of the runs; an outer loop, so that one seed of all variants comes first.
        device: where to train.
        show_progress: bars.

    Raises:
        ValueError, TrainingDivergedError, KeyboardInterrupt: see :func:`.train.train`.
    """
    recipes = {
        variant: (replace(recipe, network=variant), make)
        for variant, make in variants.items()
    }
    return _runs(recipes, pictures, folder, size, seeds, device, show_progress)


def compare_recipes(
    recipes: Mapping[str, Recipe],
    pictures: Pictures,
    folder: Path,
    *,
    size: int,
    seeds: Iterable[int] = (0, 1, 2),
    device: torch.device | str = "cpu",
    show_progress: bool = True,
) -> list[Run]:
    """Like :func:`compare`, but of recipes: each makes its own network.

    Whether they have the same budget is for the recipes to say.
    """
    recipes = {
        variant: (recipe, partial(untrained, recipe))
        for variant, recipe in recipes.items()
    }
    return _runs(recipes, pictures, folder, size, seeds, device, show_progress)


def run_folder(folder: Path, variant: str, seed: int) -> Path:
    """Where a comparison in ``folder`` keeps the training of a variant by one seed."""
    label = re.sub(r"\W+", "-", variant)
    return Path(folder) / f"{label}-seed{seed}"


def _runs(recipes, pictures, folder, size, seeds, device, show_progress):
    runs = []
    for seed in seeds:
        for variant, (recipe, make) in recipes.items():
            home = run_folder(folder, variant, seed)
            its = replace(recipe, name=variant, seed=seed)
            torch.manual_seed(seed)
            network, history = train(
                its,
                pictures,
                home,
                network=make(),
                device=device,
                show_progress=show_progress,
            )
            path = home / "result.json"
            if not path.exists() or read_result(path)["size"] != size:
                scores = score_on_test(
                    network,
                    pictures,
                    name=variant,
                    size=size,
                    device=device,
                    known={row: runs[0].scores[row] for row in (GRAY, TRUTH) if runs},
                )
                save_result(path, scores, history, recipe=asdict(its), size=size)
            runs.append(
                Run(variant, seed, network, history, read_result(path)["scores"])
            )
    return runs


def save_comparison(path: Path, runs: Iterable[Run], **about: object) -> None:
    """Write the scores of all runs, picture by picture, as a result file.

    Args:
        path: ends in ``.json``.
        runs: of :func:`compare` or :func:`compare_recipes`.
        about: as for :func:`.save_result`.
    """
    runs = list(runs)
    scores = {GRAY: runs[0].scores[GRAY]}
    scores |= {_label(run): run.scores[run.variant] for run in runs}
    scores |= {TRUTH: runs[0].scores[TRUTH]}
    history = [
        {"variant": run.variant, "seed": run.seed} | line
        for run in runs
        for line in run.history
    ]
    listed = [(run.variant, run.seed) for run in runs]
    save_result(path, scores, history, runs=listed, **about)


def load_comparison(name: str) -> tuple[list[Run], dict]:
    """The stored runs of a comparison, without their networks, and all about them.

    Raises:
        FileNotFoundError: there is none under that name.
    """
    result = load_result(name)
    scores, runs = result["scores"], []
    for variant, seed in result["runs"]:
        run = Run(variant, seed, None, [], {})
        rows = {GRAY: scores[GRAY], variant: scores[_label(run)], TRUTH: scores[TRUTH]}
        lines = [
            line
            for line in result["history"]
            if (line["variant"], line["seed"]) == (variant, seed)
        ]
        runs.append(replace(run, history=lines, scores=rows))
    return runs, result


def mean_over_seeds(runs: Iterable[Run]) -> dict[str, Scores]:
    """The scores of each variant, averaged over its seeds picture by picture.

    Returns:
        As of :func:`.evaluate`: gray first, truth last. The intervals of these scores
        are over pictures alone.
    """
    rows = {}
    for run in runs:
        rows.setdefault(GRAY, run.scores[GRAY])
        rows.setdefault(run.variant, []).append(run.scores[run.variant].values)
    averaged = {
        name: row if isinstance(row, Scores) else Scores(_average(row))
        for name, row in rows.items()
    }
    return averaged | {TRUTH: run.scores[TRUTH]}


def seeds_table(runs: Iterable[Run]) -> str:
    """A Markdown table with both sorts of doubt, which are different things.

    In brackets the 95 % interval over pictures of the mean over seeds, and after it the
    lowest and the highest seed: what another start can do to the mean.
    """
    runs = list(runs)
    lines = ["| | " + " | ".join(heading for heading, _ in HEADINGS.values()) + " |"]
    lines.append("|---" * (len(HEADINGS) + 1) + "|")
    for name, row in mean_over_seeds(runs).items():
        cells = row.compute()
        means = [r.scores[name].means() for r in runs if r.variant == name]
        texts = [
            f"{cells[metric]:{spec}}" + _spread([m[metric] for m in means], spec)
            for metric, (_, spec) in HEADINGS.items()
        ]
        lines.append(f"| {name} | " + " | ".join(texts) + " |")
    return "\n".join(lines)


def _label(run):
    return f"{run.variant}, seed {run.seed}"


def _average(seeds):
    return {
        name: torch.stack([values[name] for values in seeds]).mean(0)
        for name in seeds[0]
    }


def _spread(means, spec):
    if len(means) < 2:
        return ""
    return f" seeds {min(means):{spec}} to {max(means):{spec}}"

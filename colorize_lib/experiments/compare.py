"""Networks or methods compared fairly: same pictures, same order, several seeds.

Taught in chapter 5.
"""

import re
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

import torch
from torch import nn

from colorize_lib.evaluation.choose import score_on_test
from colorize_lib.evaluation.results import load_result, read_result, save_result
from colorize_lib.evaluation.scores import GRAY, HEADINGS, TRUTH, Metric, Scores
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


@dataclass(frozen=True)
class Comparison:
    """The runs of several variants, each with several seeds.

    Attributes:
        runs: in the order in which they were trained.
        about: what a stored comparison says of itself: minutes, device, date...
    """

    runs: list[Run]
    about: dict = field(default_factory=dict)

    @classmethod
    def load(cls, name: str) -> "Comparison":
        """The comparison stored under a name, without its networks.

        Raises:
            FileNotFoundError: there is none.
        """
        return cls._of(load_result(name))

    @classmethod
    def read(cls, path: Path) -> "Comparison":
        """The comparison of a result file, likewise."""
        return cls._of(read_result(path))

    @classmethod
    def _of(cls, result):
        runs = []
        for variant, seed in result["runs"]:
            which = {"variant": variant, "seed": seed}
            lines = [x for x in result["history"] if which.items() <= x.items()]
            scores = {GRAY: result["scores"][GRAY]}
            scores[variant] = result["scores"][f"{variant}, seed {seed}"]
            scores[TRUTH] = result["scores"][TRUTH]
            runs.append(Run(variant, seed, None, lines, scores))
        return cls(runs, result)

    def save(self, path: Path, **about: object) -> None:
        """Write the scores of all runs, image by image, as a result file."""
        first, scores = self.runs[0].scores, {}
        for run in self.runs:
            scores[f"{run.variant}, seed {run.seed}"] = run.scores[run.variant]
        history = [
            {"variant": run.variant, "seed": run.seed} | line
            for run in self.runs
            for line in run.history
        ]
        listed = [(run.variant, run.seed) for run in self.runs]
        rows = {GRAY: first[GRAY], **scores, TRUTH: first[TRUTH]}
        save_result(path, rows, history, runs=listed, **about)

    def __add__(self, other: "Comparison") -> "Comparison":
        return Comparison(self.runs + other.runs, self.about)

    def of(self, variants: Collection[str]) -> "Comparison":
        """The runs of these variants alone."""
        runs = [run for run in self.runs if run.variant in variants]
        return replace(self, runs=runs)

    def by_seed(self, variant: str) -> list[dict[str, float]]:
        """The mean scores of each seed of a variant."""
        runs = [run for run in self.runs if run.variant == variant]
        return [run.scores[variant].means() for run in runs]

    def scores(self) -> dict[str, Scores]:
        """The scores of each variant, averaged over its seeds image by image.

        As of :func:`.evaluate`: gray first, truth last. The intervals of these scores
        are over images alone.
        """
        first, rows = self.runs[0].scores, {}
        for run in self.runs:
            rows.setdefault(run.variant, []).append(run.scores[run.variant].values)
        averaged = {name: Scores(_average(seeds)) for name, seeds in rows.items()}
        return {GRAY: first[GRAY], **averaged, TRUTH: first[TRUTH]}

    def markdown(self) -> str:
        """A table with both sorts of doubt, which are different things.

        In brackets the 95 % interval over images of the mean over seeds, and after it
        the lowest and the highest seed: what another start can do to the mean.
        """
        lines = [
            "| | " + " | ".join(heading for heading, _ in HEADINGS.values()) + " |"
        ]
        lines.append("|---" * (len(HEADINGS) + 1) + "|")
        for name, row in self.scores().items():
            cells, means = row.compute(), self.by_seed(name)
            texts = [
                f"{cells[metric]:{spec}}" + _spread([m[metric] for m in means], spec)
                for metric, (_, spec) in HEADINGS.items()
            ]
            lines.append(f"| {name} | " + " | ".join(texts) + " |")
        return "\n".join(lines)


def compare(
    recipes: Mapping[str, Recipe],
    pictures: Pictures,
    folder: Path,
    *,
    size: int,
    networks: Mapping[str, Callable[[], nn.Module]] | None = None,
    seeds: Iterable[int] = (0, 1, 2),
    metrics: Mapping[str, Metric] | None = None,
    device: torch.device | str = "cpu",
    show_progress: bool = True,
) -> Comparison:
    """Train by each recipe with each seed, and score all networks on the test images.

    A seed decides first weights, order and augmentation; the photographs and their
    split are the same for all. What is finished is not done again: after an
    interruption the same call goes on. Whether the recipes have the same budget is for
    them to say.

    Args:
        recipes: by variant; their names and seeds are replaced.
        pictures: what to learn from, validate and test on.
        folder: of these runs; each gets a folder inside.
        size: pixels of the shorter side that the networks see of test photographs.
        networks: by variant, what makes a network with fresh weights; by default each
            recipe makes its own.
        seeds: an outer loop, so that one seed of all variants comes first.
        metrics: as of :func:`.evaluate`.
        device: where to train.
        show_progress: bars.

    Raises:
        ValueError, TrainingDivergedError: see :func:`.train`.
    """
    runs = []
    for seed in seeds:
        for variant, recipe in recipes.items():
            recipe = replace(recipe, name=variant, seed=seed)
            home = run_folder(folder, variant, seed)
            torch.manual_seed(seed)
            network = networks[variant]() if networks else untrained(recipe)
            network, history = train(
                recipe,
                pictures,
                home,
                network=network,
                device=device,
                show_progress=show_progress,
            )
            path, known = home / "result.json", runs[0].scores if runs else {}
            if not path.exists() or read_result(path)["size"] != size:
                scores = score_on_test(
                    network,
                    pictures,
                    name=variant,
                    size=size,
                    device=device,
                    known={row: known[row] for row in (GRAY, TRUTH) if known},
                    metrics=metrics,
                )
                save_result(path, scores, history, recipe=asdict(recipe), size=size)
            scores = read_result(path)["scores"]
            runs.append(Run(variant, seed, network, history, scores))
    return Comparison(runs)


def run_folder(folder: Path, variant: str, seed: int) -> Path:
    """Where a comparison in ``folder`` keeps the training of a variant by one seed."""
    label = re.sub(r"\W+", "-", variant)
    return Path(folder) / f"{label}-seed{seed}"


def _average(seeds):
    return {name: torch.stack([x[name] for x in seeds]).mean(0) for name in seeds[0]}


def _spread(means, spec):
    if len(means) < 2:
        return ""
    return f" seeds {min(means):{spec}} to {max(means):{spec}}"

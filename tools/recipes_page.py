"""Write book/all-recipes.md: every recipe, and what its trial at a reduced size gave.

    python tools/recipes_page.py

Its numbers come from results/trials.json (tools/try_recipes.py)."""

import json
from pathlib import Path

from try_recipes import TRIALS

from colorize_lib.evaluation.results import FOLDER
from colorize_lib.evaluation.scores import GRAY
from colorize_lib.files import replacing
from colorize_lib.training.pix2pix import Pix2PixSettings
from colorize_lib.training.recipes import RECIPES
from colorize_lib.training.wgan_gp import WGANGPSettings

PAGE = Path(__file__).parent.parent / "book" / "all-recipes.md"
INTRODUCTION = """\
# Recipes

<!-- Made by tools/recipes_page.py; change that, and run it again. -->

A recipe says how a network is trained: which one, on what, at which sizes, for how long, by
which loss or in which game, each value with its reason beside it in
`colorize_lib/training/recipes.py`. `colorize recipes` lists them, and

```
colorize train NAME --data photos/ --folder runs/mine
```

follows one; {doc}`several-gpus` tells how on more than one GPU. What the book's own ones
give at full size is in the chapters. The others are systems that somebody else described,
built here by their description; where that was silent, we chose, and say so.
"""
ABOUT_TRIALS = """\
## Do they run?

The recipes of the book's models and attempts were run as they are; those scores are in the
chapters and in `results/`. Each of the others was run to its end at a reduced size, on
some pictures of its own kind, by `tools/try_recipes.py`.

**A trial shows that a recipe works, not how good it is**: few of them saw more than a
few thousand pictures. The numbers in brackets are those of the gray pictures. The scores
are means over held-out pictures of the same collection, enlarged to 256 pixels where they
are smaller; they must not be compared from one collection to another. PSNR in dB;
colorfulness beside that of the true pictures. The weights of InceptionResNetV2 and
ResNet18 could not be had: `lfw-fusion` and `coco-pix2pix` were tried with random ones.

"""
COLUMNS = (
    "recipe | pictures | stages, px x epochs | minutes | test pictures | PSNR | "
    "CIEDE2000 | colorfulness"
)


def main() -> None:
    with replacing(PAGE) as file:
        file.write(page().encode())


def page() -> str:
    """The whole page, from the recipes and the result file alone."""
    parts = [INTRODUCTION]
    for name, recipe in RECIPES.items():
        stages = ", then ".join(_stage(stage, recipe.loss) for stage in recipe.stages)
        parts.append(f"## {name}\n\n{recipe.about}\n\n`{recipe.network}`: {stages}.\n")
    tried = json.loads((FOLDER / "trials.json").read_text())
    lines = [f"| {COLUMNS} |", "|---" * (COLUMNS.count("|") + 1) + "|"]
    lines += [_row(name, tried[name]) for name in RECIPES if name in tried]
    missing = [name for name in TRIALS if name not in tried]
    lines += ["", f"Not tried yet: {', '.join(missing)}."] if missing else []
    one = next(iter(tried.values()))
    where = f"All on {one['device']}, torch {one['versions']['torch']}."
    return "\n".join([*parts, ABOUT_TRIALS + "\n".join(lines), "", where, ""])


LOSSES = {
    "l1": "L1",
    "l2": "L2",
    "classes": "odds of colors",
    "rebalanced_classes": "odds of colors, rare ones weighted up",
}
GAMES = {Pix2PixSettings: "a game of pix2pix", WGANGPSettings: "a game of WGAN-GP"}


def _stage(stage, loss):
    how = LOSSES[loss] if stage.adversarial is None else GAMES[type(stage.adversarial)]
    epochs = "epoch" if stage.epochs == 1 else "epochs"
    return (
        f"{stage.epochs} {epochs} at {stage.size} pixels, batches of "
        f"{stage.batch_size}, {how}"
    )


def _row(name, run):
    summary = run["summary"]
    ours = next(row for row in summary if row not in (GRAY, "truth"))
    ours, gray, truth = summary[ours], summary[GRAY], summary["truth"]
    stages = ", ".join(f"{size} x {epochs}" for size, epochs in run["stages"])
    cells = [
        name,
        run["pictures"],
        stages,
        f"{run['minutes']:.0f}",
        str(run["test"]),
        f"{ours['psnr']['mean']:.2f} ({gray['psnr']['mean']:.2f})",
        f"{ours['ciede2000']['mean']:.2f} ({gray['ciede2000']['mean']:.2f})",
        f"{ours['colorfulness']['mean']:.1f} of {truth['colorfulness']['mean']:.1f}",
    ]
    return f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    main()

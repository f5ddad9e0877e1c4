"""``colorize recipes``: every recipe, what it is made for and what it costs."""

import argparse
import textwrap
from collections.abc import Sequence

from colorize_lib.training.pix2pix import Pix2PixSettings
from colorize_lib.training.recipes import RECIPES, Recipe, Stage

EPILOG = """\
follow one with `colorize train NAME --folder FOLDER`, on photographs of your own with
--data DIR; a quick trial of it with --at-most-size 64 --at-most-epochs 1
"""


def main(arguments: Sequence[str]) -> int:
    """Print the list; exit code 0."""
    argparse.ArgumentParser(
        prog="colorize recipes",
        description="List the book's recipes for training a colorizer.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    ).parse_args(arguments)
    print("\n\n".join(_described(recipe) for recipe in RECIPES.values()))
    print(f"\n{EPILOG}", end="")
    return 0


def _described(recipe: Recipe) -> str:
    about = textwrap.fill(recipe.about, 88, initial_indent="  ", subsequent_indent="  ")
    stages = "\n".join(f"  - {_stage(stage, recipe)}" for stage in recipe.stages)
    made_for = f"network {recipe.network}, made for {recipe.collection}"
    return f"{recipe.name}\n{about}\n  {made_for}\n{stages}"


def _stage(stage: Stage, recipe: Recipe) -> str:
    epochs = f"{stage.epochs} epoch{'s' if stage.epochs > 1 else ''}"
    return (
        f"{epochs} at {stage.size} px, batches of {stage.batch_size}, "
        f"learning rate {stage.learning_rate:g}, {_method(stage, recipe)}"
    )


def _method(stage, recipe):
    settings = stage.adversarial
    if settings is None:
        return recipe.loss.upper()
    if isinstance(settings, Pix2PixSettings):
        return f"pix2pix with {settings.l1_weight:g} x L1"
    turns = f"{settings.critic_steps} : {settings.generator_steps}"
    weight = f"{settings.l1_weight:g} x L1 (for {settings.l1_weight_for} px)"
    return f"WGAN-GP, critic to generator {turns}, with {weight}"

"""The command ``colorize``."""

import sys
from collections.abc import Sequence

from colorize_lib.cli import evaluate, models, photos, recipes, train

COMMANDS = {
    "evaluate": evaluate.main,
    "models": models.main,
    "recipes": recipes.main,
    "train": train.main,
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command that the first argument names; without one, color photographs."""
    arguments = list(sys.argv[1:] if arguments is None else arguments)
    if arguments and arguments[0] in COMMANDS:
        return COMMANDS[arguments[0]](arguments[1:])
    return photos.main(arguments)

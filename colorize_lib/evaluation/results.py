"""Results of trained models as JSON files: scores, and what it takes to repeat them."""

import json
import platform
import subprocess
from collections.abc import Mapping
from contextlib import suppress
from datetime import date
from pathlib import Path

import torch

from colorize_lib.evaluation.scores import Scores
from colorize_lib.files import replacing
from colorize_lib.slips import did_you_mean

# Beside the package in a checkout; an installed package has none.
FOLDER = Path(__file__).parents[2] / "results"


def save_result(
    path: Path, scores: Mapping[str, Scores], history: list[dict], **about: object
) -> None:
    """Write one trained model's result.

    Args:
        path: ends in ``.json``.
        scores: of :func:`.evaluate`, by row. The numbers of every image are kept, so
            that models can be compared image by image later.
        history: the lines of all epochs.
        about: data, recipe, command, seed, minutes, protocol... as plain values. The
            commit, versions and date are added.
    """
    summary = {
        name: {metric: vars(estimate) for metric, estimate in row.compute().items()}
        for name, row in scores.items()
    }
    every_picture = {
        name: {metric: _rounded(values) for metric, values in row.values.items()}
        for name, row in scores.items()
    }
    result = about | {
        "commit": _commit(),
        "versions": {"python": platform.python_version(), "torch": torch.__version__},
        "date": date.today().isoformat(),
        "summary": summary,
        "history": history,
        "scores": every_picture,
    }
    lines = [f"{json.dumps(key)}: {json.dumps(value)}" for key, value in result.items()]
    with replacing(path) as file:
        file.write(("{\n" + ",\n".join(lines) + "\n}\n").encode())


def load_result(name: str) -> dict:
    """Read the stored result of a model; its ``scores`` are :class:`.Scores` by row.

    Raises:
        FileNotFoundError: there is none under that name.
    """
    path = FOLDER / f"{name}.json"
    if not path.is_file():
        stored = sorted(file.stem for file in FOLDER.glob("*.json"))
        raise FileNotFoundError(
            f"no stored result {name!r}; there are: {', '.join(stored) or 'none'}"
            f"{did_you_mean(name, stored)}"
        )
    return read_result(path)


def read_result(path: Path) -> dict:
    """Read a result file; its ``scores`` become :class:`.Scores` by row."""
    result = json.loads(path.read_text())
    result["scores"] = {
        name: Scores({metric: torch.tensor(values) for metric, values in row.items()})
        for name, row in result["scores"].items()
    }
    return result


def _rounded(values):
    return [round(value, 4) for value in values.tolist()]


def _commit():
    command = ["git", "describe", "--always", "--dirty"]
    folder = Path(__file__).parent
    with suppress(OSError):
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
        return done.stdout.strip() or None
    return None

"""The sheets of ``colorize evaluate``: failures, and models side by side."""

import math
import sys
from collections.abc import Mapping
from pathlib import Path

import torch

from colorize_lib.color import normalize_lab, rgb_to_lab
from colorize_lib.evaluation.scores import GRAY, TRUTH, Scores, no_color
from colorize_lib.evaluation.sheets import (
    contact_sheet,
    random_failures,
    random_rows,
    reduced,
)
from colorize_lib.files import replacing
from colorize_lib.inference import Colorizer, join, predict_ab
from colorize_lib.photos import PreparedSet

FAILURES, SIDE_BY_SIDE = 24, 50  # pictures
BATCH = 4  # colored at a time


def sheet_files(folder: Path) -> tuple[Path, Path]:
    """Where the sheets go: of failures, and of random pictures."""
    return folder / "failures.png", folder / "side-by-side.png"


def save_sheets(
    folder: Path,
    colorizers: Mapping[str, Colorizer],
    pictures: PreparedSet,
    scores: Mapping[str, Scores],
    *,
    seed: int,
    device: str,
) -> None:
    """Draw pictures for both sheets, color them again, and save the sheets as PNG.

    Args:
        folder: where they go.
        colorizers: by row.
        pictures: that were scored.
        scores: of :func:`.evaluate`, in the order of the pictures.
        seed: of what is drawn.
        device: where the networks lie.
    """
    first, *others = colorizers
    errors, n = scores[first].values["ciede2000"], len(pictures)
    failures = random_failures(errors, FAILURES, seed=seed)
    fair = random_rows(n, SIDE_BY_SIDE, seed=seed)
    titles = (
        f"Failures of {first}: {len(failures)} of the {math.ceil(n / 10):,} pictures with "
        f"its highest CIEDE2000, the worst tenth of {n:,}, drawn at random (seed {seed}), "
        "the worst first."
        + (" Chosen by its errors, they flatter the others." if others else ""),
        f"{len(fair)} of {n:,} pictures, drawn at random (seed {seed}).",
    )
    sheets = zip(sheet_files(folder), (failures, fair), titles, strict=True)
    for file, rows, title in sheets:
        shown = _recolored(colorizers, pictures, rows, device)
        notes = {
            name: [f"CIEDE2000 {x:.1f}" for x in scores[name].values["ciede2000"][rows]]
            for name in [GRAY, *colorizers]
        }
        notes[TRUTH] = [Path(pictures.names[row]).name for row in rows]
        with replacing(file) as opened:
            contact_sheet(shown, notes, title=title).save(opened, "PNG")
        print(f"{file} is ready", file=sys.stderr)


def _recolored(colorizers, pictures, rows, device):
    """Some pictures in all versions, reduced at once: large ones would fill memory."""
    shown = {name: [] for name in [GRAY, *colorizers, TRUTH]}
    for some in rows.split(BATCH):
        truths = torch.from_numpy(pictures[some.numpy()]).to(device)
        l, _ = normalize_lab(rgb_to_lab(truths))
        shown[GRAY].append(reduced(join(l, no_color(l))))
        for name, colorizer in colorizers.items():
            ab = predict_ab(colorizer.network, l, colorizer.size)
            shown[name].append(reduced(join(l, ab)))
        shown[TRUTH].append(reduced(truths))
    return {name: torch.cat(parts) for name, parts in shown.items()}

"""Contact sheets of recolored photographs: to look at, where a table only counts.

Which pictures a sheet shows is drawn at random from a seed, never chosen by hand.
"""

import math
import sys
import textwrap
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path

import torch
from PIL import Image, ImageDraw, ImageFont
from torch import Tensor
from torch.nn import functional as F

from colorize_lib.color import normalize_lab, rgb_to_lab
from colorize_lib.evaluation.scores import GRAY, TRUTH, Scores, no_color
from colorize_lib.files import replacing
from colorize_lib.inference import Colorizer, join, predict_ab
from colorize_lib.photos import PreparedSet

FAILURES, SIDE_BY_SIDE = 24, 50  # pictures
BATCH = 4  # colored at a time
SIDE = 144  # pixels of a picture on a sheet
GAP, LINE = 8, 18  # pixels between pictures, and of a line of text
CHARACTERS = 22  # of a line below a picture: what is longer is cut
RATIO = 3 / 4  # of a sheet's width to its height, about


def sheet_files(folder: Path) -> tuple[Path, Path]:
    """Where the sheets go: of failures, and of random pictures."""
    return folder / "failures.png", folder / "side-by-side.png"


def save_sheets(
    folder: Path,
    colorizers: Mapping[str, Colorizer],
    pictures: PreparedSet,
    scores: Mapping[str, Scores],
    device: torch.device | str = "cpu",
    *,
    seed: int = 0,
) -> None:
    """Draw pictures for both sheets, color them again, and save the sheets as PNG.

    Args:
        folder: where they go.
        colorizers: by row, on ``device``; the failures are those of the first.
        pictures: that were scored.
        scores: of :func:`.evaluate`, in the order of the pictures.
        device: where the networks lie.
        seed: of what is drawn.
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


def random_rows(count: int, at_most: int, *, seed: int) -> Tensor:
    """Rows of ``count`` pictures drawn at random, at most so many, in rising order."""
    generator = torch.Generator().manual_seed(seed)
    return torch.randperm(count, generator=generator)[:at_most].sort().values


def random_failures(errors: Tensor, at_most: int, *, seed: int) -> Tensor:
    """Rows drawn at random from the tenth with the highest errors, the worst first."""
    worst = errors.argsort(descending=True, stable=True)[: math.ceil(len(errors) / 10)]
    return worst[random_rows(len(worst), at_most, seed=seed)]


def reduced(pictures: Tensor, side: int = SIDE) -> Tensor:
    """Pictures as a sheet shows them: uint8 ``(B, 3, side, side)``, on the CPU."""
    return F.interpolate(pictures.cpu(), (side, side), mode="bicubic", antialias=True)


def contact_sheet(
    pictures: Mapping[str, Tensor],
    notes: Mapping[str, Sequence[str]],
    *,
    title: str,
) -> Image.Image:
    """Draw n pictures, each in a row of versions side by side, with notes below them.

    Args:
        pictures: by version, in their order from left to right: uint8 ``(n, 3, side,
            side)`` of :func:`reduced`.
        notes: by version, a line for each picture.
        title: says what is shown and how it was drawn.

    Raises:
        ValueError: there are no pictures.
    """
    count = len(next(iter(pictures.values())))
    if not count:
        raise ValueError("a sheet of no pictures shows nothing")
    side = next(iter(pictures.values())).shape[-1]
    width, height = len(pictures) * side + 2 * GAP, side + LINE + GAP
    beside = max(1, min(count, round(math.sqrt(RATIO * count * height / width))))
    titles = textwrap.wrap(title, max(24, beside * width // 7))
    top = GAP + (len(titles) + 1) * LINE
    down = math.ceil(count / beside)
    sheet = Image.new("RGB", (beside * width, top + down * height), "white")
    draw = ImageDraw.Draw(sheet)
    for number, line in enumerate(titles):
        _write(draw, GAP, GAP + number * LINE, line)
    for block in range(beside):
        for column, version in enumerate(pictures):
            x = block * width + GAP + column * side
            _write(draw, x, top - LINE, _short(version))
            for row in range(block * down, min((block + 1) * down, count)):
                y = top + (row - block * down) * height
                sheet.paste(_image(pictures[version][row]), (x, y))
                _write(draw, x, y + side, _short(notes[version][row]))
    return sheet


def _image(picture):
    return Image.fromarray(picture.permute(1, 2, 0).contiguous().numpy())


def _write(draw, x, y, text):
    draw.text((x, y + 2), text, fill="black", font=_font())


@cache
def _font():
    return ImageFont.load_default(12)


def _short(text):
    return text if len(text) <= CHARACTERS else f"{text[: CHARACTERS - 3]}..."


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

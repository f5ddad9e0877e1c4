"""``colorize evaluate MODEL...``: one table of models on the same photographs."""

import argparse
import json
import math
import sys
import textwrap
from collections.abc import Sequence
from contextlib import redirect_stdout
from dataclasses import replace
from functools import partial
from itertools import chain, count
from pathlib import Path

import torch
from tqdm import tqdm

from colorize_lib.evaluation.scores import GRAY, TRUTH, evaluate
from colorize_lib.evaluation.sheets import save_sheets, sheet_files
from colorize_lib.evaluation.tables import frame, score_columns
from colorize_lib.files import replacing
from colorize_lib.inference import Colorizer, predict_ab
from colorize_lib.photos import batches, combined, from_path, prepare, public_test
from colorize_lib.weights import find_weights, stored_names

SMALLEST = 32  # pixels of a side, for the networks of the book
WIDTH = 88  # characters of a line
BATCH = 16
EPILOG = """\
example:
  colorize evaluate unet-squeezenet runs/mine --data test-photos/ --sheets sheets/

Test photographs must be none that a model was trained on, and none by which anything
about it was chosen. The command cannot know: on training photographs every number is too
good.

Near-gray photographs and duplicates are left out, unreadable files skipped; the caption
counts them. Every table has the row of the gray picture, which a model must beat, and
the row of the truth. LPIPS, the Fréchet distance and what a classifier says of the
pictures can be had in Python: colorize_lib.evaluation.evaluate(..., metrics=, features=).

"""


def main(arguments: Sequence[str]) -> int:
    """Run the command; exit code 1: not finished, 2: nothing was scored."""
    options = _parser().parse_args(arguments)
    scores = None
    try:
        _refuse_to_overwrite(options)
        colorizers = _colorizers(options)
        source = _source(options)
        with redirect_stdout(sys.stderr):  # its summary is no part of the table
            prepared = prepare(source, options.size)
        for name, reason in prepared.skipped.items():
            print(f"skipped {name}: {reason}", file=sys.stderr)
        pictures = prepared.for_training()  # without near-gray ones and duplicates
        if not len(pictures):
            raise ValueError(
                f"none of {len(prepared)} photographs is neither near gray nor a "
                "duplicate: hundreds are needed to mean something"
            )
        scores = _scores(options, colorizers, pictures)
        _hand_over(scores, _caption(options, colorizers, prepared), options)
        if options.sheets is not None:
            save_sheets(options.sheets, colorizers, pictures, scores, options.device)
    # A torch without CUDA says so by an AssertionError.
    except (OSError, ValueError, RuntimeError, AssertionError) as error:
        print(f"colorize evaluate: {error}", file=sys.stderr)
        return 2 if scores is None else 1
    except KeyboardInterrupt:
        print("\ncolorize evaluate: stopped; no file is half-written", file=sys.stderr)
        return 1
    return 0


def _parser():
    it = argparse.ArgumentParser(
        prog="colorize evaluate",
        description="Score models on photographs of yours, beside gray and the truth.",
        epilog=f"{EPILOG}stored models here: {', '.join(stored_names())}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = it.add_argument
    told = "a weight file, the folder of a run, or the name of a stored model"
    add("models", nargs="+", metavar="MODEL", help=told)
    told = (
        "test photographs, a folder or an archive, repeatable; or public_test, 150 that "
        "are fetched: what you get is comparable with what others get"
    )
    add("--data", action="append", required=True, metavar="DIR", help=told)
    told = "pixels of a side of the squares that are scored; 256"
    add("--size", type=_size, default=256, metavar="N", help=told)
    told = "save the table as JSON, too"
    add("--json", type=Path, metavar="FILE", help=told)
    told = (
        "save failures.png, random ones of the worst tenth, and side-by-side.png there"
    )
    add("--sheets", type=Path, metavar="DIR", help=told)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    told = "cpu, cuda, cuda:1; by default a GPU where there is one"
    add("--device", default=device, metavar="NAME", help=told)
    return it


def _size(text):
    if int(text) < SMALLEST:
        raise argparse.ArgumentTypeError(f"{text}: at least {SMALLEST} pixels")
    return int(text)


def _refuse_to_overwrite(options):
    """Before any work."""
    files = [] if options.json is None else [options.json]
    files += [] if options.sheets is None else sheet_files(options.sheets)
    if there := [str(file) for file in files if file.exists()]:
        raise FileExistsError(
            f"{', '.join(there)}: there already; choose another name, or remove it"
        )


def _colorizers(options):
    """The models by the names of their rows."""
    colorizers = {}
    for model in options.models:
        file = find_weights(model)
        name = file.resolve().parent.name if file.stem == "model" else file.stem
        row = _free(name, {GRAY, TRUTH, *colorizers})
        colorizers[row] = Colorizer.load(file, options.device)
    return colorizers


def _source(options):
    """The folders as one, numbered where two have the same name."""
    sources = {}
    for path in options.data:
        is_named = path == "public_test" and not Path(path).exists()
        source = public_test() if is_named else from_path(path)
        name = _free(source.name, sources)
        sources[name] = replace(source, name=name)
    return combined(*sources.values())


def _free(name, taken):
    numbered = chain([name], (f"{name} ({n})" for n in count(2)))
    return next(x for x in numbered if x not in taken)


def _scores(options, colorizers, pictures):
    rows = {
        name: partial(predict_ab, colorizer.network, size=colorizer.size)
        for name, colorizer in colorizers.items()
    }
    shown = tqdm(
        batches(pictures, BATCH, device=options.device),
        desc=f"scoring {len(pictures):,} photographs",
        total=math.ceil(len(pictures) / BATCH),
        unit="batch",
    )
    return evaluate(rows, shown)


def _caption(options, colorizers, prepared):
    gray, duplicates = prepared.near_gray, prepared.duplicate & ~prepared.near_gray
    where = ", ".join(Path(path).resolve().name for path in options.data)
    sizes = ", ".join(f"{name} {one.size} px" for name, one in colorizers.items())
    return (
        f"{(~gray & ~duplicates).sum():,} photographs of {where} (left out: "
        f"{gray.sum():,} near-gray ones, {duplicates.sum():,} duplicates, "
        f"{len(prepared.skipped):,} unreadable files), center squares of {options.size} "
        "px, resized bicubically with antialiasing. Each network sees their lightness at "
        f"its own size ({sizes}); its colors are enlarged bicubically, brought into the "
        "gamut at constant lightness and rounded to 8 bits. Means over images, in "
        "brackets their 95 % bootstrap intervals over images."
    )


def _hand_over(scores, caption, options):
    # First on the screen: if the file cannot be written, hours of scoring are not lost.
    table = frame(score_columns(scores)).to_string(line_width=WIDTH)
    print(f"{table}\n\n{textwrap.fill(caption, WIDTH)}", flush=True)
    if options.json is not None:
        rows = {
            name: {metric: vars(x) for metric, x in row.compute().items()}
            for name, row in scores.items()
        }
        with replacing(options.json) as file:
            file.write(
                json.dumps({"caption": caption, "rows": rows}, indent=1).encode()
            )
        print(f"the table is in {options.json}", file=sys.stderr)

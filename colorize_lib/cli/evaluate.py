"""``colorize evaluate CHECKPOINT...``: one table of models on the same photographs."""

import math
import sys
from collections.abc import Sequence
from contextlib import redirect_stdout
from dataclasses import replace
from functools import partial
from itertools import chain, count
from pathlib import Path

from tqdm import tqdm

from colorize_lib.cli.evaluate_options import (
    FORMATS,
    parser,
    refuse_to_overwrite,
)
from colorize_lib.cli.evaluate_sheets import save_sheets
from colorize_lib.evaluation import (
    LPIPS,
    ImageNetClassifier,
    InceptionFeatures,
    PooledFeatures,
    frechet_name,
    imagenet_labels,
)
from colorize_lib.evaluation.recognition import UNLABELED
from colorize_lib.evaluation.scores import GRAY, HEADINGS, METRICS, TRUTH, evaluate
from colorize_lib.evaluation.tables import (
    Table,
    accuracy_column,
    agreement_column,
    frechet_column,
    score_columns,
)
from colorize_lib.files import replacing
from colorize_lib.inference import Colorizer, predict_ab
from colorize_lib.photos import batches, combined, draw, from_path, prepare
from colorize_lib.weights import find_weights


def main(arguments: Sequence[str]) -> int:
    """Run the command; exit code 1: not finished, 2: nothing was scored."""
    options = parser().parse_args(arguments)
    prepared = scores = None
    try:
        refuse_to_overwrite(options)
        colorizers = _colorizers(options)
        metrics, features = _metrics(options), _features(options)
        source, found = _source(options)
        with redirect_stdout(sys.stderr):  # its summary is no part of the table
            prepared = prepare(
                source, options.size, folder=options.prepared, fit=options.fit
            )
        pictures = _worth_scoring(prepared, options)
        # Now, since it may lack a library: not after an hour of scoring.
        labels = imagenet_labels(pictures.names) if "classes" in features else None
        scores = _scores(options, colorizers, pictures, metrics, features)
        caption = _caption(options, colorizers, prepared, found)
        _hand_over(_table(scores, metrics, features, labels, caption), options)
        if options.sheets is not None:
            save_sheets(
                options.sheets,
                colorizers,
                pictures,
                scores,
                seed=options.seed,
                device=options.device,
            )
    # A torch without CUDA says so by an AssertionError.
    except (OSError, ValueError, RuntimeError, ImportError, AssertionError) as error:
        print(f"colorize evaluate: {error}", file=sys.stderr)
        return 2 if scores is None else 1
    except KeyboardInterrupt:
        print("\ncolorize evaluate: stopped; no file is half-written", file=sys.stderr)
        return 1
    finally:
        if prepared is not None and prepared.skipped:
            _name_skipped(prepared.skipped)
    return 0


# ------------------------------------------------------------ what is compared


def _colorizers(options):
    """The models by the names of their rows."""
    names, colorizers = [], []
    for checkpoint in options.checkpoints:
        name, file = _weight_file(checkpoint)
        colorizers.append(Colorizer.load(file, options.device))
        names.append(name)
    return dict(zip(_distinct(names, (GRAY, TRUTH)), colorizers, strict=True))


def _weight_file(checkpoint):
    """A name for a checkpoint, and the file that holds it."""
    file = find_weights(checkpoint)
    return (file.resolve().parent.name if file.stem == "model" else file.stem), file


def _distinct(names, taken=()):
    """Names as they are, or numbered where another has the same."""
    given = []
    for name in names:
        numbered = chain([name], (f"{name} ({number})" for number in count(2)))
        given.append(next(x for x in numbered if x not in {*given, *taken}))
    return given


def _metrics(options):
    lpips = {"lpips": LPIPS(options.lpips)} if options.lpips != "none" else {}
    return METRICS | lpips


def _features(options):
    features = {}
    if options.frechet == "inception":
        features["frechet"] = InceptionFeatures()
    elif options.frechet != "none":
        features["frechet"] = PooledFeatures.load(options.frechet)
    if options.classifier != "none":
        features["classes"] = ImageNetClassifier.load(options.classifier)
    return features


# ------------------------------------------------------------ on which photographs


def _source(options):
    """The photographs to be prepared, and how many there are to draw from."""
    sources = [from_path(path) for path in options.data]
    names = _distinct([source.name for source in sources])
    pairs = zip(sources, names, strict=True)
    everything = combined(*(replace(source, name=name) for source, name in pairs))
    if options.limit is None or options.limit >= len(everything):
        return everything, len(everything)
    drawn = draw(everything, options.limit, seed=options.seed)
    return everything.subset(drawn), len(everything)


def _worth_scoring(prepared, options):
    pictures = prepared.for_training()
    least = 1 if options.frechet == "none" else 2
    if len(pictures) < least:
        raise ValueError(
            f"{len(pictures)} of {len(prepared)} photographs are neither near gray nor "
            f"duplicates: at least {least} are needed, and hundreds to mean something"
        )
    return pictures


def _scores(options, colorizers, pictures, metrics, features):
    rows = {
        name: partial(predict_ab, colorizer.network, size=colorizer.size)
        for name, colorizer in colorizers.items()
    }
    shown = tqdm(
        batches(pictures, options.batch_size, device=options.device),
        desc=f"scoring {len(pictures):,} photographs",
        total=math.ceil(len(pictures) / options.batch_size),
        unit="batch",
    )
    return evaluate(rows, shown, metrics=metrics, features=features)


# ------------------------------------------------------------ the table


def _table(scores, metrics, features, labels, caption):
    headings = dict(HEADINGS)
    if "lpips" in metrics:
        headings["lpips"] = (f"{metrics['lpips'].name} ↓", ".3f")
    columns = score_columns(scores, headings)
    if extractor := features.get("frechet"):
        name, n = frechet_name(extractor), scores[TRUTH].count
        columns.append(frechet_column(scores, "frechet", name))
        caption += f" {name} is of {n:,} pictures: of more it would be lower."
    if classifier := features.get("classes"):
        columns.append(agreement_column(scores, "classes", classifier.name))
        if (labels != UNLABELED).any():
            columns.append(accuracy_column(scores, "classes", classifier.name, labels))
        else:
            caption += (
                " No photograph is labeled: no path has the WordNet id of a class."
            )
    return Table(columns, caption)


def _caption(options, colorizers, prepared, found):
    tried = len(prepared) + len(prepared.skipped)
    gray = prepared.near_gray
    duplicates = prepared.duplicate & ~gray
    where = ", ".join(Path(path).resolve().name for path in options.data)
    drawn = f", {tried:,} drawn with seed {options.seed}" if tried < found else ""
    fit = {"crop": "center squares", "squash": "whole pictures squashed to squares"}
    sizes = ", ".join(f"{name} {one.size} px" for name, one in colorizers.items())
    return (
        f"{(~gray & ~duplicates).sum():,} photographs of {where} ({found:,} files{drawn}; "
        f"left out: {gray.sum():,} near-gray ones, {duplicates.sum():,} duplicates, "
        f"{len(prepared.skipped):,} unreadable files), {fit[options.fit]} of "
        f"{options.size} px, resized bicubically with antialiasing. Each network sees "
        f"their lightness at its own size ({sizes}); its colors are enlarged bicubically, "
        "brought into the gamut at constant lightness and rounded to 8 bits. Means over "
        "pictures, in brackets their 95 % bootstrap intervals over pictures."
    )


def _hand_over(table, options):
    # First on the screen: if the file cannot be written, hours of scoring are not lost.
    print(getattr(table, options.format or "text")(), flush=True)
    if options.output is not None:
        kind = options.format or FORMATS.get(options.output.suffix.lower(), "text")
        with replacing(options.output) as file:
            file.write(f"{getattr(table, kind)()}\n".encode())
        print(f"the table is in {options.output}", file=sys.stderr)


def _name_skipped(skipped):
    print(f"{len(skipped):,} unreadable files were skipped:", file=sys.stderr)
    for name, reason in skipped.items():
        print(f"  {name}: {reason}", file=sys.stderr)

"""Tables of scores: pandas DataFrames, a row a colorizer, and one way to write them.

Always with the rows of gray and of the truth, without which nobody can read the others.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import pandas as pd
from torch import Tensor

from colorize_lib.evaluation.frechet import frechet_distance
from colorize_lib.evaluation.recognition import UNLABELED, accuracy, agreement
from colorize_lib.evaluation.scores import (
    GRAY,
    HEADINGS,
    TRUTH,
    Estimate,
    Scores,
    bootstrap,
)


def markdown_table(scores: Mapping[str, Scores]) -> str:
    """The usual scores as a Markdown table, with 95 % intervals over images.

    Raises:
        ValueError: the gray row is missing: without it nobody can read the others.
    """
    if GRAY not in scores:
        raise ValueError(
            f"a table of scores needs the row {GRAY!r}: use the scores of evaluate()"
        )
    return markdown(frame(score_columns(scores)))


def markdown(table: pd.DataFrame) -> str:
    """A DataFrame of text as a Markdown table, its index as the first column."""
    lines = [table.columns, *table.values]
    cells = [" | ".join(x.replace("|", "\\|") for x in line) for line in lines]
    names = ["", *(f"{name} ".replace("|", "\\|") for name in table.index)]
    lines = [f"| {name}| {line} |" for name, line in zip(names, cells, strict=True)]
    return "\n".join([lines[0], "|---" * (len(table.columns) + 1) + "|", *lines[1:]])


@dataclass(frozen=True)
class Column:
    """A column of a table.

    Attributes:
        heading: what the numbers are, with their unit, and which way is better.
        cells: by row, a mean with its interval, or a single number.
        digits: how they are written, as ``".2f"``.
    """

    heading: str
    cells: Mapping[str, Estimate | float]
    digits: str = ".2f"


def frame(columns: Sequence[Column]) -> pd.DataFrame:
    """Columns of the same rows, as text."""
    written = {
        column.heading: {row: f"{x:{column.digits}}" for row, x in column.cells.items()}
        for column in columns
    }
    return pd.DataFrame(written, index=list(columns[0].cells))


def score_columns(
    scores: Mapping[str, Scores],
    headings: Mapping[str, tuple[str, str]] = HEADINGS,
) -> list[Column]:
    """The means over images with their intervals, a column a metric.

    Args:
        scores: of :func:`.evaluate`, by row.
        headings: for each metric of the scores its heading and its digits.
    """
    return [
        Column(
            heading, {x: bootstrap(row.values[m]) for x, row in scores.items()}, spec
        )
        for m, (heading, spec) in headings.items()
    ]


def frechet_column(scores: Mapping[str, Scores], features: str, name: str) -> Column:
    """The Fréchet distance of each row's features from those of the truth.

    A single number of the whole set: over images it has no interval. ``features`` is
    their name in the scores, ``name`` is of :func:`.frechet_name`.
    """
    of_truth = scores[TRUTH].features[features]
    cells = {
        x: frechet_distance(y.features[features], of_truth) for x, y in scores.items()
    }
    return Column(f"{name} ↓", cells)


def agreement_column(scores: Mapping[str, Scores], classes: str, name: str) -> Column:
    """How often a classifier takes an image for the same as the true one, in percent.

    ``classes`` is their name in the scores' features, ``name`` the classifier's.
    """
    of_truth = scores[TRUTH].features[classes]
    cells = {
        x: bootstrap(100 * agreement(y.features[classes], of_truth))
        for x, y in scores.items()
    }
    return Column(f"{name}: same class as for the truth, % ↑", cells, ".1f")


def accuracy_column(
    scores: Mapping[str, Scores], classes: str, name: str, labels: Tensor
) -> Column:
    """How often a classifier is right about the labeled images, in percent.

    Args:
        scores, classes, name: as for :func:`agreement_column`.
        labels: ``(n,)`` of :func:`.imagenet_labels`, in the order of the images.

    Raises:
        ValueError: no image is labeled, or there are not as many.
    """
    cells = {
        x: bootstrap(100 * accuracy(y.features[classes], labels))
        for x, y in scores.items()
    }
    count = (labels != UNLABELED).sum().item()
    return Column(f"{name}: right class, of {count:,} labeled, % ↑", cells, ".1f")


def stored_columns(result: Mapping, rows: Iterable[str]) -> list[Column]:
    """Columns as a result file keeps them: of scores that not every image has.

    Args:
        result: of :func:`.load_result`; its ``columns`` are as ``dataclasses.asdict``
            makes them.
        rows: which, in their order.
    """
    rows = list(rows)
    return [
        Column(
            x["heading"], {row: _estimate(x["cells"][row]) for row in rows}, x["digits"]
        )
        for x in result["columns"]
    ]


def _estimate(cell):
    return Estimate(**cell) if isinstance(cell, dict) else cell

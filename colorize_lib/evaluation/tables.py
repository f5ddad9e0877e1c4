"""Tables of scores as text, Markdown or JSON: a row a colorizer, a caption below.

Always with the rows of gray and of the truth, without which nobody can read the others.
"""

import json
import re
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from torch import Tensor

from colorize_lib.evaluation import accuracy, agreement, frechet_distance
from colorize_lib.evaluation.recognition import UNLABELED
from colorize_lib.evaluation.scores import (
    GRAY,
    HEADINGS,
    TRUTH,
    Estimate,
    Scores,
    bootstrap,
)

PANEL = 4  # columns of a text table side by side: more would not fit a terminal
WIDTH = 88  # characters of a line of its caption


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

    def text(self, row: str) -> str:
        """The cell of a row as it is written."""
        return f"{self.cells[row]:{self.digits}}"


@dataclass(frozen=True)
class Table:
    """Scores of several colorizers on the same pictures.

    Attributes:
        columns: all of the same rows, in their order.
        caption: the protocol, without which no number can be compared with others.

    Raises:
        ValueError: no column, columns of different rows, or gray is not the first row,
            or truth not the last one.
    """

    columns: Sequence[Column]
    caption: str

    def __post_init__(self):
        rows = {tuple(column.cells) for column in self.columns}
        if len(rows) != 1:
            raise ValueError(f"every column needs the same rows: {sorted(rows)}")
        if self.rows[0] != GRAY or self.rows[-1] != TRUTH:
            raise ValueError(
                f"a table of scores needs {GRAY!r} as its first row and {TRUTH!r} as its "
                f"last, not {', '.join(self.rows)}: use the scores of evaluate()"
            )

    @property
    def rows(self) -> list[str]:
        """The names of the rows, from gray to truth."""
        return list(self.columns[0].cells)

    def markdown(self) -> str:
        """As Markdown, the caption below."""
        lines = [["", *(column.heading for column in self.columns)]]
        lines += [
            [row, *(column.text(row) for column in self.columns)] for row in self.rows
        ]
        texts = ["| " + " | ".join(map(_in_markdown, line)) + " |" for line in lines]
        texts.insert(1, "|---" * len(lines[0]) + "|")
        return "\n".join([*texts, "", self.caption])

    def text(self) -> str:
        """For a terminal: a few columns side by side, the others below, the caption."""
        panels = [
            self._panel(self.columns[start : start + PANEL])
            for start in range(0, len(self.columns), PANEL)
        ]
        return "\n\n".join([*panels, textwrap.fill(self.caption, WIDTH)])

    def json(self) -> str:
        """As JSON: caption, and rows of columns; an estimate has mean, low and high."""
        rows = {
            row: {column.heading: _plain(column.cells[row]) for column in self.columns}
            for row in self.rows
        }
        content = {"caption": self.caption, "rows": rows}
        return json.dumps(content, ensure_ascii=False, indent=1)

    def _panel(self, columns):
        blocks = [_block("", self.rows)]
        blocks += [
            _block(column.heading, [column.text(row) for row in self.rows])
            for column in columns
        ]
        height = max(map(len, blocks))
        filled = [
            [" " * len(block[0])] * (height - len(block)) + block for block in blocks
        ]
        return "\n".join("  ".join(line).rstrip() for line in zip(*filled, strict=True))


def score_columns(
    scores: Mapping[str, Scores],
    headings: Mapping[str, tuple[str, str]] = HEADINGS,
) -> list[Column]:
    """The means over pictures with their intervals, a column a metric.

    Args:
        scores: of :func:`.evaluate`, by row.
        headings: for each metric of the scores its heading and its digits.
    """
    estimates = {
        name: {metric: bootstrap(row.values[metric]) for metric in headings}
        for name, row in scores.items()
    }
    return [
        Column(heading, {name: row[metric] for name, row in estimates.items()}, digits)
        for metric, (heading, digits) in headings.items()
    ]


def frechet_column(scores: Mapping[str, Scores], features: str, name: str) -> Column:
    """The Fréchet distance of each row's features from those of the truth.

    A single number of the whole set: over pictures it has no interval.

    Args:
        scores: of :func:`.evaluate`, with features of that name.
        features: which.
        name: of :func:`.frechet_name`.
    """
    true_features = scores[TRUTH].features[features]
    distances = {
        row: frechet_distance(x.features[features], true_features)
        for row, x in scores.items()
    }
    return Column(f"{name} ↓", distances)


def agreement_column(scores: Mapping[str, Scores], classes: str, name: str) -> Column:
    """How often a classifier takes a picture for the same as the true one, in percent.

    Args:
        scores: of :func:`.evaluate`, with classes as features of that name.
        classes: which.
        name: of the classifier.
    """
    true_classes = scores[TRUTH].features[classes]
    shares = {
        row: bootstrap(100 * agreement(x.features[classes], true_classes))
        for row, x in scores.items()
    }
    return Column(f"{name}: same class as for the truth, % ↑", shares, ".1f")


def accuracy_column(
    scores: Mapping[str, Scores], classes: str, name: str, labels: Tensor
) -> Column:
    """How often a classifier is right about the labeled pictures, in percent.

    Args:
        scores, classes, name: as for :func:`agreement_column`.
        labels: ``(n,)`` of :func:`.imagenet_labels`, in the order of the pictures.

    Raises:
        ValueError: no picture is labeled, or there are not as many.
    """
    shares = {
        row: bootstrap(100 * accuracy(x.features[classes], labels))
        for row, x in scores.items()
    }
    count = (labels != UNLABELED).sum().item()
    return Column(f"{name}: right class, of {count:,} labeled, % ↑", shares, ".1f")


def stored_columns(result: Mapping, rows: Iterable[str]) -> list[Column]:
    """Columns as a result file keeps them: of scores that not every picture has.

    Args:
        result: of :func:`.load_result`; its ``columns`` are as ``dataclasses.asdict``
            makes them.
        rows: which, in their order.
    """
    rows = list(rows)
    return [
        Column(
            column["heading"],
            {row: _estimate(column["cells"][row]) for row in rows},
            column["digits"],
        )
        for column in result["columns"]
    ]


# ------------------------------------------------------------ parts


def _estimate(cell):
    return Estimate(**cell) if isinstance(cell, dict) else cell


def _block(heading, cells):
    """Lines of one width: the heading, wrapped where it is wider than the cells."""
    heading = re.sub(r" (?=[↑↓])", "\N{NO-BREAK SPACE}", heading)  # no arrow alone
    width = max(map(len, [*heading.split(" "), *cells]))
    return [line.ljust(width) for line in [*textwrap.wrap(heading, width), *cells]]


def _in_markdown(text):
    return text.replace("|", "\\|")


def _plain(cell):
    return vars(cell) if isinstance(cell, Estimate) else cell

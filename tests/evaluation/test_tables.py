"""Tables: the numbers of scores in cells, gray and truth around them."""

from dataclasses import asdict

import pytest
import torch

from colorize_lib.evaluation.recognition import UNLABELED
from colorize_lib.evaluation.scores import GRAY, HEADINGS, TRUTH, Scores, bootstrap
from colorize_lib.evaluation.tables import (
    accuracy_column,
    agreement_column,
    frame,
    frechet_column,
    markdown,
    markdown_table,
    score_columns,
    stored_columns,
)


def row(*values):
    seen = torch.tensor(values)
    features = {"classes": seen.long(), "frechet": torch.stack([seen, -seen], dim=1)}
    return Scores(dict.fromkeys(HEADINGS, seen), features)


SCORES = {
    GRAY: row(1.0, 2.0, 3.0),
    "a|b": row(4.0, 2.0, 0.0),
    TRUTH: row(4.0, 5.0, 3.0),
}


def test_a_markdown_table_has_every_score_with_its_interval():
    head, line, *rows = markdown_table(SCORES).splitlines()
    assert (
        head == "|  | " + " | ".join(heading for heading, _ in HEADINGS.values()) + " |"
    )
    assert line == "|---" * 6 + "|"
    estimate = bootstrap(torch.tensor([4.0, 2.0, 0.0]))
    assert rows[1].startswith(f"| a\\|b | {estimate:.2f} | {estimate:.3f} |")
    assert [x.split(" | ")[0] for x in rows] == [f"| {GRAY}", "| a\\|b", f"| {TRUTH}"]


def test_without_gray_there_is_no_table():
    with pytest.raises(ValueError, match="needs the row 'gray"):
        markdown_table({"a": row(1.0)})


def test_columns_by_hand():
    agreed = agreement_column(SCORES, "classes", "Net")
    assert agreed.heading == "Net: same class as for the truth, % ↑"
    shares = {name: x.mean for name, x in agreed.cells.items()}
    assert shares == pytest.approx({GRAY: 100 / 3, "a|b": 100 / 3, TRUTH: 100})
    labels = torch.tensor([4, UNLABELED, 3])
    right = accuracy_column(SCORES, "classes", "Net", labels)
    assert right.heading == "Net: right class, of 2 labeled, % ↑"
    shares = {name: x.mean for name, x in right.cells.items()}
    assert shares == pytest.approx({GRAY: 50, "a|b": 50, TRUTH: 100})
    far = frechet_column(SCORES, "frechet", "Fréchet distance (Net)")
    assert far.heading == "Fréchet distance (Net) ↓"
    assert far.cells[TRUTH] == pytest.approx(0, abs=1e-6)
    assert far.cells["a|b"] > 1


def test_what_a_file_keeps_is_the_same_table_again():
    columns = [*score_columns(SCORES), frechet_column(SCORES, "frechet", "F")]
    again = stored_columns({"columns": [asdict(x) for x in columns]}, SCORES)
    assert markdown(frame(again)) == markdown(frame(columns))
    (some,) = stored_columns({"columns": [asdict(columns[0])]}, [GRAY, TRUTH])
    assert list(some.cells) == [GRAY, TRUTH]

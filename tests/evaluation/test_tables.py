"""Tables: the same numbers in every format, and never without gray and truth."""

import json
import re

import pytest
import torch

from colorize_lib.evaluation import frechet_distance
from colorize_lib.evaluation.scores import (
    GRAY,
    HEADINGS,
    TRUTH,
    Estimate,
    Scores,
    bootstrap,
    markdown_table,
)
from colorize_lib.evaluation.tables import (
    Column,
    Table,
    accuracy_column,
    agreement_column,
    frechet_column,
    score_columns,
)

ROWS = (GRAY, "net", TRUTH)


@pytest.fixture
def scores():
    random = torch.Generator().manual_seed(0)
    return {
        name: Scores(
            {metric: torch.rand(20, generator=random) for metric in HEADINGS},
            {
                "features": torch.rand(20, 4, generator=random),
                "classes": torch.randint(0, 3, (20,), generator=random),
            },
        )
        for name in ROWS
    }


def column(heading="PSNR, dB ↑", digits=".2f", rows=ROWS):
    return Column(heading, {row: float(i) for i, row in enumerate(rows)}, digits)


def test_columns_are_means_with_intervals(scores):
    columns = score_columns(scores)
    assert [x.heading for x in columns] == [heading for heading, _ in HEADINGS.values()]
    expected = bootstrap(scores["net"].values["ssim"])
    assert columns[1].cells["net"] == expected
    assert columns[1].text("net") == f"{expected:.3f}"


def test_columns_of_other_metrics(scores):
    (only,) = score_columns(scores, {"ssim": ("similarity", ".1f")})
    assert only.heading == "similarity"
    assert re.fullmatch(r"0\.\d \[0\.\d, 0\.\d\]", only.text(GRAY))


def test_a_distance_is_a_single_number_from_the_truth(scores):
    distances = frechet_column(scores, "features", "Fréchet distance (x)")
    assert distances.heading == "Fréchet distance (x) ↓"
    expected = frechet_distance(
        *(scores[x].features["features"] for x in ("net", TRUTH))
    )
    assert distances.cells["net"] == expected
    assert distances.cells[TRUTH] == pytest.approx(0, abs=1e-6)
    assert distances.text("net") == f"{expected:.2f}"


def test_agreement_is_with_the_truth_in_percent(scores):
    shares = agreement_column(scores, "classes", "x")
    assert shares.cells[TRUTH] == Estimate(100, 100, 100)
    same = scores["net"].features["classes"] == scores[TRUTH].features["classes"]
    assert shares.cells["net"].mean == pytest.approx(100 * same.double().mean())


def test_accuracy_says_of_how_many_it_is(scores):
    labels = torch.full((20,), -1)
    labels[:7] = scores["net"].features["classes"][:7]
    labels[0] = (labels[0] + 1) % 3
    shares = accuracy_column(scores, "classes", "x", labels)
    assert shares.heading == "x: right class, of 7 labeled, % ↑"
    assert shares.cells["net"].mean == pytest.approx(600 / 7)
    with pytest.raises(ValueError, match="none of 20 pictures is labeled"):
        accuracy_column(scores, "classes", "x", torch.full((20,), -1))


def test_markdown_is_that_of_the_chapters_with_a_caption(scores):
    table = Table(score_columns(scores), "20 pictures.").markdown()
    lines, expected = table.splitlines(), markdown_table(scores).splitlines()
    assert [line.replace("|  |", "| |") for line in lines[:-2]] == expected
    assert lines[-2:] == ["", "20 pictures."]


def test_names_cannot_break_a_markdown_table():
    rows = (GRAY, "a|b", TRUTH)
    lines = Table([column(rows=rows)], "").markdown().splitlines()
    assert lines[3] == r"| a\|b | 1.00 |"


def test_text_holds_every_number_in_columns_that_line_up(scores):
    columns = [*score_columns(scores), column("a single number ↓")]
    text = Table(columns, "of 20 pictures " * 20).text()
    for shown in columns:
        for row in ROWS:
            assert text.count(shown.text(row)) >= 1
    first, second, caption = text.split("\n\n")
    for panel, of_panel in ((first, columns[:4]), (second, columns[4:])):
        lines = panel.splitlines()
        heading, rows = lines[:-3], lines[-3:]
        starts = [m.start() for m in re.finditer(r"(?<=  )\S", rows[0])]
        assert len(starts) == len(of_panel)
        for line, row in zip(rows, ROWS, strict=True):
            assert line.startswith(row)
            ends = [*starts[1:], None]
            cells = [line[a:b].strip() for a, b in zip(starts, ends, strict=True)]
            assert cells == [shown.text(row) for shown in of_panel]
        for shown in of_panel:
            assert set(shown.heading.split()) <= set(" ".join(heading).split())
    assert max(map(len, caption.splitlines())) <= 88
    assert " ".join(caption.split()) == ("of 20 pictures " * 20).strip()


def test_json_can_be_read_back(scores):
    table = Table([*score_columns(scores), column("number")], "Über 20 pictures.")
    content = json.loads(table.json())
    assert content["caption"] == "Über 20 pictures."
    assert list(content["rows"]) == list(ROWS)
    assert content["rows"]["net"]["number"] == 1
    psnr = content["rows"][GRAY]["PSNR a picture, dB ↑"]
    assert Estimate(**psnr) == bootstrap(scores[GRAY].values["psnr"])


@pytest.mark.parametrize(
    "rows", [("net", TRUTH), (GRAY, "net"), (TRUTH, "net", GRAY), (GRAY, TRUTH, "net")]
)
def test_never_without_gray_first_and_truth_last(rows):
    with pytest.raises(
        ValueError, match=r"'gray .* as its first row and 'truth' as its"
    ):
        Table([column(rows=rows)], "")


def test_columns_of_other_rows_do_not_make_a_table():
    with pytest.raises(ValueError, match="every column needs the same rows"):
        Table([column(), column(rows=(GRAY, "other", TRUTH))], "")
    with pytest.raises(ValueError, match="every column needs the same rows"):
        Table([], "")

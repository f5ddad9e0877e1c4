"""Beside what a run shows stands whether it agrees with the text; stored pages do."""

import ast
from pathlib import Path

import nbformat
import pytest
from names import SHELL

from colorize_lib.notebook.chapter import AGREES, DISAGREES, TOO_SHORT

BOOK = Path(__file__).parents[2] / "book"
CHAPTERS = [path for path in sorted(BOOK.glob("*.ipynb")) if path.name >= "03"]
# What a chapter shows that runs differently here and there.
DEPENDS = ("run.pick(", "run.shows_stored", "run.load", "find_gallery(")
EACH = 4  # lines at one place, at most: no wall of them

each_chapter = pytest.mark.parametrize("path", CHAPTERS, ids=lambda path: path.name)


def code_of(path):
    cells = nbformat.read(path, as_version=4).cells
    return [cell for cell in cells if cell.cell_type == "code"]


def printed(cell):
    texts = [output.get("text", "") for output in cell.outputs]
    return [line for text in texts for line in text.splitlines()]


def verdicts(cell):
    """The lines of a stored output that say whether the run agreed, without claims."""
    kinds = (AGREES, TOO_SHORT, DISAGREES)
    return [x for x in printed(cell) if x.startswith(tuple(f"{k}: " for k in kinds))]


def claims(cell):
    """The calls of ``run.agrees`` in a cell, each with its claim."""
    tree = ast.parse(SHELL.sub(r"\1pass", cell.source))
    calls = [x for x in ast.walk(tree) if isinstance(x, ast.Call)]
    ours = [call for call in calls if ast.unparse(call.func) == "run.agrees"]
    # As they stand: walk() goes level by level, and comes to those under an if later.
    return [call.args for call in sorted(ours, key=lambda call: call.lineno)]


@each_chapter
def test_a_stored_page_agrees_with_its_text(path):
    said = [line for cell in code_of(path) for line in verdicts(cell)]
    assert [line for line in said if not line.startswith(f"{AGREES}: ")] == []


@each_chapter
def test_a_chapter_whose_runs_differ_says_whether_they_agree(path):
    cells = code_of(path)
    differs = any(word in cell.source for cell in cells for word in DEPENDS)
    said = [line for cell in cells for line in verdicts(cell)]
    assert len(said) >= 4 * differs, f"{path.name}: too few lines for what it claims"


@each_chapter
def test_every_claim_left_its_line_on_the_page(path):
    """A cell that was edited and not run again would miss some."""
    for number, cell in enumerate(code_of(path), start=1):
        made = [ast.literal_eval(args[0]) for args in claims(cell)]
        said = [line.partition(": ")[2] for line in verdicts(cell)]
        assert said == made, f"{path.name}, code cell {number}"


@each_chapter
def test_claims_are_short_and_few_at_a_place(path):
    for cell in code_of(path):
        assert len(claims(cell)) <= EACH
        for claim, *_ in claims(cell):
            assert len(ast.literal_eval(claim)) <= 60, ast.unparse(claim)


def test_a_line_is_read_as_it_is_printed(capsys):
    from colorize_lib.notebook.chapter import Chapter

    for scale, shown in (("full", True), ("full", False), ("quick", False)):
        Chapter("x", scale, None, 0).agrees("all is well", shown, enough="colab")
    output = {"output_type": "stream", "text": "0.5\n" + capsys.readouterr().out}
    found = verdicts(nbformat.from_dict({"outputs": [output]}))
    assert [line.partition(": ")[0] for line in found] == [AGREES, DISAGREES, TOO_SHORT]

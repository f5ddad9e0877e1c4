"""Beside what a run shows stands whether it agrees with the text; stored pages do."""

import ast
from pathlib import Path

import nbformat
import pytest
from rules import SHELL

from colorize_lib.notebook.chapter import AGREES, DISAGREES, TOO_SHORT, Chapter

BOOK = Path(__file__).parents[2] / "book"
CHAPTERS = [path for path in sorted(BOOK.glob("*.ipynb")) if path.name >= "03"]
# What a chapter shows that runs differently here and there.
DEPENDS = ("run.pick(", "run.shows_stored", "run.load", "find_gallery(")
EACH = 4  # lines at one place, at most: no wall of them


def verdicts(cell):
    """The lines of a stored output that say whether the run agreed: word and claim."""
    text = "".join(output.get("text", "") for output in cell.outputs)
    pairs = [line.partition(": ")[::2] for line in text.splitlines()]
    return [pair for pair in pairs if pair[0] in (AGREES, TOO_SHORT, DISAGREES)]


def claims(cell):
    """What a cell claims by ``run.agrees``, in the order of its lines."""
    tree = ast.parse(SHELL.sub(r"\1pass", cell.source))
    calls = [x for x in ast.walk(tree) if isinstance(x, ast.Call)]
    ours = [call for call in calls if ast.unparse(call.func) == "run.agrees"]
    ours.sort(key=lambda call: call.lineno)
    return [ast.literal_eval(call.args[0]) for call in ours]


@pytest.mark.parametrize("path", CHAPTERS, ids=lambda path: path.name)
def test_a_stored_page_agrees_with_its_text(path):
    cells = [
        x for x in nbformat.read(path, as_version=4).cells if x.cell_type == "code"
    ]
    said = [verdict for cell in cells for verdict in verdicts(cell)]
    assert [claim for word, claim in said if word != AGREES] == []
    differs = any(word in cell.source for cell in cells for word in DEPENDS)
    assert len(said) >= 4 * differs, "too few lines for what it claims"
    for number, cell in enumerate(cells, start=1):
        made = claims(cell)
        # A cell that was edited and not run again would miss some.
        assert [claim for _, claim in verdicts(cell)] == made, f"code cell {number}"
        assert len(made) <= EACH
        assert all(len(claim) <= 60 for claim in made), made


def test_a_line_is_read_as_it_is_printed(capsys):
    for scale, shown in (("full", True), ("full", False), ("quick", False)):
        Chapter("x", scale, None, 0).agrees("all is well", shown, enough="colab")
    output = {"output_type": "stream", "text": "0.5\n" + capsys.readouterr().out}
    found = verdicts(nbformat.from_dict({"outputs": [output]}))
    words = (AGREES, DISAGREES, TOO_SHORT)
    assert found == [(word, "all is well") for word in words]

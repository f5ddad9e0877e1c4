"""A chapter can be entered late, and what only shows something can be skipped."""

from pathlib import Path

import nbformat
import pytest
from library_names import Library
from names import code_cells, misplaced
from nbformat.v4 import new_code_cell, new_notebook

BOOK = Path(__file__).parents[2] / "book"
CHAPTERS = sorted(BOOK.glob("*.ipynb"))
MOST_NAMES = 20  # of ours that a chapter may import
LEAST_SHOWN = 0.7  # of what chapters use


@pytest.mark.parametrize("path", CHAPTERS, ids=lambda path: path.name)
def test_a_chapter_needs_no_cell_that_only_shows(path):
    found = misplaced(nbformat.read(path, as_version=4))
    if path.name < "03":  # these are short stories, each cell of which goes on
        found = [x for x in found if "an import" in x]
    assert found == []


def test_there_are_chapters():
    assert len(CHAPTERS) == 10


@pytest.fixture(scope="module")
def libraries():
    return {x.name: Library(nbformat.read(x, as_version=4)) for x in CHAPTERS}


def test_no_chapter_needs_more_than_twenty_of_our_names(libraries):
    counts = {name: len(library.names) for name, library in libraries.items()}
    assert {x: n for x, n in counts.items() if n > MOST_NAMES} == {}


def test_most_of_what_chapters_use_is_shown_in_one_of_them(libraries):
    used = set().union(*(library.used for library in libraries.values()))
    shown = set().union(*(library.shown for library in libraries.values()))
    share = len(used & shown) / len(used)
    assert share >= LEAST_SHOWN, f"{share:.0%}; not shown: {sorted(used - shown)}"


START = 'import torch\nrun = chapter.start("x", data="none")'
FIGURE = {"mystnb": {"image": {"alt": "A lake under mountains."}}}


def notebook(*sources):
    """Cells behind a setup cell; a pair is a figure's source and its metadata."""
    cells = [new_code_cell("from colorize_lib import chapter\n" + START)]
    for source in sources:
        source, metadata = source if isinstance(source, tuple) else (source, {})
        cells.append(new_code_cell(source, metadata=metadata))
    return new_notebook(cells=cells)


MISPLACED = {
    "a late import": (
        ["x = 1", "import math"],
        "cell 3: an import below cell 1, which has them all",
    ),
    "an import in a branch": (
        ["if run:\n    from math import pi"],
        "cell 2: an import below cell 1",
    ),
    "a name from nowhere": (["print(y)"], "cell 2: needs y, which no cell above"),
    "a name from below": (["print(y)", "y = 1"], "cell 2: needs y, which no cell"),
    "in a function": (
        ["def f():\n    return y\n\n\nf()"],
        "cell 2: needs y, which no cell above",
    ),
    "from a shown source": (
        ["show_source = print", "y = 1\nshow_source(y)", "print(y)"],
        "cell 3: shows something, and defines y, which cell 4 needs",
    ),
    "from a figure": (
        [("y = 1", FIGURE), "y += 1"],
        "cell 2: shows something, and defines y, which cell 3 needs",
    ),
    "from a table": (
        ["Markdown = str", "y = 'a'\nMarkdown(y)", "print(y)"],
        "cell 3: shows something, and defines y",
    ),
    "a function far from its use": (
        ["def f():\n    return 1", "x = 2", "f()"],
        "cell 2: defines f, first needed by cell 4",
    ),
}


@pytest.mark.parametrize("name", MISPLACED)
def test_what_is_misplaced_is_found(name):
    sources, message = MISPLACED[name]
    (found,) = misplaced(notebook(*sources))
    assert found.startswith(message)


def test_what_is_in_its_place_is_not_found():
    sources = [
        "def g(x):\n    return [x + y for y in range(3)]",
        "def f(x):\n    return g(x)",
        "a, b = f(1), {k: v for k, v in zip('ab', f(2))}\ntorch.manual_seed(run.seed)",
        ("for axes in range(b['a']):\n    y = axes + a[0]\n    print(y)", FIGURE),
        "try:\n    z = 1 / 0\nexcept ZeroDivisionError as error:\n    z = error\nprint(z)",
        "def h():\n    return z\n\n\nh()",
        "with open('x') as file:\n    y = file\nwhile y:\n    y = None",
        "h()",
    ]
    assert misplaced(notebook(*sources)) == []


def test_shell_commands_are_not_looked_at():
    source = 'if "google.colab" in str(get_ipython()):\n    ![ -d x ] || git clone y'
    (_, cell) = code_cells(notebook(source))
    assert (cell.needs, cell.defines) == (set(), set())


def test_a_chapter_without_a_start_is_found():
    found = misplaced(new_notebook(cells=[new_code_cell("x = 1")]))
    assert found == ["no cell calls chapter.start(...)"]

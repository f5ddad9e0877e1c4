"""The stored notebooks obey the rules, and each rule finds what it is for."""

from pathlib import Path

import nbformat
import pytest
import run_chapters
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output
from rules import CHECKED, problems

NOTEBOOKS = sorted((Path(__file__).parents[2] / "book").glob("*.ipynb"))


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.name)
def test_stored_notebook(path):
    assert problems(path) == []


def stored(tmp_path, *cells):
    path = tmp_path / "07-broken.ipynb"
    nbformat.write(new_notebook(cells=list(cells)), path)
    return path


def code(*outputs, source="print(x)", count=1, **metadata):
    return new_code_cell(
        source, execution_count=count, outputs=list(outputs), metadata=metadata
    )


def printed(text, name="stdout"):
    return new_output("stream", name=name, text=text)


PICTURE = new_output("display_data", data={"image/png": "aGVsbG8="})
ALT = {"image": {"alt": "A lake under mountains, in gray and in color."}}
BROKEN = [
    (code(PICTURE), "a figure without alt text"),
    (new_markdown_cell("```{note}\nhello\n```"), "a MyST directive"),
    (new_markdown_cell("see {cite}`zhang2016`"), "a MyST directive or role"),
    (new_markdown_cell("![](lake.png)"), "a picture without alt text"),
    (new_markdown_cell("It has 23.3 dB."), "a result number no cell has printed, 23.3"),
    (code(printed("in /" + "home/me/book")), "an output that names a path, /home/"),
    (code(printed("50%", name="stderr")), "stored stderr"),
    (code(printed("def f"), source="show_source(f)"), "shows source but"),
    (code(printed("1"), source="f();", tags=[CHECKED]), f"tagged {CHECKED}, but"),
    (code(new_output("error", ename="NameError")), "a stored error, NameError"),
]


@pytest.mark.parametrize(("cell", "message"), BROKEN, ids=[m for _, m in BROKEN])
def test_a_broken_notebook_is_found_and_its_place_named(tmp_path, cell, message):
    found = problems(stored(tmp_path, new_markdown_cell("# Title"), cell))
    assert any(x.startswith(f"07-broken.ipynb, cell 2: {message}") for x in found)


def test_a_notebook_that_was_not_run_in_one_go_is_found(tmp_path):
    (found,) = problems(stored(tmp_path, code(), code(count=3)))
    assert "not run in one go from top to bottom" in found


def test_a_late_import_is_found(tmp_path):
    start = code(source="import torch\nrun = chapter.start('x')")
    late = code(source="![ -d x ] || make\nimport math", count=2)
    (found,) = problems(stored(tmp_path, start, late))
    assert (
        found == "07-broken.ipynb, cell 2: an import below cell 1, which has them all"
    )


def test_what_is_allowed_is_not_found(tmp_path):
    prose = "# Title\n\n`{x}` and $\\{a\\}$ and {curly}\n\n> **Note** hi\n\n"
    prose += "```python\nf({1: 2})\n```"
    cells = [new_markdown_cell(prose), code(PICTURE, mystnb=ALT)]
    assert problems(stored(tmp_path, *cells)) == []


def test_the_first_lines_of_a_chapter_say_when_and_how_long_too():
    opening = "Scale: full · device: an H100 · data: drawn · seed: 0\n"
    closing = (
        "05-x: 12.5 minutes at the full scale on an H100\n2026-01-02 · Python 3.11\n"
    )
    book = new_notebook(cells=[code(printed(opening + "more\n")), code()])
    run_chapters.date(book)
    assert book.cells[0].outputs[0].text == opening + "more\n"  # it never ended
    book.cells[1].outputs = [printed(closing)]
    for _ in range(2):  # and only once
        run_chapters.date(book)
        dated = "This page: 12.5 minutes, on 2026-01-02\n"
        assert book.cells[0].outputs[0].text == opening + dated + "more\n"

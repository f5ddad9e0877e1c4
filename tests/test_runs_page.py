"""The page that says whether the notebooks still run, and the record behind it."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
import run_chapters
import runs_page
from nbformat.v4 import new_code_cell, new_notebook, new_output

ROOT = Path(__file__).parents[1]


def notebook(path, *sources, said=""):
    cells = [new_code_cell(source) for source in sources]
    if said:
        cells[0].outputs = [new_output("stream", name="stdout", text=said)]
    path.parent.mkdir(exist_ok=True)
    nbformat.write(new_notebook(cells=cells), path)
    return path


OPENING = "Scale: full · device: an H100, 2 of them · data: drawn · seed: 0\n"
CLOSING = "05-x: 12.5 minutes at the full scale on an H100\n2026-01-02 · Python 3.11.7 · torch 2\n"


def test_the_page_is_made_of_the_stored_notebooks_and_the_record():
    record = json.loads(runs_page.RECORD.read_text())
    assert runs_page.PAGE.read_text() == runs_page.page(record), (
        "run tools/runs_page.py: notebooks were run since"
    )


def test_a_stored_run_is_what_the_first_and_the_last_cell_have_said(tmp_path):
    path = notebook(tmp_path / "05-x.ipynb", "1", said=OPENING + "more\n" + CLOSING)
    assert runs_page.stored_run(path) == {
        "scale": "full",
        "device": "an H100, 2 of them",
        "data": "drawn",
        "minutes": "12.5",
        "date": "2026-01-02",
        "versions": "Python 3.11.7 · torch 2",
    }


def test_the_first_lines_say_when_and_how_long_too(tmp_path):
    path = notebook(tmp_path / "05-x.ipynb", "1", "2", said=OPENING + "more\n")
    book = nbformat.read(path, as_version=4)
    book.cells[1].outputs = [new_output("stream", name="stdout", text=CLOSING)]
    for _ in range(2):  # and only once
        run_chapters.date(book)
        expected = OPENING + "This page: 12.5 minutes, on 2026-01-02\nmore\n"
        assert book.cells[0].outputs[0].text == expected
    assert book.cells[1].outputs[0].text == CLOSING


def test_what_was_not_run_is_not_dated(tmp_path):
    path = notebook(tmp_path / "05-x.ipynb", "1", said=OPENING)
    book = nbformat.read(path, as_version=4)
    run_chapters.date(book)
    assert book.cells[0].outputs[0].text == OPENING


STORED = sorted((ROOT / "book").glob("*.ipynb"))


@pytest.mark.parametrize("path", STORED, ids=lambda path: path.stem)
def test_stored_notebooks_begin_with_how_they_were_run(path):
    book = nbformat.read(path, as_version=4)
    before = nbformat.writes(book)
    run_chapters.date(book)
    assert "This page: " in before
    assert nbformat.writes(book) == before, "store it by tools/run_chapters.py"


@pytest.mark.parametrize("said", [OPENING, CLOSING])
def test_a_notebook_that_does_not_say_how_it_was_run_is_named(tmp_path, said):
    path = notebook(tmp_path / "05-x.ipynb", "1", said=said)
    with pytest.raises(ValueError, match=r"05-x\.ipynb does not print"):
        runs_page.stored_run(path)


def test_only_notebooks_that_passed_from_top_to_bottom_are_green(tmp_path):
    book = tmp_path / "book"
    notebook(book / "01-fine.ipynb", "x = 1", "x + 1")
    notebook(book / "02-broken.ipynb", "x = 1", "y")
    for path in book.glob("*.ipynb"):  # nbval runs what has a kernel
        stored = nbformat.read(path, as_version=4)
        stored.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3"}
        nbformat.write(stored, path)
    shutil.copy(ROOT / "book" / "conftest.py", book)
    known = {"03-earlier": {"date": "2026-01-01"}}
    (tmp_path / "_build").mkdir()
    record = tmp_path / "_build" / "green-runs.json"
    record.write_text(json.dumps(known))
    options = ["--nbval-lax", "--nbval-current-env", "-q", "-p", "no:cacheprovider"]
    pytest_run = [sys.executable, "-m", "pytest", "book", *options]
    subprocess.run(pytest_run, cwd=tmp_path, capture_output=True)
    found = json.loads(record.read_text())
    assert set(found) == {"01-fine", "03-earlier"}
    assert found["01-fine"]["torch"].startswith("2")
    # A part of a notebook proves nothing about the whole.
    record.unlink()
    part = [*pytest_run, "--deselect", "book/01-fine.ipynb::Cell 1"]
    subprocess.run(part, cwd=tmp_path, capture_output=True)
    assert json.loads(record.read_text()) == {}

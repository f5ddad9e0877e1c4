"""The stored notebooks obey the rules, and each rule finds what it is for."""

import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output
from rules import CHECKED, problems

BOOK = Path(__file__).parents[2] / "book"
NOTEBOOKS = sorted(BOOK.glob("*.ipynb"))


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.name)
def test_stored_notebook(path):
    assert problems(path) == []


def test_there_are_notebooks():
    assert NOTEBOOKS


def stored(tmp_path, *cells):
    path = tmp_path / "07-broken.ipynb"
    nbformat.write(new_notebook(cells=list(cells)), path)
    return path


def picture(alt=None):
    metadata = {"mystnb": {"image": {"alt": alt}}} if alt else {}
    output = new_output("display_data", data={"image/png": "aGVsbG8="})
    return new_code_cell(
        "show()", execution_count=1, outputs=[output], metadata=metadata
    )


def printed(text, source="print(x)", **more):
    output = new_output("stream", name=more.pop("name", "stdout"), text=text)
    return new_code_cell(source, execution_count=1, outputs=[output], **more)


GOOD = picture("A lake under mountains, in gray and in color.")
CHECKED_CELL = {"tags": [CHECKED]}
BROKEN = {
    "no alt text": (picture(), "cell 2: a figure without alt text"),
    "directive": (
        new_markdown_cell("```{note}\nhello\n```"),
        "cell 2: a MyST directive",
    ),
    "colon directive": (
        new_markdown_cell(":::{tip}\nhello\n:::"),
        "cell 2: a MyST directive",
    ),
    "role": (
        new_markdown_cell("see {cite}`zhang2016`"),
        "cell 2: a MyST directive or role",
    ),
    "bare image": (
        new_markdown_cell("![](lake.png)"),
        "cell 2: a picture without alt text",
    ),
    "typed result": (
        new_markdown_cell("The network reaches 23.3 dB."),
        "cell 2: a result number no cell has printed, 23.3 (PSNR)",
    ),
    "path": (
        printed("in /" + "home/somebody/book"),
        "cell 2: an output that names a path, /home/",
    ),
    "stderr": (printed("50%", name="stderr"), "cell 2: stored stderr"),
    "untagged source": (
        printed("def f", source="show_source(f)"),
        "cell 2: shows source but",
    ),
    "semicolon": (
        printed("1", source="f();", metadata=CHECKED_CELL),
        "cell 2: checked, but its",
    ),
    "not run": (new_code_cell("1 + 1"), "not run in one go from top to bottom"),
    "error": (
        new_code_cell(
            "x", execution_count=1, outputs=[new_output("error", ename="NameError")]
        ),
        "cell 2: a stored error, NameError",
    ),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_notebook_is_found_and_its_place_named(tmp_path, name):
    cell, message = BROKEN[name]
    found = problems(stored(tmp_path, new_markdown_cell("# Title"), cell))
    assert found
    assert all(problem.startswith("07-broken.ipynb") for problem in found)
    assert any(message in problem for problem in found)


def test_what_is_allowed_is_not_found(tmp_path):
    prose = "# Title\n\n`{x}` and $\\{a\\}$ and {curly}\n\n> **Note** hi\n\n"
    prose += "```python\nf({1: 2})\n```"
    assert problems(stored(tmp_path, new_markdown_cell(prose), GOOD)) == []


def run_nbval(path):
    command = [
        sys.executable,
        "-m",
        "pytest",
        path.name,
        "--nbval-lax",
        "--nbval-current-env",
    ]
    command += ["-p", "no:cacheprovider", "-p", "no:xdist"]
    return subprocess.run(
        command, cwd=path.parent, capture_output=True, text=True, check=False
    )


def test_stale_source_fails_with_its_cell_named(tmp_path):
    from IPython.core.interactiveshell import InteractiveShell

    from colorize_lib.color import rgb_to_uint8
    from colorize_lib.notebook.chapter import show_source

    shown = show_source(rgb_to_uint8)
    data, metadata = InteractiveShell.instance().display_formatter.format(shown)
    source = (
        "from colorize_lib.notebook.chapter import show_source\n"
        "from colorize_lib.color import rgb_to_uint8\n"
        "show_source(rgb_to_uint8)"
    )

    def notebook(data):
        output = new_output(
            "execute_result", data=data, metadata=metadata, execution_count=1
        )
        cell = new_code_cell(
            source, execution_count=1, outputs=[output], metadata={"tags": [CHECKED]}
        )
        return stored(tmp_path, cell)

    fresh = run_nbval(notebook(data))
    assert fresh.returncode == 0, fresh.stdout
    stale = {kind: text.replace("round()", "floor()") for kind, text in data.items()}
    assert stale != data
    broken = run_nbval(notebook(stale))
    assert broken.returncode == 1
    assert "07-broken" in broken.stdout
    assert "Cell 0" in broken.stdout
    assert "floor()" in broken.stdout

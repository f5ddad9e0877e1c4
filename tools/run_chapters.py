"""Run chapters afresh, each in its own kernel, and store their outputs.

    python tools/run_chapters.py [book/01-rgb-and-lab.ipynb ...]

Without names all chapters run. A chapter that fails is left as it was. What does not
belong on a page is dropped: progress bars and warnings (stderr), the times of cells,
widget states."""

import argparse
import re
import sys
import time
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

from colorize_lib.files import replacing

BOOK = Path(__file__).parent.parent / "book"
# What colorize_lib.notebook.chapter prints at the start and at the end of a chapter.
OPENING = re.compile(
    r"Scale: (?P<scale>\w+) · device: (?P<device>.*?) · data: (?P<data>.*?) · seed.*\n"
)
CLOSING = re.compile(
    r": (?P<minutes>[\d.]+) minutes at the \w+ scale on .*\n"
    r"(?P<date>[\d-]+) · (?P<versions>Python .*)"
)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("notebooks", nargs="*", type=Path, help="by default all")
    failed = []
    for path in parser.parse_args().notebooks or sorted(BOOK.glob("*.ipynb")):
        started = time.monotonic()
        try:
            run(path)
            print(f"{path.name}: stored after {time.monotonic() - started:.0f} s")
        except CellExecutionError as error:
            failed.append(path.name)
            print(f"{path.name}: FAILED, left as it was\n{error}", file=sys.stderr)
    return bool(failed)


def run(path: Path) -> None:
    """Execute one notebook in its own folder and store it, cleaned."""
    notebook = nbformat.read(path, as_version=4)
    folder = {"metadata": {"path": path.parent}}
    NotebookClient(notebook, timeout=None, resources=folder).execute()
    clean(notebook)
    date(notebook)
    with replacing(path) as file:
        file.write(nbformat.writes(notebook).encode() + b"\n")


def clean(notebook: nbformat.NotebookNode) -> None:
    """Drop what changes with every run and does not belong on a page."""
    stamped = {key: x for key, x in notebook.metadata.items() if key in STAMPED}
    notebook.metadata = {"kernelspec": KERNEL, "language_info": LANGUAGE} | stamped
    for cell in notebook.cells:
        cell.metadata.pop("execution", None)
        if cell.cell_type == "code":
            kept = [out for out in cell.outputs if out.get("name") != "stderr"]
            cell.outputs = list(_merged(kept))


def run_of(notebook: nbformat.NotebookNode) -> dict[str, str] | None:
    """Scale, device, data, minutes, date, versions, as the first and last cell say."""
    said = "\n".join(output.text for output in _printed(notebook))
    opening, closing = OPENING.search(said), CLOSING.search(said)
    if not opening or not closing:
        return None
    return opening.groupdict() | closing.groupdict()


def date(notebook: nbformat.NotebookNode) -> None:
    """Say at the top, too, what only the last cell knows: the date and the minutes."""
    if (run := run_of(notebook)) is None:
        return
    line = f"This page: {run['minutes']} minutes, on {run['date']}\n"
    for output in _printed(notebook):
        if opening := OPENING.search(output.text):
            rest = re.sub(r"\AThis page: .*\n", "", output.text[opening.end() :])
            output.text = output.text[: opening.end()] + line + rest
            return


def _printed(notebook):
    return [
        output
        for cell in notebook.cells
        if cell.cell_type == "code"
        for output in cell.outputs
        if output.output_type == "stream"
    ]


def _merged(outputs):
    """What was printed in several pieces, as chance had it, in one box on the page."""
    printed = None
    for output in outputs:
        if printed and output.get("name") == "stdout":
            printed.text += output.text
            continue
        printed = output if output.get("name") == "stdout" else None
        yield output


KERNEL = {"display_name": "Python 3", "language": "python", "name": "python3"}
# The lexer knows "!" and "%", which Python's does not.
LANGUAGE = {"name": "python", "pygments_lexer": "ipython3"}
STAMPED = ("accelerator", "colab", "myst", "og:description")  # by tools/stamp.py

if __name__ == "__main__":
    sys.exit(main())

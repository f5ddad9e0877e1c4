"""What a stored notebook must obey. Each finding names the notebook and the cell."""

import ast
import re
from pathlib import Path

import nbformat
from prose import is_printed, printed_numbers, result_numbers

CHECKED = "nbval-check-output"
# Rendered by Jupyter Book, but raw text in Colab: directives and roles.
MYST = (
    re.compile(r"^\s*(`{3,}|:{3,}|~{3,})\s*\{[\w:-]+\}", re.MULTILINE),
    re.compile(r"(?<![`\w])\{[a-z][\w:-]*\}`[^`]+`"),
)
FENCED = re.compile(r"^```\w*\n.*?^```$", re.MULTILINE | re.DOTALL)
MACHINE_PATH = re.compile(r"(?<![\w.])/(?:home|root|tmp|work|Users|content)/[\w.-]+")
SHELL = re.compile(r"^(\s*)[!%].*$", re.MULTILINE)
SETUP = "chapter.start("  # in the cell that has all imports
TEACH_IMPORTS = ("01", "02")  # chapters that bring them one by one
MOST_BYTES = 1_500_000


def problems(path: Path) -> list[str]:
    """All that is wrong with a stored notebook, a line each."""
    cells = nbformat.read(path, as_version=4).cells
    found = []
    if path.stat().st_size > MOST_BYTES:
        found.append(f"{path.stat().st_size:,} bytes, at most {MOST_BYTES:,}")
    for number, cell in enumerate(cells, start=1):
        check = _markdown_problems if cell.cell_type == "markdown" else _code_problems
        found += [f"cell {number}: {problem}" for problem in check(cell)]
    found += _typed_results(cells)
    if not path.name.startswith(TEACH_IMPORTS):
        found += _imported_late(cells)
    counts = [x.execution_count for x in cells if _is_code(x) and x.source.strip()]
    if counts != list(range(1, len(counts) + 1)):
        found.append(f"not run in one go from top to bottom, counts are {counts}")
    return [f"{path.name}, {problem}" for problem in found]


def _markdown_problems(cell):
    if any(pattern.search(FENCED.sub("", cell.source)) for pattern in MYST):
        yield "a MyST directive or role, which Colab shows as raw text"
    if re.search(r"!\[\s*\]\(|<img(?![^>]*alt=\"[^\"]+)", cell.source):
        yield "a picture without alt text"


def _code_problems(cell):
    tags = cell.metadata.get("tags", [])
    alt = cell.metadata.get("mystnb", {}).get("image", {}).get("alt", "")
    for output in cell.outputs:
        if output.output_type == "error":
            yield f"a stored error, {output.ename}"
        if output.get("name") == "stderr":
            yield "stored stderr: warnings and progress bars do not belong on a page"
        data = output.get("data", {})
        if any(kind.startswith("image/") for kind in data) and len(alt) < 20:
            yield "a figure without alt text that says what it shows (mystnb.image.alt)"
        texts = [value for kind, value in data.items() if kind.startswith("text/")]
        text = "".join([output.get("text", ""), *texts])
        if path := MACHINE_PATH.search(text):
            yield f"an output that names a path, {path.group()}"
        if "matplotlib." in text and " at 0x" in text:
            yield "the name of a matplotlib object as an output"
    if "show_source(" in cell.source and CHECKED not in tags:
        yield f"shows source but is not compared with it: tag the cell {CHECKED}"
    if CHECKED in tags and (not cell.outputs or cell.source.rstrip().endswith(";")):
        yield f"tagged {CHECKED}, but there is no output to compare"


def _typed_results(cells):
    """A result that no cell prints stays as it is when the results change."""
    printed = printed_numbers(cells)
    for number, cell in enumerate(cells, start=1):
        for found in result_numbers(cell.source) if not _is_code(cell) else ():
            if not is_printed(found, printed):
                what = f"{found.text} ({', '.join(sorted(found.kinds))})"
                where = f"in {found.sentence!r}"
                yield f"cell {number}: a result number no cell has printed, {what}, {where}"


def _imported_late(cells):
    """Imports stand in one cell at the top; what Colab needs has its own above it."""
    setup = [i for i, cell in enumerate(cells, start=1) if SETUP in cell.source]
    for number, cell in enumerate(cells, start=1):
        if _is_code(cell) and setup and number > setup[0]:
            tree = ast.parse(SHELL.sub(r"\1pass", cell.source))
            if any(isinstance(x, ast.Import | ast.ImportFrom) for x in ast.walk(tree)):
                yield f"cell {number}: an import below cell {setup[0]}, which has them all"


def _is_code(cell):
    return cell.cell_type == "code"

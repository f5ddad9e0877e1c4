"""What a stored notebook must obey. Each finding names the notebook and the cell."""

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
MACHINE_PATH = re.compile(r"(?<![\w.])/(?:home|root|tmp|work|Users|content)/[\w.-]+")
MOST_BYTES = 1_500_000


def problems(path: Path) -> list[str]:
    """All that is wrong with a stored notebook, a line each."""
    notebook = nbformat.read(path, as_version=4)
    found = []
    if path.stat().st_size > MOST_BYTES:
        found.append(
            f"{path.name}: {path.stat().st_size:,} bytes, at most {MOST_BYTES:,}"
        )
    for number, cell in enumerate(notebook.cells, start=1):
        check = _markdown_problems if cell.cell_type == "markdown" else _code_problems
        found += [f"{path.name}, cell {number}: {problem}" for problem in check(cell)]
    found += [f"{path.name}, {problem}" for problem in _typed_results(notebook.cells)]
    counts = [cell.execution_count for cell in notebook.cells if _has_code(cell)]
    if counts != list(range(1, len(counts) + 1)):
        found.append(
            f"{path.name}: not run in one go from top to bottom, counts are {counts}"
        )
    return found


def _markdown_problems(cell):
    if any(pattern.search(_without_code(cell.source)) for pattern in MYST):
        yield "a MyST directive or role, which Colab shows as raw text"
    if re.search(r"!\[\s*\]\(", cell.source) or re.search(
        r"<img(?![^>]*alt=\"[^\"]+)", cell.source
    ):
        yield "a picture without alt text"


def _typed_results(cells):
    """A result that no cell prints stays as it is when the results change."""
    printed = printed_numbers(cells)
    for number, cell in enumerate(cells, start=1):
        if cell.cell_type != "markdown":
            continue
        for found in result_numbers(cell.source):
            if not is_printed(found, printed):
                what = f"{found.text} ({', '.join(sorted(found.kinds))})"
                where = f"in {found.sentence!r}"
                yield f"cell {number}: a result number no cell has printed, {what}, {where}"


def _without_code(markdown):
    """Plain fenced code may show anything; fences with directives are kept."""
    return re.sub(r"^```\w*\n.*?^```$", "", markdown, flags=re.MULTILINE | re.DOTALL)


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
        text = output.get("text", "") + "".join(
            value for kind, value in data.items() if kind.startswith("text/")
        )
        if MACHINE_PATH.search(text):
            yield f"an output that names a path, {MACHINE_PATH.search(text).group()}"
        if "matplotlib." in text and " at 0x" in text:
            yield "the name of a matplotlib object as an output"
    if "show_source(" in cell.source and CHECKED not in tags:
        yield f"shows source but is not compared with it: tag the cell {CHECKED}"
    if CHECKED in tags and cell.source.rstrip().endswith(";"):
        yield "checked, but its output is hidden by the semicolon"
    if CHECKED in tags and not cell.outputs:
        yield f"tagged {CHECKED}, but there is no output to compare"


def _has_code(cell):
    return cell.cell_type == "code" and cell.source.strip()

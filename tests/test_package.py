"""The package as a whole: who imports whom, what is not needed, how it is written."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "colorize_lib"
MODULES = sorted(PACKAGE.rglob("*.py"))


def floors():
    """The table of book/api.md: which floor each part of the package is on."""
    table = {}
    for line in (ROOT / "book" / "api.md").read_text().splitlines():
        if match := re.match(r"\| (\d) \| (.*?) \|", line):
            for name in re.findall(r"`(\w+)`", match[2]):
                table[name] = int(match[1])
    return table


def part(path):
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imported_parts(path):
    for node in ast.walk(ast.parse(path.read_text())):
        absolute = isinstance(node, ast.ImportFrom) and not node.level
        names = [node.module] if absolute else []
        if names == ["colorize_lib"]:
            names = [f"colorize_lib.{alias.name}" for alias in node.names]
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        for name in names:
            if name and name.startswith("colorize_lib."):
                yield name.split(".")[1]


def test_the_map_names_every_part_and_no_other():
    assert set(floors()) == {part(path) for path in MODULES} - {"__init__"}


@pytest.mark.parametrize(
    "path", MODULES, ids=lambda path: path.relative_to(PACKAGE).as_posix()
)
def test_imports_run_one_way(path):
    floor = floors()
    if part(path) == "__init__":
        return
    own = floor[part(path)]
    below = [name for name in imported_parts(path) if floor[name] > own]
    assert not below, f"{path.name}, on floor {own}, imports {below} from below"


# Longer than this, and a learner has lost the beginning when the end comes.
MOST_LINES = 45


def code_lines(function, source):
    """How many lines of a function are code: no docstring, comment or blank line."""
    start = function.lineno
    if ast.get_docstring(function, clean=False) is not None:
        start = function.body[0].end_lineno  # the line before it stands for the head
    lines = [line.strip() for line in source[start - 1 : function.end_lineno]]
    return sum(bool(line) and not line.startswith("#") for line in lines)


def test_no_function_is_longer_than_a_screen():
    found = {
        f"{path.name}: {node.name}"
        for path in MODULES
        for text in [path.read_text()]
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and code_lines(node, text.splitlines()) > MOST_LINES
    }
    assert not found


NEEDLESS = ("fastai", "timm", "skimage", "sklearn", "IPython", "jupyter", "nbformat")
EVERYTHING = [
    ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
    for path in MODULES
]


def run_python(code):
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)


def test_imports_without_what_only_the_book_needs():
    hidden = "".join(f"sys.modules[{name!r}] = None\n" for name in NEEDLESS)
    imports = "".join(f"import {module}\n" for module in EVERYTHING)
    result = run_python(f"import sys\n{hidden}{imports}")
    assert result.returncode == 0, result.stderr


def test_color_needs_neither_pictures_nor_networks_nor_figures():
    code = (
        "import sys, colorize_lib.color, colorize_lib.scenes\n"
        "print([m for m in ('PIL', 'torchvision', 'matplotlib') if m in sys.modules])"
    )
    result = run_python(code)
    assert result.stdout.strip() == "[]", result.stdout + result.stderr


@pytest.mark.parametrize("words", [["check"], ["format", "--check"]])
def test_ruff(words):
    command = [sys.executable, "-m", "ruff", *words, "."]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert result.returncode == 0, result.stdout + result.stderr


def test_no_file_names_a_path_of_some_machine():
    listed = ["git", "ls-files", "-z"]
    tracked = subprocess.run(listed, cwd=ROOT, capture_output=True, text=True).stdout
    pattern = re.compile(r"/(?:home|root|Users|tmp|work)/[\w.-]+/[\w./-]+")
    found = []
    for name in filter(None, tracked.split("\0")):
        path = ROOT / name
        if path.suffix in {".py", ".md", ".toml", ".yml", ".txt", ".json", ".cff"}:
            found += [f"{name}: {hit}" for hit in pattern.findall(path.read_text())]
    assert not found

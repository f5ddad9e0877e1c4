"""The package as a whole: what it exports, and what importing it costs."""

import subprocess
import sys
from pathlib import Path

import colorize_lib.photos


def test_everything_promised_is_there():
    package = colorize_lib.photos
    assert all(hasattr(package, name) for name in package.__all__)


def test_every_module_is_on_the_map():
    package = colorize_lib.photos
    folder, text = Path(package.__file__).parent, package.__doc__
    modules = {path.stem for path in folder.glob("*.py")} - {"__init__"}
    assert not [name for name in modules if f"``{name}``" not in text]


def test_importing_it_imports_nothing_heavy():
    code = (
        "import sys, colorize_lib.photos\n"
        "heavy = 'fastai skimage sklearn matplotlib torchvision'.split()\n"
        "print([name for name in heavy if name in sys.modules])"
    )
    root = Path(colorize_lib.photos.__file__).parents[2]
    run = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        cwd=root,
        check=True,
    )
    assert run.stdout.strip() == "[]"

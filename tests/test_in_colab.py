"""The setup cell as Colab runs it: another folder, another environment, no repository.

The environment has this one's packages without the book, and no network; the book's
address leads to a copy of this folder."""

import json
import os
import shutil
import subprocess
import sysconfig
import venv
import zipfile
from pathlib import Path

import nbformat
import pytest
import stamp

ROOT = Path(__file__).parents[1]
COLAB = """
import json, os, sys, types
from importlib.metadata import distributions
from IPython.core.interactiveshell import InteractiveShell

def packages():
    # What comes first on the path is what is imported.
    found = {}
    for one in distributions():
        found.setdefault(one.metadata["Name"], one.version)
    return found

class Shell(InteractiveShell):
    __module__ = "google.colab._shell"

sys.modules["google.colab"] = types.ModuleType("google.colab")
shell, before = Shell.instance(), packages()
for cell in json.loads(sys.argv[1]):
    shell.run_cell(cell, store_history=True).raise_error()
print(json.dumps({"before": before, "after": packages(), "path": sys.path}))
"""


@pytest.fixture(scope="module")
def colab(tmp_path_factory):
    """Run cells in an environment like Colab's; what is said, and its packages."""
    folder = tmp_path_factory.mktemp("colab")
    environment = folder / "environment"
    venv.create(environment, symlinks=True)
    ours = sysconfig.get_paths()["purelib"]
    [site] = environment.glob("lib/python*/site-packages")
    (site / "as-in-colab.pth").write_text(ours + "\n")

    remote = folder / "remote"
    remote.mkdir()
    ignored = shutil.ignore_patterns("__pycache__")
    for part in ("colorize_lib", "weights", "results", "tools"):
        shutil.copytree(ROOT / part, remote / part, ignore=ignored)
    for part in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / part, remote)
    _git(remote, "init", "-q", "-b", "main")
    _commit(remote, stamp.address().tag)
    _newer_tqdm(folder / "wheels")

    def run(*cells, work=None):
        variables = os.environ | {
            "GIT_CONFIG_COUNT": "2",  # the book's address leads to the copy
            "GIT_CONFIG_KEY_0": f"url.file://{remote}.insteadOf",
            "GIT_CONFIG_VALUE_0": stamp.address().code,
            "GIT_CONFIG_KEY_1": "advice.detachedHead",
            "GIT_CONFIG_VALUE_1": "false",
            "PIP_NO_INDEX": "1",
            "PIP_FIND_LINKS": str(folder / "wheels"),
            "PIP_NO_BUILD_ISOLATION": "0",  # pip reads it as: without isolation
            "PATH": f"{environment / 'bin'}{os.pathsep}{os.environ['PATH']}",
            "COLORIZE_SCALE": "quick",
            "IPYTHONDIR": str(folder / "ipython"),
        }
        for name in ("PYTHONPATH", "COLORIZE_RUNS"):
            variables.pop(name, None)
        python = environment / "bin" / "python"
        work = work or folder / "content"
        work.mkdir(exist_ok=True)
        done = subprocess.run(
            [python, "-c", COLAB, json.dumps(cells)],
            **{"cwd": work, "env": variables, "capture_output": True, "text": True},
        )
        said = done.stdout + done.stderr
        found = None if done.returncode else json.loads(done.stdout.splitlines()[-1])
        return said, found

    run.remote, run.folder = remote, folder
    return run


def _git(folder, *words):
    who = ("-c", "user.name=test", "-c", "user.email=test@localhost")
    subprocess.run(["git", *who, *words], cwd=folder, check=True, capture_output=True)


def _commit(folder, tag):
    _git(folder, "add", "-A")
    _git(folder, "commit", "-qm", "the book")
    _git(folder, "tag", tag)


def _newer_tqdm(folder):
    """A wheel that pip would take, were it asked for, and allowed to."""
    folder.mkdir()
    info = "tqdm-99.0.dist-info"
    with zipfile.ZipFile(folder / "tqdm-99.0-py3-none-any.whl", "w") as wheel:
        wheel.writestr("tqdm/__init__.py", "")
        head = "Metadata-Version: 2.1\nName: tqdm\nVersion: 99.0\n"
        wheel.writestr(f"{info}/METADATA", head)
        kind = "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        wheel.writestr(f"{info}/WHEEL", kind)
        wheel.writestr(f"{info}/RECORD", "")


def setup_of(name):
    notebook = nbformat.read(ROOT / "book" / f"{name}.ipynb", as_version=4)
    return notebook.cells[1].source


def test_the_setup_cell_fetches_the_book_and_moves_no_package(colab):
    use = "import colorize_lib; print('from', colorize_lib.__file__)"
    setup = setup_of("03-autoencoder")
    said, found = colab(setup, use, setup)
    assert found, said
    fetched = colab.folder / "content" / "learning-to-colorize"
    assert f"from {fetched / 'colorize_lib' / '__init__.py'}" in said
    moved = {
        name: (version, found["after"].get(name))
        for name, version in found["before"].items()
        if found["after"].get(name) != version
    }
    assert not moved, f"the setup cell moved {moved}"
    assert "fatal" not in said
    again, found = colab(setup, use)  # after a restart: run all once more
    assert found, again
    assert "fatal" not in again


@pytest.mark.slow
def test_a_chapter_runs_far_from_the_repository(colab):
    notebook = nbformat.read(ROOT / "book" / "09-evaluation.ipynb", as_version=4)
    code = [cell.source for cell in notebook.cells if cell.cell_type == "code"]
    work = colab.folder / "elsewhere"
    said, found = colab("import matplotlib; matplotlib.use('agg')", *code, work=work)
    assert found, said[-3000:]
    assert [path.name for path in work.iterdir()] == ["learning-to-colorize"]


@pytest.mark.slow
def test_what_would_move_a_package_is_refused(colab):
    project = colab.remote / "pyproject.toml"
    text = project.read_text()
    project.write_text(text.replace('"tqdm>=4.66"', '"tqdm>=99"'))
    assert project.read_text() != text
    _commit(colab.remote, "wishes-more")
    tag = stamp.address().tag
    setup = setup_of("03-autoencoder").replace(f"-b {tag} ", "-b wishes-more ")
    said, found = colab(setup, work=colab.folder / "newer")
    assert found is None
    assert "The book could not be installed" in said
    assert "tqdm" in said
    said, found = colab("pass")
    assert found["after"]["tqdm"] != "99.0"

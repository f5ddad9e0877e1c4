"""A chapter that would fail in Colab fails here, and the report says why."""

import os
import re
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
import try_in_colab
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook
from try_in_colab import changes, other_library, publish, run

LIBRARY = Path(try_in_colab.__file__).parents[1]
METADATA = "Metadata-Version: 2.1\nName: {}\nVersion: {}\n"


def test_changes():
    before = {"numpy": "2.1.3", "torch": "2.11.0", "pillow": "11.3.0"}
    assert changes(before, before) == ([], [])
    after = {"numpy": "2.5.5", "torch": "2.11.0", "timm": "1.0.31"}
    assert changes(before, after) == (
        ["timm 1.0.31"],
        ["numpy 2.1.3 to 2.5.5", "pillow 11.3.0 to nothing"],
    )


def test_another_library_is_found_out(tmp_path):
    for name in ("one", "other"):
        (tmp_path / name / "colorize_lib").mkdir(parents=True)
        (tmp_path / name / "colorize_lib" / "__init__.py").touch()
    origin = str(tmp_path / "one" / "colorize_lib" / "__init__.py")
    assert other_library(origin, tmp_path / "other") == []
    (tmp_path / "other" / "colorize_lib" / "new.py").touch()
    [problem] = other_library(origin, tmp_path / "other")
    assert "is not that of this checkout" in problem
    assert "cannot be imported" in other_library(None, tmp_path / "other").pop()


@pytest.fixture
def colab(tmp_path, monkeypatch):
    """What kernels find: a google.colab, and one installed package."""
    installed = tmp_path / "installed"
    (installed / "google" / "colab").mkdir(parents=True)
    (installed / "google" / "colab" / "__init__.py").touch()
    info = installed / "made_up-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(METADATA.format("made-up", "1.0"))
    monkeypatch.setenv("PYTHONPATH", f"{installed}{os.pathsep}{LIBRARY}")
    return installed


@pytest.fixture
def tried(tmp_path, colab):
    """Run a chapter with these cells in an empty folder."""

    def tried(setup, *cells):
        path, folder = tmp_path / "01-a.ipynb", tmp_path / "content"
        folder.mkdir(exist_ok=True)
        code = [new_code_cell(source) for source in (setup, *cells)]
        title = new_markdown_cell("# 1. A")
        nbformat.write(new_notebook(cells=[title, *code]), path)
        return run(path, folder, LIBRARY)

    return tried


def test_a_chapter_that_runs(tried, colab, tmp_path):
    metadata = METADATA.format("one-more", "2.0")
    told, problems = tried(
        f"""\
import pathlib, sys
assert "google.colab" in sys.modules
folder = pathlib.Path({str(colab)!r}, "one_more-2.0.dist-info")
folder.mkdir()
(folder / "METADATA").write_text({metadata!r})""",
        "pathlib.Path('here').touch()",
    )
    assert (told, problems) == (["installed one-more 2.0"], [])
    assert (tmp_path / "content" / "here").exists()


def test_a_chapter_that_moves_a_package_and_fails(tried, colab, capsys):
    path = str(colab / "made_up-1.0.dist-info" / "METADATA")
    told, problems = tried(
        f"open({path!r}, 'w').write({METADATA.format('made-up', '2.0')!r})\n"
        "print('no network')\n"
        "import sys; sys.meta_path.insert(0, type('No', (), {\n"
        "    'find_spec': lambda name, *more: Nothing() if name == 'colorize_lib' else None\n"
        "})); Nothing = lambda: type('S', (), {'origin': '/else/where/__init__.py'})",
        "print('reached')\nraise ValueError('this chapter fails')",
        "print('never reached')",
    )
    assert told == []
    assert problems == [
        "**ValueError: this chapter fails**",
        "**moved made-up 1.0 to 2.0**",
        "**the library, from /else/where, is not that of this checkout**",
    ]
    err = capsys.readouterr().err
    assert "raise ValueError('this chapter fails')" in err
    assert "The setup cell says:\nno network\n" in err


def test_a_setup_cell_that_fails(tried, tmp_path):
    assert tried("1 / 0") == ([], ["**ZeroDivisionError: division by zero**"])
    (tmp_path / "setup.py").write_text("raise SystemExit('no network')")
    # A kernel goes on after that.
    assert tried(f"%run {tmp_path}/setup.py") == ([], ["**SystemExit: no network**"])


@pytest.fixture
def checkout(tmp_path, monkeypatch):
    """A repository with a stamp.py of three lines, as the workflow checks it out."""
    root = tmp_path / "checkout"
    (root / "tools").mkdir(parents=True)
    (root / ".venv").mkdir()
    (root / "address").write_text("not set\n")
    (root / "tools" / "stamp.py").write_text(
        "import pathlib, sys\n"
        "pathlib.Path('address').write_text(' '.join(sys.argv[1:]))\n"
        "print('stamped')\n"
    )
    for command in (
        ["init", "--quiet", "--initial-branch", "main"],
        ["add", "address", "tools"],
        ["-c", "user.name=x", "-c", "user.email=x", "commit", "--quiet", "-m", "x"],
    ):
        subprocess.run(["git", *command], cwd=root, check=True)
    monkeypatch.setattr(try_in_colab, "ROOT", root)
    return root


@pytest.mark.parametrize(("tag", "detached"), [("some/branch", False), ("v1.0", True)])
def test_the_address_leads_to_this_commit(checkout, tmp_path, tag, detached):
    if detached:  # as for a tag
        command = ["git", "checkout", "--quiet", "--detach"]
        subprocess.run(command, cwd=checkout, check=True)
    environment = os.environ | publish(tmp_path / "copy", "an-owner", "a-book", tag)
    address = "https://github.com/an-owner/a-book"
    # As the setup cells do.
    clone = ["git", "clone", "-q", "--depth=1", "-b", tag, address, "book"]
    subprocess.run(clone, cwd=tmp_path, env=environment, check=True)
    told = (tmp_path / "book" / "address").read_text()
    assert told == f"--owner an-owner --repository a-book --tag {tag}"
    assert (checkout / "address").read_text() == "not set\n"
    assert not (tmp_path / "copy" / ".venv").exists()


def test_the_line_for_the_summary(checkout, monkeypatch, capsys):
    (checkout / "book").mkdir()
    (checkout / "book" / "01-a.ipynb").touch()
    problems = []

    def run(path, folder, copy):
        assert path.is_file()
        assert path.is_relative_to(copy)
        assert not list(folder.iterdir())
        assert os.environ["GIT_CONFIG_VALUE_0"] == "https://github.com/o/r"
        return ["installed timm 1.0"], problems

    monkeypatch.setattr(try_in_colab, "run", run)
    asked = ["--owner", "o", "--repository", "r", "--tag", "t", "book/01-a.ipynb"]
    monkeypatch.setattr(sys, "argv", ["try_in_colab.py", *asked])
    for name in ("COUNT", "KEY_0", "VALUE_0"):  # put back at the end
        monkeypatch.setenv(f"GIT_CONFIG_{name}", "0")
    assert try_in_colab.main() == 0
    out = capsys.readouterr().out  # what stamp.py prints does not land in the summary
    assert re.fullmatch(r"- book/01-a\.ipynb, 0:\d\d; installed timm 1\.0\n", out)
    problems.append("**moved numpy**")
    assert try_in_colab.main() == 1
    assert capsys.readouterr().out.endswith("; installed timm 1.0; **moved numpy**\n")


@pytest.mark.slow
def test_a_cell_without_an_end_and_a_kernel_that_dies(tried, monkeypatch):
    monkeypatch.setattr(try_in_colab, "LONGEST_CELL", 2)
    endless = "import time; time.sleep(60)"
    assert tried("pass", endless) == ([], ["**CellTimeoutError**"])
    killed = "import os, signal; os.kill(os.getpid(), signal.SIGKILL)"  # no memory left
    assert tried("pass", killed) == ([], ["**DeadKernelError**"])

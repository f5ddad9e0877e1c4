"""Run a chapter as Colab would: in an empty folder, its setup cell first.

    python tools/try_in_colab.py --owner O --repository R --tag T book/NAME.ipynb

For a machine like Colab's; the weekly workflow runs Google's own image. The setup cell
fetches the book from its address; git is told to take a stamped copy of this checkout
for it, so what is tried is this commit, published or not.

Ends with 1 where a cell fails, where the setup cell moved or removed a package that was
there, and where the chapter got another library than this checkout's."""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError
from nbformat.v4 import new_code_cell

ROOT = Path(__file__).parent.parent
LONGEST_CELL = 900  # seconds; at the quick scale a whole chapter takes far less
# In Colab google.colab is there before the first cell, and the shell is one of its
# classes; by that, setup cells know it. Without Colab's own launcher it has to be said.
PROBE = """\
import google.colab, importlib, importlib.metadata, importlib.util, json
type(get_ipython()).__module__ = "google.colab._shell"
importlib.invalidate_caches()
installed = reversed(list(importlib.metadata.distributions()))  # the first one counts
library = importlib.util.find_spec("colorize_lib")
print(json.dumps({
    "packages": {one.name.lower(): one.version for one in installed if one.name},
    "library": library and library.origin,
}))"""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for name in ("owner", "repository", "tag"):
        parser.add_argument(f"--{name}", required=True)
    parser.add_argument("notebook", help="from the root of the book's repository")
    asked = parser.parse_args()
    started = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder, "book")
        environment = publish(copy, asked.owner, asked.repository, asked.tag)
        os.environ.update(environment)  # kernels, and git in them, inherit it
        empty = Path(folder, "content")
        empty.mkdir()
        told, problems = run(copy / asked.notebook, empty, copy)
    minutes, seconds = divmod(round(time.monotonic() - started), 60)
    print("; ".join([f"- {asked.notebook}, {minutes}:{seconds:02}", *told, *problems]))
    return bool(problems)


def publish(copy: Path, owner: str, repository: str, tag: str) -> dict[str, str]:
    """Stamp and commit a copy of this checkout; the variables by which git finds it."""
    leave = shutil.ignore_patterns(".venv", "_build", "runs", "__pycache__")
    shutil.copytree(ROOT, copy, ignore=leave)
    git = ["git", "-c", "user.name=nobody", "-c", "user.email=nobody@localhost"]
    stamp = [sys.executable, "tools/stamp.py", "--owner", owner]
    for command in (
        [*git, "checkout", "--quiet", "-B", tag],
        [*stamp, "--repository", repository, "--tag", tag],
        [*git, "commit", "--quiet", "--allow-empty", "--all", "--message", "Stamped"],
    ):
        here = os.environ | {"PYTHONPATH": str(copy)}
        done = subprocess.run(
            command, cwd=copy, env=here, check=True, stdout=subprocess.PIPE, text=True
        )
        print(done.stdout, end="", file=sys.stderr)  # stdout goes into the summary
    return {
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": f"url.{copy.as_uri()}.insteadOf",
        "GIT_CONFIG_VALUE_0": f"https://github.com/{owner}/{repository}",
    }


def run(path: Path, folder: Path, checkout: Path) -> tuple[list[str], list[str]]:
    """Execute a notebook in a folder; what is worth telling, and what is wrong."""
    notebook = nbformat.read(path, as_version=4)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    before, after = new_code_cell(PROBE), new_code_cell(PROBE)
    notebook.cells = [before, code[0], after, *code[1:]]
    there = {"metadata": {"path": str(folder)}}
    told, problems = [], []
    try:
        NotebookClient(notebook, timeout=LONGEST_CELL, resources=there).execute()
    except (CellExecutionError, CellTimeoutError, DeadKernelError) as error:
        print(error, file=sys.stderr)
        if not isinstance(error, CellExecutionError):
            problems.append(f"**{type(error).__name__}**")
    problems = (
        problems
        or [
            f"**{output.ename}: {output.evalue}**"  # or of a SystemExit, which stops no kernel
            for cell in notebook.cells
            for output in cell.outputs
            if output.output_type == "error"
        ]
    )
    print(f"The setup cell says:\n{_printed(code[0])}", file=sys.stderr)
    if _printed(after):
        found = [json.loads(_printed(probe)) for probe in (before, after)]
        added, moved = changes(*(one["packages"] for one in found))
        told += [f"installed {', '.join(added)}"] if added else []
        problems += [f"**moved {one}**" for one in moved]
        problems += other_library(found[1]["library"], checkout)
    return told, problems


def changes(
    before: dict[str, str], after: dict[str, str]
) -> tuple[list[str], list[str]]:
    """Packages that came, and packages that are no longer what they were."""
    added = [f"{name} {after[name]}" for name in sorted(after.keys() - before)]
    moved = [
        f"{name} {version} to {after.get(name, 'nothing')}"
        for name, version in sorted(before.items())
        if after.get(name) != version
    ]
    return added, moved


def other_library(origin: str | None, checkout: Path) -> list[str]:
    """What is wrong with the library that was found, if it should be the checkout's."""
    if origin is None:
        return ["**colorize_lib cannot be imported after the setup cell**"]
    one, other = Path(origin).parent, checkout / "colorize_lib"
    sources = [
        {path.relative_to(root): path.read_bytes() for path in root.rglob("*.py")}
        for root in (one, other)
    ]
    if sources[0] == sources[1]:
        return []
    return [f"**the library, from {one}, is not that of this checkout**"]


def _printed(cell):
    return "".join(out.text for out in cell.outputs if out.get("name") == "stdout")


if __name__ == "__main__":
    sys.exit(main())

"""Write book/does-it-run.md: where the outputs come from, and when tests last passed.

    python tools/runs_page.py

Run `make test` before: the notebooks that it found to run are added to
results/green-runs.json, which the page is made of, together with the notebooks."""

import json
from pathlib import Path

import estimate_colab as colab
import nbformat
from run_chapters import run_of

from colorize_lib.evaluation.results import FOLDER
from colorize_lib.files import replacing

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "book" / "does-it-run.md"
RECORD = FOLDER / "green-runs.json"
FRESH = ROOT / "_build" / "green-runs.json"  # by book/conftest.py, in the tests
INTRODUCTION = """\
# Does it still run?

<!-- Made by tools/runs_page.py; change that, and run it again. -->

Two answers for each chapter, and an estimate: where the outputs on its page come from,
when it last ran from top to bottom in the tests, and how long it takes on a free T4. All are
written by programs, none by hand.

## The stored outputs

What a chapter's first and last cells said when the page was made. The minutes are those of
the notebook; trainings that it loaded print their own, beside their tables.
"""
ESTIMATED = """\
## Minutes in Colab, estimated

Nobody has timed these yet. `tools/estimate_colab.py` counts the floating-point operations
and the steps of what a chapter trains at the colab scale, and assumes of the free T4 that
it does {useful:.0f} of its 65 trillion operations a second, that a step takes at
least {step:g} s ({pix2pix:g} s in a game of pix2pix, {wgan:g} s with a gradient penalty),
that {prepared} photographs a second are prepared, that 3 GB arrive in {download:.1f} minutes, and
that all else takes {other:.0f} minutes. Chapters 2 and 6, which are not
listed, download the same 3 GB; the others take a minute or two.
"""
TESTED = """\
## The last green run in the tests

`make test` runs every notebook at the quick scale, and compares the cells whose output
must not change. Several run at a time, so each takes longer than alone. The list is renewed
where a whole chapter went through.
"""


def main() -> None:
    record = json.loads(RECORD.read_text()) if RECORD.exists() else {}
    if FRESH.exists():
        record |= json.loads(FRESH.read_text())
    text = page(record)  # all of it, before a file is touched
    with replacing(RECORD) as file:
        file.write((json.dumps(record, indent=1, sort_keys=True) + "\n").encode())
    with replacing(PAGE) as file:
        file.write(text.encode())


def page(record: dict[str, dict]) -> str:
    """The whole page.

    Args:
        record: of each notebook that was found to run its ``date``, ``system``,
            ``python``, ``torch`` and ``minutes``.

    Raises:
        ValueError: a notebook does not say how it was run.
    """
    notebooks = sorted((ROOT / "book").glob("*.ipynb"))
    runs = [
        [link, run["scale"], run["device"], run["data"], run["minutes"], run["date"]]
        for link, run in ((_link(path), stored_run(path)) for path in notebooks)
    ]
    versions = {path.stem: stored_run(path)["versions"] for path in notebooks}
    tested = [[_link(path), *_tested(record.get(path.stem, {}))] for path in notebooks]
    estimate = json.loads((FOLDER / "colab-estimate.json").read_text())
    minutes = [
        [_link(path), f"{estimate[path.stem]['minutes']:.0f}"]
        for path in notebooks
        if path.stem in estimate
    ]
    assumed = {
        "useful": colab.USEFUL / 1e12,
        "step": colab.STEP,
        "pix2pix": colab.PIX2PIX_STEP,
        "wgan": colab.WGAN_STEP,
        "prepared": colab.PREPARED,
        "download": colab.DOWNLOAD / 60,
        "other": colab.OTHER_CELLS / 60,
    }
    return "\n".join(
        [
            INTRODUCTION,
            _table(["chapter", "scale", "device", "data", "minutes", "date"], runs),
            "",
            *(f"- {_names(names)}: {v}" for v, names in _by_value(versions).items()),
            "",
            ESTIMATED.format(**assumed),
            _table(["chapter", "minutes"], minutes),
            "",
            TESTED,
            _table(["chapter", "date", "minutes", "on"], tested),
            "",
        ]
    )


def stored_run(path: Path) -> dict[str, str]:
    """What the first and the last cell of a stored notebook have printed."""
    run = run_of(nbformat.read(path, as_version=4))
    if run is None:
        raise ValueError(
            f"{path.name} does not print its scale and its minutes: it must begin with "
            "chapter.start() and end with run.finish(), and be run"
        )
    return run


def _tested(run):
    if not run:
        return ["not yet", "–", "–"]
    where = f"{run['system']}, Python {run['python']}, torch {run['torch']}"
    return [run["date"], f"{run['minutes']:.1f}", where]


def _by_value(versions):
    found = {}
    for name, value in versions.items():
        found.setdefault(value, []).append(name)
    return found


def _names(names):
    numbers = ", ".join(str(int(name[:2])) for name in names)
    return f"chapter{'s' if len(names) > 1 else ''} {numbers}"


def _link(path):
    return f"[{int(path.stem[:2])}]({path.stem})"


def _table(heads, rows):
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


if __name__ == "__main__":
    main()

"""Pages that are computed at the build: what stands together is comparable."""

import importlib.util
import json
from pathlib import Path

import nbformat
import pytest
import torch

from colorize_lib.evaluation.results import FOLDER, load_result
from colorize_lib.evaluation.scores import GRAY, TRUTH, Estimate, Scores
from colorize_lib.experiments.compare import Comparison
from colorize_lib.training.recipes import RECIPES

ROOT = Path(__file__).parents[2]
EXECUTED = ROOT / "_build" / "jupyter_execute" / "book"
METHODS = {
    "compare-losses": {"L2", "L1", "classes", "classes, rebalanced"},
    "compare-games": {
        "pix2pix, L1 weight 100",
        "pix2pix, L1 weight 1000",
        "WGAN-GP 1 : 1",
    },
}


@pytest.fixture(scope="module")
def pages():
    """The module that the pages share; they run beside it."""
    spec = importlib.util.spec_from_file_location("pages", ROOT / "book" / "pages.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def executed(name):
    """What the cells of a page have shown, once the book is built."""
    path = EXECUTED / f"{name}.ipynb"
    if not path.exists():
        pytest.skip("the book is not built: run `make book`")
    cells = nbformat.read(path, as_version=4).cells
    outputs = [output for cell in cells for output in cell.get("outputs", [])]
    return "\n".join(x.get("data", {}).get("text/markdown", "") for x in outputs)


# ------------------------------------------------------------ what the pages show


def test_every_model_and_every_comparison_is_among_the_results():
    shown = executed("all-results")
    page = (ROOT / "book" / "all-results.md").read_text()
    for name in (path.stem for path in FOLDER.glob("*.json")):
        if name in RECIPES:
            assert shown.count(f"| {name} ") >= 4, name
        if name.startswith("compare-"):
            assert f'compared("{name}")' in page
    psnr = load_result("pix2pix")["summary"]["pix2pix"]["psnr"]
    assert (
        "{mean:.2f}<br><small>{low:.2f} to {high:.2f}</small>".format(**psnr) in shown
    )


def test_every_recipe_is_described_and_was_run_or_tried_or_is_said_not_to_be():
    shown = executed("all-recipes")
    tried = json.loads((FOLDER / "trials.json").read_text())
    not_tried = shown.partition("Not tried yet: ")[2]
    for name, recipe in RECIPES.items():
        assert f"### {name}\n\n{recipe.about}" in shown
        if name not in tried and not (FOLDER / f"{name}.json").exists():
            assert name in not_tried
        if name in tried:
            assert len(tried[name]["stages"]) == len(recipe.stages)


# ------------------------------------------------------------ what their text claims


def test_all_methods_start_from_the_same_and_see_the_same():
    losses, games = (load_result(name) for name in METHODS)
    assert losses["photographs"] == games["photographs"]
    for name, variants in METHODS.items():
        for variant in variants:
            recipe = load_result(name)["recipes"][variant]
            (stage,) = recipe["stages"]
            assert recipe["start_from"] == "unet-squeezenet"
            assert (stage["size"], stage["epochs"], stage["batch_size"]) == (32, 3, 16)


def test_every_idea_sees_as_many_pictures_as_the_first():
    seen = {}
    for run in Comparison.load("compare-ideas").runs:
        pictures = [line["seconds"] * line["images_per_second"] for line in run.history]
        seen.setdefault(run.variant, sum(pictures))
    first, *others = [n for name, n in seen.items() if name != "no landscapes"]
    assert others == pytest.approx([first] * len(others), rel=0.03)


# ------------------------------------------------------------ tables


def result(psnr=(20.0, 22.0), protocol="as always", photographs=("a.jpg", "b.jpg")):
    rows = {GRAY: (19.0, 20.0), "net": psnr, TRUTH: (100.0, 100.0)}
    scores = {row: Scores({"psnr": torch.tensor(x)}) for row, x in rows.items()}
    return {
        "protocol": protocol,
        "photographs": {"test": photographs},
        "scores": scores,
    }


def test_results_of_other_photographs_do_not_get_into_one_table(pages):
    one, rounded, other_file = result(), result((1.0, 2.0)), result()
    rounded["scores"][GRAY].values["psnr"] += 1e-4
    other_file["scores"][GRAY].values["psnr"] += 0.01
    assert pages.same_photographs(one, rounded)
    assert not pages.same_photographs(one, other_file)
    assert not pages.same_photographs(one, result(protocol="in another way"))
    assert not pages.same_photographs(one, result(photographs=("c.jpg", "d.jpg")))


def test_differences_are_paired(pages):
    found = pages.minus({"net": result((21.0, 22.0))}, GRAY)["net"]["psnr"]
    assert (found.mean, found.low, found.high) == (2.0, 2.0, 2.0)


def test_a_cell_has_its_interval_and_a_sign_where_zero_is_in_it(pages):
    rows = {
        "a": {"x": Estimate(1.0, -0.5, 2.0)},
        "odds": {"x": Estimate(1, 1, 1)},
        "c": {},
    }
    lines = pages.table(rows, {"x": ("X ↑", ".1f")}, signed=True).splitlines()
    cells = [[cell.strip() for cell in line.split("|")[1:-1]] for line in lines]
    assert cells[0] == ["", "X ↑"]
    assert cells[2:] == [
        ["a", "+1.0 °<br><small>-0.5 to +2.0</small>"],
        ["probabilities", "+1.0"],
        ["c", "–"],
    ]


def test_seeds_are_averaged_between_the_lowest_and_the_highest(pages):
    def row(psnr):
        return {metric: {"mean": psnr} for metric in pages.HEADINGS}

    summary = {GRAY: row(19.0), TRUTH: row(100.0), "y, seed 0": row(1.0)}
    summary |= {f"x, seed {seed}": row(psnr) for seed, psnr in enumerate((20, 21, 25))}
    compared = {"summary": summary, "runs": [["x", 0], ["y", 0], ["x", 1], ["x", 2]]}
    found = pages.over_seeds(compared, ["x"])
    assert list(found) == [GRAY, "x", TRUTH]
    assert found["x"]["psnr"] == Estimate(22.0, 20, 25)

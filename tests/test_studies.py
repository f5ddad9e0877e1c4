"""Every stored result has what makes it again, and at a toy size it does."""

import importlib
import json
import re
import shutil
import subprocess
import sys
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
import study
import trials

from colorize_lib.models.pretrained import WeightsUnavailableError
from colorize_lib.photos import from_path
from colorize_lib.training.recipes import RECIPES

ROOT = Path(__file__).parents[1]
STUDIES = sorted(path.stem for path in (ROOT / "studies").glob("*.py"))
STUDIES.remove("study")
# Attempts whose recipes were not kept: their numbers stay, nothing makes them again.
NOT_AGAIN = {"unet-squeezenet-unfrozen", "unet-efficientnet-lite-unfrozen"}


@pytest.fixture
def do(tmp_path, monkeypatch):
    """Run a study by its name in an empty folder; its result."""
    monkeypatch.setattr(study, "FOLDER", tmp_path)
    monkeypatch.chdir(tmp_path)

    def do(name, *words):
        prepared = ["--prepared", str(tmp_path / "prepared")]
        monkeypatch.setattr(sys, "argv", [f"{name}.py", *words, *prepared])
        importlib.import_module(name).main()
        return json.loads((tmp_path / f"{name.replace('_', '-')}.json").read_text())

    return do


@pytest.mark.parametrize("name", STUDIES)
def test_every_study_says_what_it_asks(do, name, capsys):
    with pytest.raises(SystemExit):
        do(name, "--help")
    said = capsys.readouterr().out
    assert f"python studies/{name}.py" in said
    assert "?" in said.split("\n\n")[1]


@pytest.mark.skipif(shutil.which("make") is None, reason="no make")
def test_make_full_trains_in_an_order_in_which_everything_is_there(tmp_path):
    for name in ("Makefile", "requirements.txt", "pyproject.toml"):
        shutil.copy(ROOT / name, tmp_path)
    (tmp_path / ".venv").mkdir()
    (tmp_path / ".venv" / "ready").touch()
    names = {path.stem for path in (ROOT / "results").glob("*.json")} - NOT_AGAIN
    files = [f"results/{name}.json" for name in sorted(names)]
    done = subprocess.run(
        ["make", "-n", "full", *files, "COLORIZE_PHOTOS=one:two"],
        **{"cwd": tmp_path, "capture_output": True, "text": True, "check": True},
    )
    made = []
    for line in done.stdout.splitlines():
        if found := re.search(r"colorize train (\S+)|python studies/(\w+)\.py", line):
            recipe, script = found.groups()
            assert "--data one --data two" in line
            assert script in (None, *STUDIES)
            if recipe and (start := RECIPES[recipe].start_from):
                assert start in made
            made.append(recipe or script.replace("_", "-"))
    assert set(made) >= names
    assert made.index("evaluation") > made.index("unet-squeezenet-classes")
    stored = {path.stem for path in (ROOT / "weights").glob("*.md")}
    trained = names & set(RECIPES)
    assert stored == {name for name in trained if not RECIPES[name].scores_only}


def test_every_recipe_was_run_in_full_or_is_tried():
    in_full = {path.stem for path in (ROOT / "results").glob("*.json")}
    assert set(trials.TRIALS) == set(RECIPES) - in_full


# ------------------------------------------------------------ at a toy size


def small_scenes(monkeypatch, name):
    script = importlib.import_module(name)
    monkeypatch.setattr(script, "TRAINING", 16)
    monkeypatch.setattr(script, "UNSEEN", 4)
    return script


def test_landings(do, monkeypatch):
    script = small_scenes(monkeypatch, "landings")
    stages = script.scene_stages()
    short = {name: (replace(x, epochs=1), loss) for name, (x, loss) in stages.items()}
    monkeypatch.setattr(script, "scene_stages", lambda: short)
    first = do("landings", "--seeds", "1")
    methods = [run["method"] for run in first["runs"]]
    assert methods == ["the true colors", *short]
    assert first["runs"][0]["balloon"]["mode"] == pytest.approx(0, abs=1e-3)
    monkeypatch.setattr(script, "train_on_scenes", None)
    assert do("landings", "--seeds", "1") == first  # nothing is trained again


def test_probabilities(do, monkeypatch):
    script = small_scenes(monkeypatch, "probabilities")
    monkeypatch.setattr(script, "SCENE_ALONE", replace(script.SCENE_ALONE, epochs=1))
    runs = do("probabilities", "--seeds", "1")["runs"]
    assert [run["method"] for run in runs] == [
        "classes",
        "rebalanced classes",
        "rebalanced, weights divided out",
    ]
    assert set(runs[0]["landings"]) == {"mean", "annealed", "mode", "sample"}


def test_color_counts(do, write_photos, tmp_path):
    photos = write_photos(tmp_path / "photos", 9)
    found = do("color_counts", "--data", str(photos))
    assert (found["pictures"], found["data"]) == (9, "photos")
    assert sum(found["counts"]) == 9 * 128 * 128


@pytest.mark.slow
def test_compare_photographs(do, monkeypatch, write_photos, tmp_path):
    script = importlib.import_module("compare_photographs")
    monkeypatch.setattr(script, "SIZE", 32)
    monkeypatch.setattr(script, "BATCH", 4)
    monkeypatch.setattr(script, "BUDGETS", {8: 2, 16: 1})
    photos = write_photos(tmp_path / "photos", 12)
    more = write_photos(tmp_path / "more", 12, seed=1)
    words = ["--data", str(photos), "--also", str(more), "--seeds", "1"]
    found = do("compare_photographs", *words)
    assert found["runs"] == [["8 photographs", 0], ["16 photographs", 0]]
    shutil.rmtree(tmp_path / "runs")  # as on another machine, which has the result
    with monkeypatch.context() as patch:
        patch.setattr("colorize_lib.experiments.compare.train", None)
        again = do("compare_photographs", *words)
    assert again["scores"] == found["scores"]
    assert found["photographs"]["also"] == "more"
    monkeypatch.setattr(script, "BUDGETS", {99: 1})
    with pytest.raises(ValueError, match="photographs are fewer than 99"):
        do("compare_photographs", *words)


@pytest.mark.slow
def test_compare_default(do, monkeypatch, write_photos, tmp_path):
    script = importlib.import_module("compare_default")
    for name, value in {"SIZE": 32, "BATCH": 4, "EPOCHS": 1}.items():
        monkeypatch.setattr(script, name, value)
    untrained = partial(script.efficientnet_lite_unet, pretrained=False)
    monkeypatch.setattr(
        script,
        "efficientnet_lite_unet",
        lambda lite, widths, pretrained: untrained(lite, widths),
    )
    photos = write_photos(tmp_path / "photos", 20)
    found = do("compare_default", "--data", str(photos), "--seeds", "1")
    assert found["runs"] == [[name, 0] for name in script.VARIANTS]


@pytest.mark.slow
def test_public_test(do, monkeypatch, write_photos, tmp_path):
    script = importlib.import_module("public_test")
    source = from_path(write_photos(tmp_path / "photos", 12), "public_test")
    monkeypatch.setattr(script, "public_test", lambda: source)
    try:
        found = do("public_test")
    except WeightsUnavailableError as error:
        pytest.skip(str(error))
    assert found["photographs"]["data"] == "public_test"
    models = importlib.import_module("evaluation").MODELS
    assert set(models) < set(found["summary"])


@pytest.mark.slow
@pytest.mark.parametrize(
    "name", ["readings", "after_training", "evaluation", "named_in_gray"]
)
def test_scores_of_what_is_stored(do, name, write_photos, tmp_path):
    photos = write_photos(tmp_path / "photos", 12)
    (photos / "00.png").rename(photos / "n01440764_tench.png")
    try:
        found = do(name, "--data", str(photos))
    except WeightsUnavailableError as error:
        pytest.skip(str(error))
    assert found["photographs"]["data"] == "photos"


@pytest.mark.slow
@pytest.mark.parametrize("name", ["fusion", "unet", "game", "loss", "idea"])
def test_comparisons_of_two_variants(do, monkeypatch, name, write_photos, tmp_path):
    study = {"game": "games", "loss": "losses", "idea": "ideas"}.get(name, name)
    script = importlib.import_module(f"compare_{study}")
    fetched = {} if name in ("loss", "idea") else {"pretrained": False}
    two = dict(list(vars(script)[f"{name}_variants"](**fetched).items())[:2])
    if name == "idea":
        two = {label: replace(one, pretrained=False) for label, one in two.items()}
    monkeypatch.setattr(script, f"{name}_variants", lambda: two)
    data = write_photos(tmp_path / "photos", 60)
    also = write_photos(tmp_path / "more", 4, seed=1)
    words = ["--data", str(data), "--also", str(also), "--seeds", "1"]
    found = do(f"compare_{study}", *words)
    assert [label for label, seed in found["runs"]][:2] == list(two)
    assert len(found["runs"]) == (3 if name in ("loss", "idea") else 2)

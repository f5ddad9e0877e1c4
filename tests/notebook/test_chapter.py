"""What a notebook opens and closes with."""

import os
import sys
from dataclasses import replace

import pytest
import torch

from colorize_lib.color import rgb_to_lab
from colorize_lib.inference import predict_ab
from colorize_lib.models import Autoencoder
from colorize_lib.notebook import chapter
from colorize_lib.notebook.chapter import Chapter, show_source
from colorize_lib.training.recipes import RECIPES


def start(monkeypatch, scale=None, gpu=False):
    monkeypatch.delenv("COLORIZE_SCALE", raising=False)
    if scale:
        monkeypatch.setenv("COLORIZE_SCALE", scale)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: gpu)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda *_: "Tesla T4")
    return chapter.start("07-test", data="nothing", seed=3)


@pytest.mark.parametrize(
    ("scale", "gpu", "expected"),
    [
        (None, False, "quick"),
        (None, True, "colab"),
        ("full", False, "full"),
        ("quick", True, "quick"),
    ],
)
def test_scale_and_device(monkeypatch, capsys, scale, gpu, expected):
    run = start(monkeypatch, scale, gpu)
    assert run.scale == expected
    assert run.device.type == ("cuda" if gpu else "cpu")
    line = capsys.readouterr().out
    assert f"Scale: {expected}" in line
    assert ("Tesla T4" in line) == gpu
    assert "data: nothing" in line
    assert "seed: 3" in line


def test_an_unknown_scale_is_refused(monkeypatch):
    with pytest.raises(ValueError, match="one of quick, colab, full, not 'huge'"):
        start(monkeypatch, "huge")


def test_torch_is_seeded(monkeypatch):
    start(monkeypatch)
    drawn = torch.rand(2)
    start(monkeypatch)
    assert torch.equal(torch.rand(2), drawn)


@pytest.mark.parametrize(("scale", "value"), [("quick", 1), ("colab", 2), ("full", 3)])
def test_pick(scale, value):
    run = Chapter("x", scale, torch.device("cpu"), 0)
    assert run.pick(quick=1, colab=2, full=3) == value
    assert run.pick(quick=1) == 1
    assert run.pick(quick=1, colab=2) == min(value, 2)
    assert run.pick(quick=0, colab=0, full=0) == 0


@pytest.mark.parametrize(
    ("scale", "expected"),
    [("quick", (1, 2, 3)), ("colab", (1, 20, 30)), ("full", (1, 20, 300))],
)
def test_each_scale_overrides_the_one_before(scale, expected):
    run = Chapter("x", scale, None, 0)
    scales = {"quick": {"a": 1, "b": 2, "c": 3}, "colab": {"b": 20, "c": 30}}
    chosen = run.settings(**scales, full={"c": 300})
    assert (chosen.a, chosen.b, chosen.c) == expected
    assert run.settings(quick={"a": 1}).a == 1


def test_a_setting_that_quick_does_not_know_is_refused_at_every_scale():
    run = Chapter("x", "quick", None, 0)
    with pytest.raises(ValueError, match="quick has no epoch, seedz, which full sets"):
        run.settings(quick={"epochs": 1}, full={"seedz": 1, "epoch": 2})


def test_photographs(monkeypatch, tmp_path):
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "x.png").write_bytes(b"never read")
    run = Chapter("x", "colab", torch.device("cpu"), 0)
    monkeypatch.setenv("COLORIZE_PHOTOS", str(tmp_path / "one"))
    assert run.photographs().names == ("x.png",)
    both = os.pathsep.join(str(tmp_path / name) for name in ("one", "two"))
    monkeypatch.setenv("COLORIZE_PHOTOS", both)
    assert run.photographs().names == ("one/x.png", "two/x.png")


def test_photographs_by_default(monkeypatch):
    monkeypatch.delenv("COLORIZE_PHOTOS", raising=False)
    for name in ("drawn_photographs", "coco_sample"):
        monkeypatch.setattr(chapter, name, lambda name=name: name)
    chosen = [Chapter("x", scale, None, 0).photographs() for scale in chapter.SCALES]
    assert chosen == ["drawn_photographs", "coco_sample", "coco_sample"]


@pytest.mark.parametrize(
    ("value", "load"), [(None, False), ("", False), ("0", False), ("1", True)]
)
def test_load(monkeypatch, value, load):
    monkeypatch.delenv("COLORIZE_LOAD", raising=False)
    if value is not None:
        monkeypatch.setenv("COLORIZE_LOAD", value)
    assert Chapter("x", "quick", torch.device("cpu"), 0).load == load


def test_finish_prints_the_provenance(monkeypatch, capsys):
    run = start(monkeypatch)
    capsys.readouterr()
    run.finish()
    first, second = capsys.readouterr().out.splitlines()
    assert first.startswith("07-test: 0.0 minutes at the quick scale on CPU")
    assert "torch 2" in second
    assert "learning-to-colorize" in second


def test_show_source_shows_the_source_and_where_it_is():
    text = show_source(rgb_to_lab, Autoencoder.forward, predict_ab).data
    one, other = "colorize_lib/color.py", "colorize_lib/models/autoencoder.py"
    decorated = (
        "From `colorize_lib/inference.py`:\n\n```python\n@torch.inference_mode()"
    )
    assert decorated in text
    assert text.startswith(f"From `{one}`:\n\n```python\ndef rgb_to_lab(")
    assert "return xyz_to_lab(linear_to_xyz(srgb_to_linear(rgb)))\n```" in text
    assert f"From `{other}`:\n\n```python\ndef forward(self" in text


def test_a_training_folder_belongs_to_one_recipe_and_one_set_of_photographs(
    monkeypatch, tmp_path
):
    monkeypatch.setenv("COLORIZE_CACHE", str(tmp_path))
    monkeypatch.delenv("COLORIZE_PHOTOS", raising=False)
    run = Chapter("03-autoencoder", "quick", torch.device("cpu"), 0)
    recipe = RECIPES["autoencoder-l1"]
    folder = run.folder(recipe)
    assert folder.parent == tmp_path / "runs"
    assert folder.name.startswith("03-autoencoder-quick-")
    assert run.folder(replace(recipe)) == folder
    others = {run.folder(replace(recipe, seed=1)), run.folder(RECIPES["unet"])}
    monkeypatch.setenv("COLORIZE_PHOTOS", "holidays")
    others.add(run.folder(recipe))
    monkeypatch.setattr(chapter, "version", lambda name: "99.0")
    others.add(run.folder(recipe))
    assert len(others - {folder}) == 4


def test_photographs_for_a_comparison_are_drawn_once_for_all(
    monkeypatch, tmp_path, write_photos
):
    monkeypatch.setenv("COLORIZE_PHOTOS", str(write_photos(tmp_path / "many", 6)))
    run = Chapter("05-unet", "colab", torch.device("cpu"), 0)
    assert len(run.photographs()) == len(run.photographs(most=6)) == 6
    drawn = run.photographs(most=4)
    assert len(set(drawn.names)) == 4
    assert set(drawn.names) < set(run.photographs().names)
    assert run.photographs(most=4).names == drawn.names


def test_trainings_may_lie_elsewhere_than_the_cache(monkeypatch, tmp_path):
    monkeypatch.setenv("COLORIZE_RUNS", str(tmp_path / "drive"))
    run = Chapter("03-autoencoder", "quick", torch.device("cpu"), 0)
    assert run.folder(RECIPES["unet"]).parent == tmp_path / "drive"


def test_without_a_gpu_colab_is_told_how_to_get_one(monkeypatch, capsys):
    monkeypatch.delenv("COLORIZE_PHOTOS", raising=False)
    run = Chapter("03-autoencoder", "quick", torch.device("cpu"), 0)
    run.photographs()
    assert "GPU" not in capsys.readouterr().out
    monkeypatch.setitem(sys.modules, "google.colab", None)
    run.photographs()
    assert "Change runtime type > T4 GPU" in capsys.readouterr().out


# ------------------------------------------------------------ a run and the text

CLAIM = "the slope stays near 1"


@pytest.mark.parametrize("scale", chapter.SCALES)
@pytest.mark.parametrize("enough", ["quick", "full"])
@pytest.mark.parametrize("shown", [True, False])
def test_a_run_says_whether_it_shows_what_the_text_says(capsys, scale, enough, shown):
    run = Chapter("x", scale, torch.device("cpu"), 0)
    run.agrees(CLAIM, shown, enough=enough)
    long = chapter.SCALES.index(scale) >= chapter.SCALES.index(enough)
    verdict = "NOT as in the text" if long else "too short a run to tell"
    verdict = "as in the text" if shown else verdict
    assert capsys.readouterr().out == f"{verdict}: {CLAIM}\n"


def test_what_runs_whole_at_every_scale_must_always_agree(capsys):
    Chapter("x", "quick", torch.device("cpu"), 0).agrees(CLAIM, torch.tensor(False))
    assert capsys.readouterr().out == f"NOT as in the text: {CLAIM}\n"


def test_enough_is_a_scale():
    run = Chapter("x", "quick", torch.device("cpu"), 0)
    with pytest.raises(ValueError, match="one of quick, colab, full, not 'long'"):
        run.agrees(CLAIM, True, enough="long")


def test_drawn_scenes_are_not_called_photographs(monkeypatch):
    monkeypatch.delenv("COLORIZE_PHOTOS", raising=False)
    kinds = [Chapter("x", scale, None, 0).kind for scale in chapter.SCALES]
    assert kinds == ["drawn scenes", "photographs", "photographs"]
    monkeypatch.setenv("COLORIZE_PHOTOS", "holidays")
    assert Chapter("x", "quick", None, 0).kind == "photographs"


def test_long_trainings_are_shown_as_stored_at_the_quick_scale_or_on_wish(monkeypatch):
    monkeypatch.delenv("COLORIZE_LOAD", raising=False)
    runs = [Chapter("x", scale, None, 0) for scale in chapter.SCALES]
    assert [run.shows_stored for run in runs] == [True, False, False]
    monkeypatch.setenv("COLORIZE_LOAD", "1")
    assert all(run.shows_stored for run in runs)

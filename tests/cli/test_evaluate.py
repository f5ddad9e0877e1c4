"""``colorize evaluate``, as a user meets it: one table, or a reason, nothing half."""

import json
from functools import partial

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from colorize_lib.cli import evaluate, main
from colorize_lib.color import normalize_lab, rgb_to_lab
from colorize_lib.evaluation import scores, tables
from colorize_lib.evaluation.scores import GRAY, TRUTH, bootstrap
from colorize_lib.inference import join, predict_ab
from colorize_lib.metrics import ciede2000
from colorize_lib.models import COLORIZERS
from colorize_lib.photos import from_path, read_photo
from colorize_lib.weights import load_weights, save_weights


class Tiny(nn.Sequential):
    """A network that colors in no time."""

    def __init__(self):
        super().__init__(nn.Conv2d(1, 2, 3, padding=1), nn.Tanh())


@pytest.fixture(autouse=True)
def tiny(monkeypatch, tmp_path):
    monkeypatch.setitem(COLORIZERS, "tiny", Tiny)
    monkeypatch.setenv("COLORIZE_CACHE", str(tmp_path / "cache"))
    for module in (tables, scores):
        monkeypatch.setattr(module, "bootstrap", partial(bootstrap, resamples=20))


@pytest.fixture(scope="module")
def home(tmp_path_factory, write_photos):
    """Weights, and photographs: 9 in color, one of them twice, one gray, one broken."""
    home = tmp_path_factory.mktemp("home")
    photos = write_photos(home / "photos", 9)
    (photos / "again.png").write_bytes((photos / "00.png").read_bytes())
    gray = np.tile(np.arange(96, dtype=np.uint8), (80, 1))
    Image.fromarray(gray).save(photos / "gray.png")
    (photos / "broken.jpg").write_bytes(b"no picture")
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(COLORIZERS, "tiny", Tiny)
        for seed, name in enumerate(("one", "two")):
            torch.manual_seed(seed)
            about = {"architecture": "tiny", "size": 32 + 32 * seed, "about": name}
            save_weights(Tiny(), home / f"{name}.safetensors", **about)
            save_weights(Tiny(), home / name / "model.safetensors", **about)
    return home


@pytest.fixture
def command(home):
    model, data = str(home / "one.safetensors"), str(home / "photos")
    return ["evaluate", model, "--data", data, "--size", "64", "--device", "cpu"]


def as_json(command, tmp_path):
    file = tmp_path / "scores.json"
    assert main([*command, "--json", str(file)]) == 0
    return json.loads(file.read_text())


# ------------------------------------------------------------ the table


def test_a_table_with_gray_truth_and_protocol(command, capsys):
    assert main(command) == 0
    shown = capsys.readouterr()
    for row in (GRAY, "one", TRUTH):
        assert f"\n{row} " in shown.out
    caption = " ".join(shown.out.split())
    assert (
        "9 photographs of photos (left out: 1 near-gray ones, 1 duplicates, 1 unreadable "
        "files), center squares of 64 px" in caption
    )
    assert "(one 32 px)" in caption
    assert "broken.jpg" in shown.err
    assert max(map(len, shown.out.split("\n\n")[0].splitlines())) <= evaluate.WIDTH


def test_the_numbers_are_those_of_the_library(command, home, tmp_path):
    found = as_json(command, tmp_path)["rows"]["one"]["ciede2000"]
    network, about = load_weights(home / "one.safetensors")
    by_hand = []
    for n in range(9):
        truth = read_photo(home / "photos" / f"{n:02d}.png", 64)[None]
        l, _ = normalize_lab(rgb_to_lab(truth))
        colored = join(l, predict_ab(network, l, about["size"]))
        by_hand.append(ciede2000(colored, truth).item())
    assert found["mean"] == pytest.approx(np.mean(by_hand), rel=1e-4)
    assert found["low"] < found["mean"] < found["high"]


def test_models_by_file_by_run_and_by_name_each_with_a_row(command, home, tmp_path):
    more = [str(home / "two"), str(home / "one"), "pix2pix"]
    rows = as_json([*command[:2], *more, *command[2:]], tmp_path)["rows"]
    assert list(rows) == [GRAY, "one", "two", "one (2)", "pix2pix", TRUTH]


def test_several_folders_count_together(command, tmp_path, write_photos):
    more = write_photos(tmp_path / "more", 3, seed=7)
    found = as_json([*command, "--data", str(more)], tmp_path)
    assert found["caption"].startswith("12 photographs of photos, more (left out")


def test_two_folders_may_have_the_same_name(command, tmp_path, write_photos):
    more = write_photos(tmp_path / "photos", 3, seed=7)
    found = as_json([*command, "--data", str(more)], tmp_path)
    assert found["caption"].startswith("12 photographs of photos, photos (left out")


def test_the_public_list_is_fetched_where_no_folder_has_its_name(
    command, home, tmp_path, monkeypatch, write_photos
):
    fetched = from_path(home / "photos", "public_test")
    monkeypatch.setattr(evaluate, "public_test", lambda: fetched)
    monkeypatch.chdir(tmp_path)
    command[3] = "public_test"
    caption = as_json(command, tmp_path)["caption"]
    assert caption.startswith("9 photographs of public_test (left out")
    write_photos(tmp_path / "public_test", 4)
    (tmp_path / "scores.json").unlink()
    caption = as_json(command, tmp_path)["caption"]
    assert caption.startswith("4 photographs of public_test (left out")


def test_sheets_show_failures_and_random_pictures(command, tmp_path):
    folder = tmp_path / "sheets"
    assert main([*command, "--sheets", str(folder)]) == 0
    for name in ("failures.png", "side-by-side.png"):
        assert Image.open(folder / name).width > 3 * 144


# ------------------------------------------------------------ refusals


def test_what_is_there_is_not_overwritten(command, tmp_path, capsys):
    file = tmp_path / "scores.json"
    file.write_text("mine")
    assert main([*command, "--json", str(file)]) == 2
    assert "there already; choose another name, or remove it" in capsys.readouterr().err
    assert file.read_text() == "mine"


def test_a_file_that_cannot_be_written_costs_no_table(command, tmp_path, capsys):
    (tmp_path / "file").write_text("")
    assert main([*command, "--json", str(tmp_path / "file" / "x.json")]) == 1
    shown = capsys.readouterr()
    assert f"\n{TRUTH} " in shown.out
    assert "could not write" in shown.err


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({1: "nothing.safetensors"}, "no weight file at nothing.safetensors"),
        ({1: "unet-sqeezenet"}, "did you mean"),
        ({3: "nowhere"}, "nowhere"),
        ({7: "cuda:99"}, "colorize evaluate: "),
    ],
)
def test_what_cannot_be_is_explained(command, capsys, change, message):
    for place, value in change.items():
        command[place] = value
    assert main(command) == 2
    assert message in capsys.readouterr().err


def test_a_size_that_is_too_small_is_refused(command, capsys):
    command[5] = "16"
    with pytest.raises(SystemExit):
        main(command)
    assert "at least 32 pixels" in capsys.readouterr().err


def test_photographs_without_color_cannot_be_scored(command, tmp_path, capsys):
    folder = tmp_path / "gray"
    folder.mkdir()
    Image.new("RGB", (64, 64), "gray").save(folder / "a.png")
    command[3] = str(folder)
    assert main(command) == 2
    assert "none of 1 photographs is neither near gray" in capsys.readouterr().err


def test_ctrl_c_leaves_nothing_half_written(command, tmp_path, monkeypatch, capsys):
    def stop(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(evaluate, "evaluate", stop)
    file = tmp_path / "x.json"
    assert main([*command, "--json", str(file)]) == 1
    assert "stopped; no file is half-written" in capsys.readouterr().err
    assert not file.exists()

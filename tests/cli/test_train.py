"""``colorize train``, as a user meets it: a model, or a reason, and nothing lost."""

import itertools
import json
import os
import shutil
import subprocess
import sys
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
import torch
from torch import nn
from training_helpers import held_elsewhere, same, stop_at

from colorize_lib.cli import main, train
from colorize_lib.evaluation import choose as scoring
from colorize_lib.evaluation import scores as evaluation
from colorize_lib.evaluation.choose import PROTOCOL, SIZES
from colorize_lib.evaluation.scores import GRAY, TRUTH, bootstrap
from colorize_lib.models import COLORIZERS
from colorize_lib.photos import from_path
from colorize_lib.photos.collection import Pictures
from colorize_lib.training import train as following
from colorize_lib.training.loop import load_checkpoint
from colorize_lib.training.recipes import RECIPES, Recipe, Stage
from colorize_lib.training.regression import Regression
from colorize_lib.weights import load_weights


class Tiny(nn.Sequential):
    """A network that trains in no time."""

    def __init__(self):
        super().__init__(
            nn.Conv2d(1, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU(),
            nn.Conv2d(8, 2, 3, padding=1), nn.Tanh(),
        )  # fmt: skip


STAGES = (
    Stage(32, epochs=2, batch_size=4, learning_rate=1e-2, small_pictures=True),
    Stage(64, epochs=1, batch_size=4, learning_rate=1e-3),
)
RECIPE = Recipe("tiny-l1", "tiny", STAGES, loss="l1")
EPOCHS = [(32, 1), (32, 2), (64, 1)]


@pytest.fixture(autouse=True)
def tiny(monkeypatch, tmp_path):
    """A recipe, and held-out parts, that fit a folder of 30 photographs; and quick."""
    monkeypatch.setitem(COLORIZERS, "tiny", Tiny)
    monkeypatch.setitem(RECIPES, RECIPE.name, RECIPE)
    monkeypatch.setattr(train, "Pictures", partial(Pictures, validation=5, test=4))
    monkeypatch.setenv("COLORIZE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(evaluation, "bootstrap", partial(bootstrap, resamples=20))


@pytest.fixture
def briefly(monkeypatch):
    """Scores at one small size: for tests in which they do not matter."""
    monkeypatch.setattr(scoring, "TEST_SIZE", 64)
    monkeypatch.setattr(train, "choose_size", partial(train.choose_size, sizes=(32,)))


@pytest.fixture(scope="module")
def home(tmp_path_factory, write_photos):
    home = tmp_path_factory.mktemp("home")
    write_photos(home / "photos", 30)
    write_photos(home / "more", 5, seed=1)
    write_photos(home / "thumbnails", 6, seed=2, size=(32, 32))
    return home


@pytest.fixture
def command(home, tmp_path):
    """The arguments of a run in a folder of its own."""
    return [
        "train", RECIPE.name, "--data", str(home / "photos"),
        "--folder", str(tmp_path / "run"), "--prepared", str(home / "prepared"),
        "--device", "cpu", "--precision", "float32",
    ]  # fmt: skip


def result_of(tmp_path):
    return json.loads((tmp_path / "run" / "result.json").read_text())


def weights_of(tmp_path):
    return load_weights(tmp_path / "run" / "model.safetensors")


# ------------------------------------------------------------ a run


def test_a_model_and_its_scores(command, tmp_path, capsys):
    assert main(command) == 0
    network, about = weights_of(tmp_path)
    assert isinstance(network, Tiny)
    assert about["about"] == "tiny-l1, trained on photos"

    result = result_of(tmp_path)
    assert [(line["size"], line["epoch"]) for line in result["history"]] == EPOCHS
    assert list(result["scores"]) == [GRAY, "tiny-l1", TRUTH]
    errors = {x: y["ciede2000"] for x, y in result["validation_by_size"].items()}
    assert list(errors) == [str(size) for size in SIZES]
    assert about["size"] == result["size"] == int(min(errors, key=errors.get))
    assert result["recipe"]["stages"][1]["size"] == 64
    assert result["recipe"]["loss"] == "l1"
    assert result["device"] == "cpu"
    assert result["protocol"] == PROTOCOL
    assert result["photographs"]["data"] == "photos"

    shown = capsys.readouterr()
    assert "| tiny-l1 |" in shown.out
    assert f"| {GRAY} |" in shown.out
    assert shown.err.endswith("model.safetensors is ready\n")
    assert not (tmp_path / "cache").exists(), "prepared pictures have their own place"


@pytest.mark.usefixtures("briefly")
def test_collections_take_the_part_that_they_were_given_for(
    command, home, tmp_path, monkeypatch
):
    seen = {}

    def spy(recipe, pictures, folder, **options):
        for stage in recipe.stages:
            images = pictures.for_training(stage.size, small=stage.small_pictures)
            seen[stage.size] = {name.split("/")[0] for name in images.names}
        return original(recipe, pictures, folder, **options)

    original = train.train
    monkeypatch.setattr(train, "train", spy)
    more = ["--also", str(home / "more"), "--small", str(home / "thumbnails")]
    assert main([*command, *more]) == 0
    assert seen == {32: {"photos", "more", "thumbnails"}, 64: {"photos", "more"}}
    photographs = result_of(tmp_path)["photographs"]
    assert (photographs["also"], photographs["small"]) == ("more", "thumbnails")
    learned = "tiny-l1, trained on photos, more, thumbnails"
    assert weights_of(tmp_path)[1]["about"] == learned
    assert {name.split("/")[0] for name in photographs["test"]} == {"photos"}


# ------------------------------------------------------------ what can go wrong


@pytest.mark.usefixtures("briefly")
def test_ctrl_c_ends_with_one_line_and_resume_goes_on_as_the_run_was_started(
    command, tmp_path, monkeypatch, capsys
):
    folder = tmp_path / "run"
    with monkeypatch.context() as patch:
        stop_at(patch, 8)  # in the second epoch
        assert main(command) == 1
    *_, told = capsys.readouterr().err.splitlines()
    kept = f"Kept is {folder / '1-32px' / 'last.pt'}, from epoch 1"
    again = f"colorize train --resume {folder}"
    going_on = f"To go on: {again}. For a model of the best epoch so far: {again} --fin"
    assert told == f"colorize train: stopped. {kept}. {going_on}ish"
    monkeypatch.chdir(tmp_path)  # the paths of the first call do not depend on it

    def interrupted(*_, **__):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(train, "score_on_test", interrupted)
        assert main(["train", "--resume", "run"]) == 1
    assert "from epoch 1. To go on: colorize train" in capsys.readouterr().err
    assert main(["train", "--resume", "run"]) == 0
    result = result_of(tmp_path)
    assert [(x["size"], x["epoch"]) for x in result["history"]] == EPOCHS
    assert (
        result["command"]
        == "colorize train tiny-l1 --data photos --folder runs/tiny-l1"
    )
    again, _ = weights_of(tmp_path)
    assert main([*command, "--folder", str(tmp_path / "undisturbed")]) == 0
    undisturbed, _ = load_weights(tmp_path / "undisturbed" / "model.safetensors")
    assert same(again.state_dict(), undisturbed.state_dict())


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--resume", "nowhere"], "nowhere holds no run to go on with"),
        (["--resume", "x", "--finish", "--device", "cpu"], "nothing else but --finish"),
        ([], "name a RECIPE, or a run to go on with: --resume FOLDER"),
    ],
)
def test_what_is_missing_is_named(arguments, message, capsys):
    with pytest.raises(SystemExit) as error:
        main(["train", *arguments])
    assert error.value.code == 2
    assert message in capsys.readouterr().err


@pytest.mark.usefixtures("briefly")
def test_without_photographs_it_takes_what_the_recipe_was_made_for(
    home, tmp_path, monkeypatch
):
    asked = []

    def collection(path=None):
        asked.append(path)
        return from_path(home / "photos")

    monkeypatch.setattr(train.datasets, "coco_sample", collection)
    folder = str(tmp_path / "run")
    short = ["--at-most-size", "32", "--at-most-epochs", "1", "--batch-size", "5"]
    short += ["--device", "cpu"]
    assert main(["train", RECIPE.name, "--folder", folder, *short]) == 0
    assert asked == [None]
    result = result_of(tmp_path)
    history = result["history"]
    assert [(line["size"], line["epoch"]) for line in history] == [(32, 1), (32, 1)]
    started = json.loads((tmp_path / "run" / "arguments.json").read_text())
    assert started[-6:] == short[:6]
    assert [stage["batch_size"] for stage in result["recipe"]["stages"]] == [5, 5]
    result = result_of(tmp_path)
    assert result["photographs"]["data"] == "coco_sample"
    assert weights_of(tmp_path)[1]["about"] == "tiny-l1, trained on coco_sample"
    command = (
        "colorize train tiny-l1 --at-most-size 32 --at-most-epochs 1 --batch-size 5"
    )
    assert result["command"] == f"{command} --folder runs/tiny-l1"


def test_faces_keep_their_persons_wherever_they_lie(tmp_path, monkeypatch):
    monkeypatch.setattr(train.datasets, "lfw", lambda path: ("by person", path))
    recipe = replace(RECIPE, collection="lfw")
    assert train._data(recipe, [tmp_path]) == [("by person", tmp_path)]


TWO = """
import sys
from functools import partial

sys.path[:0] = [{tests!r}, {helpers!r}]
import test_train as here
from colorize_lib.photos.collection import Pictures

here.COLORIZERS["tiny"] = here.Plain
here.RECIPES[here.RECIPE.name] = here.RECIPE
here.train.Pictures = partial(Pictures, validation=5, test=4)
sys.exit(here.main(sys.argv[1:]))
"""


class Plain(nn.Sequential):
    """Without norms, so that no statistics differ between the processes."""

    def __init__(self):
        super().__init__(
            nn.Conv2d(1, 8, 3, padding=1), nn.ReLU(), nn.Conv2d(8, 2, 3, padding=1)
        )


def torchrun(processes, script, command):
    start = [sys.executable, "-m", "torch.distributed.run", "--standalone"]
    start += ["--nproc-per-node", str(processes), str(script), *command]
    return subprocess.run(start, capture_output=True, text=True)


def last_of(folder):
    last = load_checkpoint(folder / "2-64px" / "last.pt")
    lines = (folder / "2-64px" / "log.jsonl").read_text().splitlines()
    return last["method"]["network"], json.loads(lines[-1])["loss"]


@pytest.mark.slow
def test_two_processes_train_what_one_does(command, tmp_path):
    script = tmp_path / "two.py"
    tests = Path(__file__).parent
    helpers = tests.parent / "helpers"
    script.write_text(TWO.format(tests=str(tests), helpers=str(helpers)))
    for processes in (1, 2):
        run = [*command, "--folder", str(tmp_path / str(processes))]
        done = torchrun(processes, script, run)
        assert done.returncode == 0, done.stderr[-2000:]
        assert done.stderr.count("model.safetensors is ready") == 1
    one, loss = last_of(tmp_path / "1")
    other, its_loss = last_of(tmp_path / "2")
    assert loss == pytest.approx(its_loss, rel=1e-5)
    for key, weights in one.items():
        torch.testing.assert_close(weights, other[key], rtol=1e-4, atol=1e-6)


def test_a_diverging_run_ends_with_the_remedies(command, monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(
        Regression, "step", lambda *_: {"loss": torch.tensor(float("nan"))}
    )
    assert main(command) == 1
    assert "a lower learning rate" in capsys.readouterr().err
    assert not (tmp_path / "run" / "model.safetensors").exists()


@pytest.mark.parametrize("option", ["--data", "--small"])
def test_a_folder_that_is_not_there_is_named_and_nothing_is_written(
    command, tmp_path, capsys, option
):
    missing = tmp_path / "nowhere"
    assert main([*command, option, str(missing)]) == 2
    assert f"{missing} does not exist" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def some_of(folder, count, copy):
    copy.mkdir()
    for path in sorted(Path(folder).iterdir())[:count]:
        shutil.copy(path, copy)
    return copy


@pytest.mark.usefixtures("briefly")
def test_the_least_number_of_photographs_trains_a_model_in_small_batches(
    command, tmp_path, monkeypatch, capsys
):
    monkeypatch.setattr(train, "Pictures", Pictures)
    large = [replace(stage, batch_size=64) for stage in STAGES]
    monkeypatch.setitem(RECIPES, RECIPE.name, replace(RECIPE, stages=tuple(large)))
    command[3] = str(some_of(command[3], 8, tmp_path / "eight"))
    assert main(command) == 0
    told = capsys.readouterr().out
    assert "held out of 8 photographs: 1 to choose by, 1 to score; scores of so" in told
    assert "32 px: batches of 6 pictures instead of 64, because there are 6\n" in told
    assert len(result_of(tmp_path)["scores"]["tiny-l1"]["psnr"]) == 1
    assert weights_of(tmp_path)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (["--device", "toaster"], "--device: toaster: "),
        (["--precision", "half"], "'half'"),
        (["--folder"], "expected one argument"),
        (["--at-most-epochs", "0"], "--at-most-epochs: 0 is no whole number from 1 up"),
        (["--at-most-size", "50"], "50 is no multiple of 16 from 32 up"),
        (["--batch-size", "few"], "few is no whole number from 1 up"),
    ],
)
def test_misuse_is_explained_before_anything_is_written(
    command, tmp_path, capsys, change, message
):
    with pytest.raises(SystemExit) as stop:
        main([*command, *change])
    assert stop.value.code == 2
    assert message in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


# ------------------------------------------------------------ one at a time


def test_a_second_command_in_the_folder_is_refused_at_once(command, tmp_path, capsys):
    with pytest.MonkeyPatch.context() as patch:
        stop_at(patch, 7)
        assert main(command) == 1
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "run").rglob("*")}
    again = ["train", "--resume", str(tmp_path / "run")]
    capsys.readouterr()
    with held_elsewhere(tmp_path / "run"):
        for arguments in (command, again, [*again, "--finish"]):
            assert main(arguments) == 2
            told = capsys.readouterr().err
            assert "another process is " in told
            assert f" is training in {tmp_path / 'run'}: wait until it ends" in told
    after = {path: path.stat().st_mtime_ns for path in (tmp_path / "run").rglob("*")}
    assert after == before


# ------------------------------------------------------------ a full disk

no_full_disk = pytest.mark.skipif(
    not Path("/dev/full").exists(), reason="no disk that is always full"
)


@pytest.mark.usefixtures("briefly")
@no_full_disk
@pytest.mark.parametrize("name", ["1-32px/last.pt", "result.json"])
def test_a_full_disk_is_called_that_and_what_is_kept_is_named(
    command, tmp_path, monkeypatch, capsys, name
):
    file, epochs = tmp_path / "run" / name, itertools.count(1)
    scores = following.validation_scores

    def validation_scores(*arguments, **more):
        if next(epochs) == 2:
            file.with_name(f".{file.name}.{os.getpid()}.tmp").symlink_to("/dev/full")
        return scores(*arguments, **more)

    monkeypatch.setattr(following, "validation_scores", validation_scores)
    assert main(command) == 1
    *_, told = capsys.readouterr().err.splitlines()
    stage = "1-32px" if name.startswith("1") else "2-64px"
    last = tmp_path / "run" / stage / "last.pt"
    assert told.startswith(f"colorize train: disk full: could not write {file}. What")
    assert f"Kept is {last}, from epoch 1. To go on: colorize train --resume " in told
    assert main(command) == 0
    history = result_of(tmp_path)["history"]
    assert [(line["size"], line["epoch"]) for line in history] == EPOCHS


# ------------------------------------------------------------ a model before the end


@pytest.mark.usefixtures("briefly")
def test_a_run_that_shall_not_go_on_ends_with_the_best_so_far(
    command, tmp_path, monkeypatch
):
    with monkeypatch.context() as patch:
        stop_at(patch, 9)  # in the second epoch
        assert main(command) == 1
    best = load_checkpoint(tmp_path / "run" / "1-32px" / "best.pt")["network"]
    with monkeypatch.context() as patch:
        patch.setattr(Regression, "step", None)
        assert main(["train", "--resume", str(tmp_path / "run"), "--finish"]) == 0
    network, about = weights_of(tmp_path)
    for name, x in network.state_dict().items():
        torch.testing.assert_close(x, best[name], rtol=1e-3, atol=1e-4)
    assert about["about"] == "tiny-l1, trained on photos, 1 of 3 epochs"
    result = result_of(tmp_path)
    assert [(line["size"], line["epoch"]) for line in result["history"]] == [(32, 1)]
    assert result["command"].endswith(" --finish --folder runs/tiny-l1")
    assert main(["train", "--resume", str(tmp_path / "run")]) == 0
    assert weights_of(tmp_path)[1]["about"] == "tiny-l1, trained on photos"


def test_before_the_first_epoch_there_is_no_best_so_far(
    command, tmp_path, monkeypatch, capsys
):
    with monkeypatch.context() as patch:
        stop_at(patch, 1)
        assert main(command) == 1
    assert "best epoch so far" not in capsys.readouterr().err
    assert main([*command, "--finish"]) == 2
    assert "no epoch of the run in" in capsys.readouterr().err
    assert not (tmp_path / "run" / "model.safetensors").exists()


# ------------------------------------------------------------ help, and which command


def test_help_names_the_recipes_and_what_comes_out(capsys):
    with pytest.raises(SystemExit) as stop:
        main(["train", "--help"])
    assert stop.value.code == 0
    text = capsys.readouterr().out
    assert text.startswith("usage: colorize train")
    options = ("--data", "--also", "--small", "--folder", "--prepared", "--device")
    for part in (*RECIPES, *options, "example:", "--weights runs/mine", "result.json"):
        assert part in text

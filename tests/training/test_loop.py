"""The loop: resume to the last bit, kill -9, full disks, divergence, the log."""

import itertools
import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
import torch
from torch import nn
from torch.nn import functional as F
from training_helpers import same, without_clock

from colorize_lib.models import ColorClassifier
from colorize_lib.scenes import draw_scenes
from colorize_lib.training.classification import Classification
from colorize_lib.training.learner import Learner, Precision, hold_then_fall
from colorize_lib.training.loop import (
    TrainingDivergedError,
    fit,
    last_save,
    load_checkpoint,
    save_checkpoint,
)
from colorize_lib.training.pix2pix import Pix2Pix, Pix2PixSettings
from colorize_lib.training.regression import Regression
from colorize_lib.training.wgan_gp import WassersteinGP, WGANGPSettings

FLOAT32 = Precision("float32", "cpu")
WIDTHS = (4, 8, 8)
EPOCHS, BATCHES = 2, 10


def pictures(count=4 * BATCHES):
    random = torch.Generator().manual_seed(3)
    shape = (count, 3, 28, 28)
    return torch.randint(0, 256, shape, dtype=torch.uint8, generator=random)


def tiny():
    """All that can differ after a resume: statistics, dropout, weights."""
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(1, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU(),
        nn.Dropout(0.2), nn.Conv2d(8, 2, 3, padding=1), nn.Tanh(),
    )  # fmt: skip


def regression(kind=Regression):
    network = tiny()
    optimizer = torch.optim.AdamW(network.parameters(), 1e-2)
    scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: 0.99**step)
    return kind(network, optimizer, FLOAT32, F.l1_loss, scheduler)


def learner(network, steps, average=None):
    optimizer = torch.optim.Adam(network.parameters(), 1e-3, betas=(0.5, 0.9))
    scheduler = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda step: hold_then_fall(steps, step)
    )
    return Learner(network, optimizer, FLOAT32, scheduler, average=average)


def adversarial(kind, settings):
    network, steps = tiny(), EPOCHS * BATCHES
    generator = learner(network, settings.generator_updates(steps), settings.average)
    return kind(generator, learner(settings.adversary(), steps), settings)


def classification():
    """Its optimizer moves the classifier; the bins' weights are part of its state."""
    network = ColorClassifier(tiny(), stride=2)
    optimizer = torch.optim.AdamW(network.parameters(), 1e-2)
    return Classification(network, optimizer, FLOAT32)


METHODS = {
    "regression": regression,
    "classification": classification,
    "pix2pix": lambda: adversarial(
        Pix2Pix, Pix2PixSettings(widths=WIDTHS, average=0.9, head_start=3)
    ),
    "wgan-gp": lambda: adversarial(
        WassersteinGP, WGANGPSettings(widths=WIDTHS, average=0.9, critic_steps=3)
    ),
}


def run(folder, method=None, epochs=EPOCHS, images=None, **more):
    method = method or regression()
    images = pictures() if images is None else images
    options = {"epochs": epochs, "batch_size": 4, "crop": 24, "show_progress": False}
    if isinstance(method, (Pix2Pix, WassersteinGP)):
        options["best_by"] = None
    return method, fit(method, images, folder, **options | more)


def before(method, number, act):
    """The method, which acts before its step of this number."""
    steps, step = itertools.count(1), method.step

    def acting(l, ab):
        if next(steps) == number:
            act()
        return step(l, ab)

    method.step = acting
    return method


# ------------------------------------------------------------ resume


@pytest.fixture(scope="module", params=METHODS)
def undisturbed(request, tmp_path_factory):
    method, history = run(
        tmp_path_factory.mktemp("undisturbed"), METHODS[request.param]()
    )
    return request.param, method.state_dict(), without_clock(history)


def test_one_epoch_and_one_more_are_two(undisturbed, tmp_path):
    name, expected, lines = undisturbed
    run(tmp_path, METHODS[name](), epochs=1)
    method, history = run(tmp_path, METHODS[name]())
    assert same(method.state_dict(), expected)
    assert without_clock(history) == lines
    assert [line["epoch"] for line in history] == [1, 2]


@pytest.mark.parametrize("step", [5, 12])
def test_stopped_by_ctrl_c_and_resumed(undisturbed, tmp_path, step):
    """In the middle of a turn, too; nothing is left of what was not saved."""
    name, expected, lines = undisturbed
    stopped = before(METHODS[name](), step, lambda: signal.raise_signal(signal.SIGINT))
    kept = f"batch {step - 1} of epoch 1" if step < BATCHES else "batch 1 of epoch 2"
    message = rf"Kept is .*last.pt, from {kept}\. Run the same again to go on"
    with pytest.raises(KeyboardInterrupt, match=message):
        run(tmp_path, stopped, checkpoint_minutes=0)
    method, history = run(tmp_path, METHODS[name]())
    assert same(method.state_dict(), expected)
    for line, other in zip(without_clock(history), lines, strict=True):
        assert line == pytest.approx(other, rel=1e-6)


SCRIPT = """
import sys
sys.path[:0] = {paths!r}
import test_loop as here
print("ready", flush=True)
method = here.METHODS[sys.argv[1]]()
here.run(sys.argv[2], method, epochs=1000, checkpoint_minutes=0)
"""


@pytest.mark.parametrize(
    ("name", "times"),
    [("pix2pix", 1), *(pytest.param(x, 5, marks=pytest.mark.slow) for x in METHODS)],
)
def test_killed_at_random_moments_it_always_goes_on(name, times, tmp_path):
    paths = [str(Path(__file__).parent), str(Path(__file__).parents[1] / "helpers")]
    start = [sys.executable, "-c", SCRIPT.format(paths=paths), name, tmp_path / "run"]
    for number in range(times):
        process = subprocess.Popen(start, stdout=subprocess.PIPE, text=True)
        assert process.stdout.readline() == "ready\n"
        time.sleep((0.5, 0.07, 0.9, 0.21, 0.33)[number])
        process.kill()
        assert process.wait() == -signal.SIGKILL
    last = tmp_path / "run" / "last.pt"
    epochs = load_checkpoint(last)["run"]["epoch"] + 1 if last.exists() else 1
    method, history = run(tmp_path / "run", METHODS[name](), epochs)
    expected, lines = run(tmp_path / "undisturbed", METHODS[name](), epochs)
    assert same(method.state_dict(), expected.state_dict())
    assert len(history) == len(lines) == epochs
    assert not list((tmp_path / "run").glob("*.tmp"))


def test_other_settings_are_refused_and_named(tmp_path):
    run(tmp_path, epochs=1)
    with pytest.raises(ValueError, match=r"started with seed 0, now 5.*another folder"):
        run(tmp_path, seed=5)
    with pytest.raises(
        ValueError, match=r"images \[40, 3, 28, 28\], now \[39, 3, 28, 28\]"
    ):
        run(tmp_path, images=pictures(39))


def test_another_seed_is_another_run(tmp_path):
    one, other = (run(tmp_path / str(seed), seed=seed)[0] for seed in (0, 1))
    assert not same(one.state_dict(), other.state_dict())


# ------------------------------------------------------------ what it writes and raises


def test_log_and_best(tmp_path):
    scores = iter([3.0, 1.0, 2.0])
    _, history = run(
        tmp_path,
        epochs=3,
        validate=lambda network: {"ciede2000": next(scores)},
        best_by="ciede2000",
    )
    log = (tmp_path / "log.jsonl").read_text().splitlines()
    assert [json.loads(line) for line in log] == history
    assert [line["ciede2000"] for line in history] == [3.0, 1.0, 2.0]
    assert history[0]["images_per_second"] > 0
    assert load_checkpoint(tmp_path / "best.pt")["line"] == history[1]


def test_the_bar_shows_losses_and_the_log_their_mean(tmp_path, capsys):
    numbered, numbers = regression(), itertools.count(1)
    numbered.step = lambda l, ab: {"loss": torch.tensor(float(next(numbers)))}
    _, history = run(tmp_path, numbered, show_progress=True)
    assert [line["loss"] for line in history] == [5.5, 15.5]
    told = capsys.readouterr().err
    assert "epoch 2/2: 100%" in told
    assert "images/s, loss=15.5]" in told


def broken_loss(method):
    method.step = lambda l, ab: {"loss": torch.tensor(float("nan"))}


def broken_weight(method):
    nn.init.constant_(method.network[0].weight, float("inf"))
    method.step = lambda l, ab: {"loss": torch.tensor(0.0)}


@pytest.mark.parametrize(
    ("breaks", "what"), [(broken_loss, "the loss 'loss'"), (broken_weight, "a weight")]
)
def test_what_is_no_number_stops_it_and_spares_the_checkpoint(tmp_path, breaks, what):
    run(tmp_path, epochs=1)
    kept = (tmp_path / "last.pt").read_bytes()
    method = regression()
    load = method.load_state_dict
    method.load_state_dict = lambda state: (load(state), breaks(method))
    with pytest.raises(
        TrainingDivergedError, match=f"{what} is .* epoch 2 .*lower learning rate"
    ):
        run(tmp_path, method)
    assert (tmp_path / "last.pt").read_bytes() == kept


def test_fewer_pictures_than_a_batch(tmp_path):
    with pytest.raises(ValueError, match="3 pictures do not fill one batch of 4"):
        run(tmp_path, images=pictures(3))


def test_drawn_scenes_pass_as_float_lab(tmp_path):
    _, history = run(tmp_path, epochs=4, images=draw_scenes(16, 32).lab, crop=None)
    assert history[-1]["loss"] < history[0]["loss"]


@pytest.mark.skipif(
    not Path("/dev/full").exists(), reason="no disk that is always full"
)
@pytest.mark.parametrize("name", ["last.pt", "best.pt", "log.jsonl"])
def test_a_full_disk_is_called_that_and_the_run_goes_on(tmp_path, name):
    expected, history = run(tmp_path / "whole")
    folder = tmp_path / "run"

    def fill():
        (folder / f".{name}.{os.getpid()}.tmp").symlink_to("/dev/full")

    with pytest.raises(OSError, match=f"disk full: could not write {folder / name}"):
        run(folder, before(regression(), BATCHES + 1, fill))
    assert last_save(folder) == f"Kept is {folder / 'last.pt'}, from epoch 1"
    method, again = run(folder)
    assert same(method.state_dict(), expected.state_dict())
    assert without_clock(again) == without_clock(history)
    assert len((folder / "log.jsonl").read_text().splitlines()) == EPOCHS


# ------------------------------------------------------------ one at a time


def test_a_second_training_in_the_folder_is_refused_and_disturbs_nothing(tmp_path):
    expected, _ = run(tmp_path / "whole")
    folder, refusals = tmp_path / "run", []

    def try_to_train():
        try:
            run(folder)
        except BlockingIOError as refusal:
            refusals.append(str(refusal))

    def disturb():
        another = threading.Thread(target=try_to_train)
        another.start()
        another.join()

    method, _ = run(folder, before(regression(), 1, disturb))
    assert "another process is training in" in refusals[0]
    assert same(method.state_dict(), expected.state_dict())
    assert run(folder)[1], "afterwards the folder is free"


def test_only_what_killed_trainings_left_is_swept_away(tmp_path):
    mine = [tmp_path / f".{name}.7.tmp" for name in ("last.pt", "best.pt", "log.jsonl")]
    others = [tmp_path / f".{name}.7.tmp" for name in ("photo.png", "old-last.pt")]
    for path in (*mine, *others):
        path.write_bytes(b"half")
    run(tmp_path, epochs=1)
    assert sorted(tmp_path.glob("*.tmp")) == sorted(others)


# ------------------------------------------------------------ checkpoints


def test_a_checkpoint_comes_back(tmp_path):
    state = {"x": torch.arange(3), "history": [{"loss": 0.5}], "n": 3, "none": None}
    save_checkpoint(state, tmp_path / "new" / "last.pt")
    assert same(load_checkpoint(tmp_path / "new" / "last.pt"), state)
    with pytest.raises(FileNotFoundError, match="no checkpoint at"):
        load_checkpoint(tmp_path / "last.pt")


class Evil:
    def __reduce__(self):
        return print, ("code from a checkpoint ran",)


@pytest.mark.parametrize("content", ["text", "cut", "evil"])
def test_what_is_no_checkpoint_is_refused_and_runs_no_code(tmp_path, content, capsys):
    path = tmp_path / "last.pt"
    save_checkpoint({"x": torch.zeros(5000)}, path)
    if content == "evil":
        torch.save({"x": Evil()}, path)
    else:
        path.write_bytes({"text": b"hello", "cut": path.read_bytes()[:9000]}[content])
    reason = "more than plain data" if content == "evil" else "damaged, cut short"
    with pytest.raises(
        ValueError, match=f"last.pt is not a whole .*{reason}.*start afresh"
    ) as refusal:
        load_checkpoint(path)
    assert "weights_only" not in str(refusal.value), "no advice to trust it"
    assert "ran" not in capsys.readouterr().out

"""The loop: resume to the last bit, kill -9, full disks, divergence, the log."""

import errno
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

from colorize_lib.training import loop
from colorize_lib.training.checkpoints import load_checkpoint
from colorize_lib.training.loop import (
    TrainingDivergedError,
    TrainingHaltedError,
    TrainingStopped,
    fit,
)
from colorize_lib.training.precision import Precision
from colorize_lib.training.regression import Regression

FLOAT32 = Precision("float32", "cpu")


def pictures(count=40, size=16):
    random = torch.Generator().manual_seed(3)
    shape = (count, 3, size, size)
    return torch.randint(0, 256, shape, dtype=torch.uint8, generator=random)


def method(
    precision=FLOAT32, dropout=0.2, learning_rate=1e-2, schedule=None, network=None
):
    torch.manual_seed(0)
    network = network or nn.Sequential(
        nn.Conv2d(1, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU(),
        nn.Dropout(dropout), nn.Conv2d(8, 2, 3, padding=1), nn.Tanh(),
    )  # fmt: skip
    optimizer = torch.optim.AdamW(network.parameters(), learning_rate)
    scheduler = schedule and torch.optim.lr_scheduler.OneCycleLR(
        optimizer, learning_rate, total_steps=schedule
    )
    return Regression(network, optimizer, precision, F.l1_loss, scheduler)


def run(folder, epochs=2, images=None, trained=None, **more):
    trained = trained or method(schedule=60)
    images = pictures() if images is None else images
    options = {"epochs": epochs, "batch_size": 4, "crop": 12, "show_progress": False}
    history = fit(trained, images, folder, **options | more)
    return trained.network.state_dict(), history


def same(one, two):
    return all(torch.equal(one[name], two[name]) for name in one)


def losses(history):
    return [line["loss"] for line in history]


# ------------------------------------------------------------ resume


def test_one_epoch_and_one_more_are_two(tmp_path):
    whole, history = run(tmp_path / "whole")
    run(tmp_path / "parts", epochs=1)
    parts, again = run(tmp_path / "parts")
    assert same(whole, parts)
    assert losses(history) == losses(again)
    assert [line["epoch"] for line in again] == [1, 2]


@pytest.mark.parametrize("name", ["float32", "bfloat16"])
def test_two_runs_are_the_same_and_another_seed_is_not(tmp_path, name):
    precision = Precision(name, "cpu")
    one, _ = run(tmp_path / "one", trained=method(precision))
    two, _ = run(tmp_path / "two", trained=method(precision))
    other, _ = run(tmp_path / "other", trained=method(precision), seed=1)
    assert same(one, two)
    assert not same(one, other)


def test_stopped_by_ctrl_c_in_the_middle_and_resumed(tmp_path):
    whole, _ = run(tmp_path / "whole")

    class Interrupting(Regression):
        steps = 0

        def step(self, l, ab):
            self.steps += 1
            if self.steps == 7:
                os.kill(os.getpid(), signal.SIGINT)
            return super().step(l, ab)

    stopped = method(schedule=60)
    stopped.__class__ = Interrupting
    with pytest.raises(
        TrainingStopped, match=r"epoch 1 after batch 7 .*run the same again"
    ):
        run(tmp_path / "stopped", trained=stopped)
    resumed, history = run(tmp_path / "stopped")
    assert same(whole, resumed)
    assert len(history) == 2


SCRIPT = """
import sys, time
sys.path.insert(0, {tests!r})
import test_loop
from colorize_lib.training import loop
loop.LOOK_EVERY = 1

class Slow(test_loop.Regression):
    def step(self, l, ab):
        time.sleep(0.01)
        return super().step(l, ab)

trained = test_loop.method(schedule=60)
trained.__class__ = Slow
print("ready", flush=True)
test_loop.run(sys.argv[1], trained=trained, checkpoint_minutes=0)
print("finished", flush=True)
"""


def start(folder):
    script = SCRIPT.format(tests=str(Path(__file__).parent))
    command = [sys.executable, "-c", script, str(folder)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def test_killed_at_random_moments_and_resumed(tmp_path):
    whole, history = run(tmp_path / "whole")
    killed = 0
    for wait in (0.05, 0.12, 0.2, 0.08):
        process = start(tmp_path / "killed")
        assert process.stdout.readline() == "ready\n"
        time.sleep(wait)
        killed += process.poll() is None
        process.kill()
        process.wait()
    assert killed >= 2
    resumed, again = run(tmp_path / "killed", checkpoint_minutes=0)
    assert same(whole, resumed)
    assert losses(history) == losses(again)
    assert not list((tmp_path / "killed").glob("*.tmp"))


def test_other_settings_are_refused_and_named(tmp_path):
    run(tmp_path, epochs=1)
    with pytest.raises(ValueError, match=r"started with seed 0, now 5.*another folder"):
        run(tmp_path, seed=5)
    with pytest.raises(
        ValueError, match=r"images \[40, 3, 16, 16\], now \[39, 3, 16, 16\]"
    ):
        run(tmp_path, images=pictures(39))


def test_a_damaged_checkpoint_is_named(tmp_path):
    run(tmp_path, epochs=1)
    path = tmp_path / "last.pt"
    path.write_bytes(path.read_bytes()[:5000])
    with pytest.raises(ValueError, match=r"last.pt is not a whole checkpoint"):
        run(tmp_path)


# ------------------------------------------------------------ what it writes and raises


def test_log_and_best(tmp_path):
    scores = iter([3.0, 1.0, 2.0])
    _, history = run(
        tmp_path,
        epochs=3,
        validate=lambda network: {"ciede2000": next(scores)},
        best_by="ciede2000",
    )
    lines = [
        json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()
    ]
    assert lines == history
    assert [line["ciede2000"] for line in lines] == [3.0, 1.0, 2.0]
    assert lines[0]["images_per_second"] > 0
    assert load_checkpoint(tmp_path / "best.pt")["line"] == lines[1]


def test_the_logged_loss_is_the_mean_over_the_epoch(tmp_path):
    class Numbered(Regression):
        steps = 0

        def step(self, l, ab):
            super().step(l, ab)
            self.steps += 1
            return {"loss": torch.tensor(float(self.steps))}

    numbered = method()
    numbered.__class__ = Numbered
    _, history = run(tmp_path, trained=numbered)
    assert losses(history) == [5.5, 15.5]


def test_nan_stops_with_the_remedies_and_spares_the_checkpoint(tmp_path):
    run(tmp_path, epochs=1)
    before = (tmp_path / "last.pt").read_bytes()

    class Diverging(Regression):
        def step(self, l, ab):
            return {"loss": super().step(l, ab)["loss"] * float("nan")}

    diverging = method(schedule=60)
    diverging.__class__ = Diverging
    with pytest.raises(
        TrainingDivergedError, match=r"'loss' .* epoch 2 .*lower learning rate"
    ):
        run(tmp_path, trained=diverging)
    assert (tmp_path / "last.pt").read_bytes() == before


def test_weights_that_are_no_numbers_are_never_saved(tmp_path):
    class Breaking(Regression):
        def step(self, l, ab):
            losses = super().step(l, ab)
            nn.init.constant_(self.network[0].weight, float("inf"))
            return losses

    breaking = method(schedule=60)
    breaking.__class__ = Breaking
    with pytest.raises(TrainingDivergedError, match="a weight is no longer a number"):
        run(tmp_path, trained=breaking, images=pictures(4))
    assert not (tmp_path / "last.pt").exists()


def test_fewer_pictures_than_a_batch(tmp_path):
    with pytest.raises(ValueError, match="3 pictures do not fill one batch of 4"):
        run(tmp_path, images=pictures(3))


def test_drawn_scenes_pass_as_float_lab(tmp_path):
    from colorize_lib.scenes import draw_scenes

    _, history = run(tmp_path, epochs=6, images=draw_scenes(24, 32).lab, crop=None)
    assert losses(history)[-1] < losses(history)[0]


def test_runs_outside_the_main_thread(tmp_path):
    results = []
    thread = threading.Thread(target=lambda: results.append(run(tmp_path, epochs=1)))
    thread.start()
    thread.join()
    assert len(results[0][1]) == 1


# ------------------------------------------------------------ one at a time


def test_a_second_training_in_the_folder_is_refused_and_disturbs_nothing(tmp_path):
    whole, _ = run(tmp_path / "whole")
    folder, refusals = tmp_path / "run", []

    class Disturbed(Regression):
        def step(self, l, ab):
            if not refusals:
                another = threading.Thread(target=try_to_train)
                another.start()
                another.join()
            return super().step(l, ab)

    def try_to_train():
        try:
            run(folder)
        except BlockingIOError as refusal:
            refusals.append(str(refusal))

    disturbed = method(schedule=60)
    disturbed.__class__ = Disturbed
    weights, _ = run(folder, trained=disturbed)
    who = "another process"
    assert refusals[0].startswith(f"{who} is training in {folder}: wait until it ends")
    assert same(whole, weights)
    assert run(folder)[1], "afterwards the folder is free"


def test_only_what_killed_trainings_left_is_swept_away(tmp_path):
    mine = [tmp_path / f".{name}.7.tmp" for name in ("last.pt", "best.pt", "log.jsonl")]
    others = [tmp_path / f".{name}.7.tmp" for name in ("photo.png", "old-last.pt")]
    for path in (*mine, *others):
        path.write_bytes(b"half")
    run(tmp_path, epochs=1)
    assert sorted(tmp_path.glob("*.tmp")) == sorted(others)


# ------------------------------------------------------------ a full disk

no_full_disk = pytest.mark.skipif(
    not Path("/dev/full").exists(), reason="no disk that is always full"
)


def fill_disk(folder, name):
    """The next attempt to write this file meets a full disk."""
    (folder / f".{name}.{os.getpid()}.tmp").symlink_to("/dev/full")


@no_full_disk
@pytest.mark.parametrize("name", ["last.pt", "best.pt", "log.jsonl"])
def test_a_full_disk_halts_and_says_what_is_kept(tmp_path, name):
    whole, history = run(tmp_path / "whole")
    folder, epochs = tmp_path / "run", itertools.count(1)

    def validate(network):
        if next(epochs) == 2:
            fill_disk(folder, name)
        return {}

    with pytest.raises(TrainingHaltedError) as halt:
        run(folder, validate=validate)
    told = str(halt.value)
    assert told.startswith(f"disk full: could not write {folder / name}. ")
    assert f"Kept is {folder / 'last.pt'}, from the end of epoch 1. " in told
    assert told.endswith("Free some space, then run the same again to go on")
    assert not list(folder.glob("*.tmp"))

    weights, again = run(folder)
    assert same(whole, weights)
    assert losses(again) == losses(history)
    lines = (folder / "log.jsonl").read_text().splitlines()
    assert [json.loads(line) for line in lines] == again


@no_full_disk
def test_a_disk_that_is_full_within_an_epoch_or_from_the_start(tmp_path, monkeypatch):
    monkeypatch.setattr(loop, "LOOK_EVERY", 1)

    class Filling(Regression):
        steps, at = 0, 7

        def step(self, l, ab):
            self.steps += 1
            if self.steps == self.at:
                fill_disk(tmp_path, "last.pt")
            return super().step(l, ab)

    filling = method(schedule=60)
    filling.__class__ = Filling
    with pytest.raises(TrainingHaltedError, match=r"from batch 6 of epoch 1\. Free"):
        run(tmp_path, trained=filling, checkpoint_minutes=0)
    (tmp_path / "last.pt").unlink()
    filling.at = filling.steps + 1
    with pytest.raises(TrainingHaltedError, match=r"No checkpoint is in .* yet\. Free"):
        run(tmp_path, trained=filling, checkpoint_minutes=0)


@pytest.mark.parametrize("number", [errno.EROFS, errno.EFBIG])
def test_what_more_space_does_not_mend_has_another_remedy(tmp_path, number):
    def validate(network):
        raise OSError(number, os.strerror(number))

    with pytest.raises(
        TrainingHaltedError, match=r"yet\. Mend that, then run the same"
    ):
        run(tmp_path, validate=validate)

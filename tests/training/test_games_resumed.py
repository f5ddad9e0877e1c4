"""A game goes on to the last bit: both players, averages, random draws, whose turn."""

import itertools
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from torch import nn

from colorize_lib.training.checkpoints import load_checkpoint
from colorize_lib.training.games import Pix2PixGame, WassersteinGame
from colorize_lib.training.learner import Learner
from colorize_lib.training.loop import fit
from colorize_lib.training.precision import Precision
from colorize_lib.training.schedules import hold_then_fall

FLOAT32 = Precision("float32", "cpu")
WIDTHS = (4, 8, 8)
GAMES = {
    "pix2pix": Pix2PixGame(widths=WIDTHS, average=0.9, head_start=3),
    "wgan-gp": WassersteinGame(widths=WIDTHS, critic_steps=3, average=0.9),
}
EPOCHS, BATCHES = 2, 10


def learner(network, steps, average=None):
    optimizer = torch.optim.Adam(network.parameters(), 1e-3, betas=(0.5, 0.9))
    scheduler = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda step: hold_then_fall(steps, step)
    )
    return Learner(network, optimizer, FLOAT32, scheduler, average=average)


def played(name):
    """A fresh game; dropout makes its random draws count."""
    torch.manual_seed(0)
    game = GAMES[name]
    colorizer = nn.Sequential(
        nn.Conv2d(1, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU(),
        nn.Dropout(0.2), nn.Conv2d(8, 2, 3, padding=1), nn.Tanh(),
    )  # fmt: skip
    steps = EPOCHS * BATCHES
    generator = learner(colorizer, game.turns(steps), game.average)
    return game.method(generator, learner(game.rival(), steps))


def run(name, folder, epochs=EPOCHS, method=None, **more):
    drawn = torch.Generator().manual_seed(3)
    shape = (4 * BATCHES, 3, 28, 28)
    images = torch.randint(0, 256, shape, dtype=torch.uint8, generator=drawn)
    method = method or played(name)
    options = {"epochs": epochs, "batch_size": 4, "crop": 24, "show_progress": False}
    return method, fit(method, images, folder, best_by=None, **options | more)


def leaves(state):
    """Every tensor and number of a state, in order."""
    if isinstance(state, dict):
        for key in sorted(state, key=str):
            yield from leaves(state[key])
    elif isinstance(state, (list, tuple)):
        for part in state:
            yield from leaves(part)
    else:
        yield state


def same(one, other):
    pairs = zip(leaves(one), leaves(other), strict=True)
    return all(torch.equal(a, b) if torch.is_tensor(a) else a == b for a, b in pairs)


def without_clock(history):
    clock = ("seconds", "images_per_second")
    return [{k: v for k, v in line.items() if k not in clock} for line in history]


@pytest.fixture(scope="module", params=GAMES)
def undisturbed(request, tmp_path_factory):
    method, history = run(request.param, tmp_path_factory.mktemp("undisturbed"))
    return request.param, method.state_dict(), without_clock(history)


def test_one_epoch_and_one_more_are_two(undisturbed, tmp_path):
    name, expected, lines = undisturbed
    run(name, tmp_path, epochs=1)
    method, history = run(name, tmp_path)
    assert same(method.state_dict(), expected)
    assert without_clock(history) == lines
    best = load_checkpoint(tmp_path / "best.pt")["network"]
    assert same(best, method.network.state_dict())


@pytest.mark.parametrize("batch", [2, 5, 11])
def test_stopped_in_the_middle_of_a_turn(undisturbed, tmp_path, monkeypatch, batch):
    name, expected, lines = undisturbed
    stopped, steps = played(name), itertools.count(1)
    step = stopped.step

    def interrupted(l, ab):
        if next(steps) == batch:
            signal.raise_signal(signal.SIGINT)
        return step(l, ab)

    stopped.step = interrupted
    with pytest.raises(KeyboardInterrupt):
        run(name, tmp_path, method=stopped)
    method, history = run(name, tmp_path)
    assert same(method.state_dict(), expected)
    for line, other in zip(without_clock(history), lines, strict=True):
        assert line == pytest.approx(other, rel=1e-6)


SCRIPT = """
import sys
sys.path.insert(0, {tests!r})
import test_games_resumed as here
from colorize_lib.training import loop
loop.LOOK_EVERY = 1
print("ready", flush=True)
here.run(sys.argv[1], sys.argv[2], epochs=int(sys.argv[3]), checkpoint_minutes=0)
print("finished", flush=True)
"""


@pytest.mark.parametrize("name", GAMES)
def test_killed_at_random_moments_it_always_goes_on(name, tmp_path):
    """Ten times in all, five a game; the eleventh call finishes as if nothing were."""
    random.seed(1)
    script = SCRIPT.format(tests=str(Path(__file__).parent))
    start = [sys.executable, "-c", script, name, str(tmp_path / "run")]
    killed = 0
    for _ in range(5):
        process = subprocess.Popen(
            [*start, "1000"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        assert process.stdout.readline() == "ready\n", process.stderr.read()[-2000:]
        time.sleep(random.uniform(0, 1.0))
        process.kill()
        killed += process.wait() == -signal.SIGKILL
    assert killed == 5
    last = tmp_path / "run" / "last.pt"
    epochs = load_checkpoint(last)["run"]["epoch"] + 1 if last.exists() else 1
    method, history = run(name, tmp_path / "run", epochs=epochs)
    undisturbed, lines = run(name, tmp_path / "undisturbed", epochs=epochs)
    assert same(method.state_dict(), undisturbed.state_dict())
    assert len(history) == len(lines) == epochs

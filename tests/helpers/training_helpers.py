"""What several tests of training need: batches, learners, Ctrl-C, a busy folder."""

import itertools
import os
import signal
import threading
from contextlib import contextmanager

import torch
from torch import nn

from colorize_lib.training import distributed as processes
from colorize_lib.training.learner import Learner, Precision
from colorize_lib.training.regression import Regression


def batch(seed=0, *, count=3, size=32):
    """l, and an ab that can be told from it."""
    random = torch.Generator().manual_seed(seed)
    l = torch.rand(count, 1, size, size, generator=random) * 2 - 1
    return l, torch.cat([l, -l], dim=1) / 2


def halved(x):
    """Squares of four pixels as one, their mean."""
    b, c, h, w = x.shape
    return x.reshape(b, c, h // 2, 2, w // 2, 2).mean(dim=(3, 5))


def weights(network):
    return torch.cat([p.detach().flatten() for p in network.parameters()])


def same(one, other):
    """Whether two states are equal in every tensor and number."""
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(same(one[k], other[k]) for k in one)
    if isinstance(one, (list, tuple)):
        return len(one) == len(other) and all(map(same, one, other))
    return torch.equal(one, other) if torch.is_tensor(one) else one == other


def without_clock(history):
    """The lines of a run without what depends on the machine."""
    clock = ("seconds", "images_per_second")
    return [{k: v for k, v in line.items() if k not in clock} for line in history]


def learners(adversary, rates, *, precision, optimizer, average):
    """A tiny generator and its adversary, the generator first in ``rates``."""
    # No bias before the BatchNorm: it would move by rounding errors alone.
    convolution = nn.Conv2d(1, 4, 3, padding=1, bias=False)
    generator = nn.Sequential(convolution, nn.BatchNorm2d(4), nn.Conv2d(4, 2, 1))
    return [
        Learner(
            network,
            optimizer(network.parameters(), lr=rate),
            Precision(precision, "cpu"),
            average=average if network is generator else None,
        )
        for rate, network in zip(rates.values(), (generator, adversary), strict=True)
    ]


def stop_at(monkeypatch, step, method=Regression):
    """Press Ctrl-C in a step of such a method, counted over its stages."""
    steps, original = itertools.count(1), method.step

    def interrupted(its, l, ab):
        if next(steps) == step:
            os.kill(os.getpid(), signal.SIGINT)
        return original(its, l, ab)

    monkeypatch.setattr(method, "step", interrupted)


@contextmanager
def held_elsewhere(folder):
    """While another training, here a thread, is at work in the folder."""
    inside, done = threading.Event(), threading.Event()

    def hold():
        with processes.holding(folder):
            inside.set()
            done.wait(60)

    holder = threading.Thread(target=hold)
    holder.start()
    assert inside.wait(10)
    try:
        yield
    finally:
        done.set()
        holder.join()


def is_held(folder):
    """Whether a training somewhere else would be refused."""
    refused = []

    def attempt():
        try:
            with processes.holding(folder):
                refused.append(False)
        except BlockingIOError:
            refused.append(True)

    other = threading.Thread(target=attempt)
    other.start()
    other.join()
    return refused == [True]

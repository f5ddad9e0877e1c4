"""What several tests of training need: tiny batches, players, Ctrl-C, a busy folder."""

import itertools
import os
import signal
import threading
from contextlib import contextmanager

import torch
from torch import nn

from colorize_lib.training import distributed as processes
from colorize_lib.training.learner import Learner
from colorize_lib.training.precision import Precision
from colorize_lib.training.regression import Regression


def batch(seed=0, *, count=3, size=32):
    """l, and an ab that can be told from it."""
    random = torch.Generator().manual_seed(seed)
    l = torch.rand(count, 1, size, size, generator=random) * 2 - 1
    return l, torch.cat([l, -l], dim=1) / 2


def weights(network):
    return torch.cat([p.detach().flatten() for p in network.parameters()])


def same(one, other):
    return one.keys() == other.keys() and all(
        torch.equal(one[name], other[name]) for name in one
    )


def players(rival, rates, *, precision, optimizer, average):
    """A tiny generator and its rival as learners, the generator first in ``rates``."""
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
        for rate, network in zip(rates.values(), (generator, rival), strict=True)
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

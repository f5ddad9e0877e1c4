"""Regression: one step by hand, its precision, and what a loss makes of it."""

import pytest
import torch
from torch import nn
from torch.nn import functional as F
from training_helpers import batch

from colorize_lib.color import AB_SCALE
from colorize_lib.scenes import Palette
from colorize_lib.training.learner import Precision, one_cycle
from colorize_lib.training.regression import LOSSES, Regression


@pytest.mark.parametrize(
    ("loss", "value", "slopes"),
    [(F.l1_loss, 0.4, [0.5, 0.5]), (F.mse_loss, 0.17, [0.3, 0.5])],
)
def test_a_step_by_hand(loss, value, slopes):
    """The answer is (0.5, 0.5) everywhere, the truth (0.2, 0).

    L2 pulls in proportion to the error; L1 pulls both alike.
    """
    network = nn.Conv2d(1, 2, 1)
    nn.init.zeros_(network.weight)
    nn.init.constant_(network.bias, 0.5)
    optimizer = torch.optim.SGD(network.parameters(), lr=0.1)
    regression = Regression(network, optimizer, Precision("float32", "cpu"), loss)
    truth = torch.tensor([0.2, 0.0])[:, None, None].expand(3, 2, 4, 4)
    losses = regression.step(torch.ones(3, 1, 4, 4), truth)
    assert losses["loss"].item() == pytest.approx(value)
    assert not losses["loss"].requires_grad
    moved = [0.5 - 0.1 * slope for slope in slopes]
    assert network.bias.tolist() == pytest.approx(moved)
    assert network.weight.flatten().tolist() == pytest.approx([x - 0.5 for x in moved])


@pytest.mark.parametrize("name", ["float32", "bfloat16", "float16"])
def test_it_learns_in_each_precision_with_a_loss_in_float32(name):
    torch.manual_seed(0)
    seen = {}

    def loss(predicted, ab):
        seen["loss"] = (predicted.dtype, ab.dtype, torch.is_autocast_enabled("cpu"))
        return F.l1_loss(predicted, ab)

    network = nn.Sequential(
        nn.Conv2d(1, 4, 3, padding=1), nn.BatchNorm2d(4), nn.Conv2d(4, 2, 1)
    )
    network[2].register_forward_hook(lambda layer, x, y: seen.update(network=y.dtype))
    optimizer = torch.optim.AdamW(network.parameters(), lr=1e-2)
    trained = Regression(network, optimizer, Precision(name, "cpu"), loss)
    losses = [trained.step(*batch(size=8))["loss"] for _ in range(60)]
    assert losses[-1] < losses[0] / 4
    assert seen["network"] == getattr(torch, name)
    assert seen["loss"] == (torch.float32, torch.float32, False)
    assert all(x.dtype == torch.float32 for x in network.parameters())


@pytest.mark.parametrize(("loss", "answer"), [("l2", "mean"), ("l1", "median")])
def test_what_is_learned_where_there_are_several_true_colors(loss, answer):
    """Cars that look alike: 12 of 20 are red, 5 blue, 3 green."""
    law = Palette(
        ("red", "blue", "green"), ((60, 40), (10, -50), (-50, 45)), (0.6, 0.25, 0.15)
    )
    truths = law.modes.repeat_interleave(torch.tensor([12, 5, 3]), dim=0) / AB_SCALE
    network = nn.Sequential(nn.Conv2d(1, 2, 1), nn.Tanh())
    optimizer = torch.optim.Adam(network.parameters(), 3e-2)
    scheduler = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda step: one_cycle(400, step)
    )
    precision = Precision("float32", "cpu")
    method = Regression(network, optimizer, precision, LOSSES[loss], scheduler)
    l = torch.zeros(20, 1, 1, 1)
    for _ in range(400):
        method.step(l, truths[:, :, None, None])
    learned = AB_SCALE * network(l[:1]).detach().flatten()
    others = {"mean": law.median, "median": law.mean}
    torch.testing.assert_close(learned, getattr(law, answer), rtol=0, atol=0.5)
    assert (learned - others[answer]).norm() > 10

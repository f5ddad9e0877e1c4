"""Regression: one step by hand, what it leaves, and that nothing of it is lost."""

import copy

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from colorize_lib.training.precision import Precision
from colorize_lib.training.regression import Regression


def method(name="float32", loss=F.l1_loss, scheduled=False, optimizer=None):
    torch.manual_seed(0)
    network = nn.Sequential(
        nn.Conv2d(1, 4, 3, padding=1), nn.BatchNorm2d(4), nn.Conv2d(4, 2, 1)
    )
    optimizer = (optimizer or torch.optim.AdamW)(network.parameters(), lr=1e-2)
    scheduler = scheduled and torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda step: 0.5**step
    )
    precision = Precision(name, "cpu")
    return Regression(network, optimizer, precision, loss, scheduler or None)


def batch(seed=0):
    random = torch.Generator().manual_seed(seed)
    l = torch.rand(4, 1, 8, 8, generator=random) * 2 - 1
    return l, torch.cat([l, -l], dim=1) / 2


def same(one, other):
    return all(torch.equal(one[name], other[name]) for name in one)


# ------------------------------------------------------------ one step


@pytest.mark.parametrize(
    ("loss", "value", "slope"), [(F.l1_loss, 0.4, 0.5), (F.mse_loss, 0.17, 0.4)]
)
def test_a_step_by_hand(loss, value, slope):
    """The answer is (0.5, 0.5) everywhere, the truth (0.2, 0)."""
    network = nn.Conv2d(1, 2, 1)
    nn.init.zeros_(network.weight)
    nn.init.constant_(network.bias, 0.5)
    optimizer = torch.optim.SGD(network.parameters(), lr=0.1)
    regression = Regression(network, optimizer, Precision("float32", "cpu"), loss)
    truth = torch.tensor([0.2, 0.0])[:, None, None].expand(3, 2, 4, 4)
    losses = regression.step(torch.ones(3, 1, 4, 4), truth)
    assert losses["loss"].item() == pytest.approx(value)
    assert not losses["loss"].requires_grad
    # L2 pulls in proportion to the error, .3 and .5; L1 pulls both alike.
    slopes = [slope, slope] if loss is F.l1_loss else [0.3, 0.5]
    moved = [0.5 - 0.1 * s for s in slopes]
    assert network.bias.tolist() == pytest.approx(moved)
    assert network.weight.flatten().tolist() == pytest.approx([x - 0.5 for x in moved])


def test_the_default_loss_is_l1():
    network = nn.Conv2d(1, 2, 1)
    optimizer = torch.optim.SGD(network.parameters(), lr=0.1)
    regression = Regression(network, optimizer, Precision("float32", "cpu"))
    l, ab = batch()
    expected = F.l1_loss(network(l), ab).item()
    assert regression.step(l, ab)["loss"].item() == pytest.approx(expected)


@pytest.mark.parametrize("name", ["float32", "bfloat16", "float16"])
def test_steps_lower_the_loss(name):
    trained = method(name)
    losses = [trained.step(*batch())["loss"].item() for _ in range(60)]
    assert losses[-1] < losses[0] / 4


def test_gradients_of_earlier_steps_are_gone():
    trained = method(optimizer=torch.optim.SGD)
    trained.step(*batch(0))
    once = copy.deepcopy(trained.network)
    trained.step(*batch(1))
    F.l1_loss(once(batch(1)[0]), batch(1)[1]).backward()
    for ours, expected in zip(
        trained.network.parameters(), once.parameters(), strict=True
    ):
        torch.testing.assert_close(ours.grad, expected.grad)


def test_a_step_trains_although_a_validation_left_evaluation_mode():
    trained = method()
    trained.network.eval()
    trained.step(*batch())
    assert trained.network.training
    assert trained.network[1].num_batches_tracked == 1


def test_the_scheduler_is_advanced_once_a_step():
    trained = method(scheduled=True)
    rates = []
    for _ in range(4):
        rates.append(trained.learner.optimizer.param_groups[0]["lr"])
        trained.step(*batch())
    assert rates == pytest.approx([1e-2, 5e-3, 2.5e-3, 1.25e-3])


# ------------------------------------------------------------ precision


@pytest.mark.parametrize("name", ["float32", "bfloat16", "float16"])
def test_the_network_computes_in_the_precision_and_the_loss_in_float32(name):
    seen = {}

    def loss(predicted, ab):
        seen["loss"] = (predicted.dtype, ab.dtype, torch.is_autocast_enabled("cpu"))
        return F.l1_loss(predicted, ab)

    trained = method(name, loss)
    trained.network[2].register_forward_hook(
        lambda layer, x, y: seen.update(network=y.dtype)
    )
    losses = trained.step(*batch())
    assert seen["network"] == getattr(torch, name)
    assert seen["loss"] == (torch.float32, torch.float32, False)
    assert losses["loss"].dtype == torch.float32
    assert all(x.dtype == torch.float32 for x in trained.network.parameters())


def test_float16_steps_over_gradients_that_overflow():
    trained = method("float16", lambda y, ab: 1e38 * F.l1_loss(y, ab))
    before = copy.deepcopy(trained.network.state_dict())
    scale = trained.learner.scaler.get_scale()
    trained.step(*batch())
    parameters = dict(trained.network.named_parameters())
    assert all(torch.equal(parameters[name], before[name]) for name in parameters)
    assert trained.learner.scaler.get_scale() < scale


# ------------------------------------------------------------ nothing is lost


@pytest.mark.parametrize("scheduled", [False, True])
@pytest.mark.parametrize("name", ["float32", "bfloat16", "float16"])
def test_the_state_is_all_that_the_next_steps_need(tmp_path, name, scheduled):
    trained = method(name, scheduled=scheduled)
    for seed in range(3):
        trained.step(*batch(seed))
    torch.save(trained.state_dict(), tmp_path / "state.pt")

    resumed = method(name, scheduled=scheduled)
    assert not same(resumed.network.state_dict(), trained.network.state_dict())
    resumed.load_state_dict(torch.load(tmp_path / "state.pt", weights_only=True))
    for seed in range(3, 6):
        ours, theirs = (x.step(*batch(seed))["loss"] for x in (resumed, trained))
        assert torch.equal(ours, theirs)
    assert same(resumed.network.state_dict(), trained.network.state_dict())
    assert resumed.learner.scaler.state_dict() == trained.learner.scaler.state_dict()
    rates = [x.learner.optimizer.param_groups[0]["lr"] for x in (resumed, trained)]
    assert rates[0] == rates[1]

"""A learner: one step by hand, average, precision, learning rates, its state."""

import copy
from functools import partial

import pytest
import torch
from torch import nn
from torch.nn import functional as F
from training_helpers import batch as batch_of
from training_helpers import same, weights

from colorize_lib.models import PatchGAN
from colorize_lib.training.learner import (
    Learner,
    Precision,
    choose_precision,
    hold_then_fall,
    one_cycle,
)

batch = partial(batch_of, count=4, size=8)
PRECISIONS = ["float32", "bfloat16", "float16"]


def learner(name="float32", optimizer=torch.optim.SGD, scheduled=False, average=None):
    network = nn.Sequential(
        nn.Conv2d(1, 4, 3, padding=1), nn.BatchNorm2d(4), nn.Conv2d(4, 2, 1)
    )
    optimizer = optimizer(network.parameters(), lr=0.1)
    scheduler = scheduled and torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda step: 0.5**step
    )
    precision = Precision(name, "cpu")
    return Learner(network, optimizer, precision, scheduler or None, average=average)


def judge(name="float32"):
    network = PatchGAN((4, 8, 8, 8))
    optimizer = torch.optim.SGD(network.parameters(), lr=0.1)
    return Learner(network, optimizer, Precision(name, "cpu"))


def learn(trained, seed=0):
    l, ab = batch(seed)
    return trained.update(F.l1_loss(trained(l), ab))


@pytest.fixture(autouse=True)
def steady():
    torch.manual_seed(0)


# ------------------------------------------------------------ one step


def test_descending_equals_plain_gradient_descent():
    """Twice, so that gradients of the first step would be noticed in the second."""
    trained = learner()
    plain = copy.deepcopy(trained.network)
    for seed in range(2):
        l, ab = batch(seed)
        loss = F.l1_loss(plain(l), ab)
        gradients = torch.autograd.grad(loss, list(plain.parameters()))
        with torch.no_grad():
            for p, gradient in zip(plain.parameters(), gradients, strict=True):
                p -= 0.1 * gradient
        learn(trained, seed)
    torch.testing.assert_close(trained.network.state_dict(), plain.state_dict())


@pytest.mark.parametrize("name", PRECISIONS)
def test_the_norm_is_that_of_the_whole_gradient(name):
    """Of the loss itself, whatever the scaler has made of it."""
    trained = learner(name)
    slopes = [torch.randn_like(p) for p in trained.network.parameters()]

    def tilted():
        pairs = zip(slopes, trained.network.parameters(), strict=True)
        return sum((slope * p).sum() for slope, p in pairs)

    expected = sum(slope.square().sum().item() for slope in slopes) ** 0.5
    before = weights(trained.network)
    norm = trained.update(tilted())
    assert norm.item() == pytest.approx(expected)
    assert not norm.requires_grad
    moved = before - weights(trained.network)
    torch.testing.assert_close(moved, 0.1 * torch.cat([s.flatten() for s in slopes]))


@pytest.mark.parametrize("name", PRECISIONS)
def test_it_computes_in_the_precision_and_answers_in_float32(name):
    trained, seen = learner(name), []
    trained.network[2].register_forward_hook(lambda layer, x, y: seen.append(y.dtype))
    answers = [trained(batch()[0]), trained.frozen(batch()[0])]
    assert seen == [getattr(torch, name)] * 2
    assert [answer.dtype for answer in answers] == [torch.float32] * 2


def test_it_trains_although_a_validation_left_evaluation_mode():
    for ask in (Learner.__call__, Learner.frozen):
        trained = learner()
        trained.network.eval()
        ask(trained, batch()[0])
        assert trained.network.training
        assert trained.network[1].num_batches_tracked == 1


def test_float16_steps_over_gradients_that_overflow():
    trained = learner("float16", average=0.5)
    before, scale = weights(trained.network), trained.scaler.get_scale()
    norm = trained.update(1e38 * trained(batch()[0]).sum())
    assert norm == 0
    assert torch.equal(weights(trained.network), before)
    assert torch.equal(weights(trained.result), before)
    assert trained.scaler.get_scale() < scale


@pytest.mark.parametrize("name", ["float32", "bfloat16"])
def test_elsewhere_a_gradient_that_is_no_number_is_told(name):
    trained = learner(name)
    assert not trained.update(trained(batch()[0]).sum() * float("inf")).isfinite()


# ------------------------------------------------------------ average


def test_the_average_by_hand():
    trained = learner(average=0.75)
    assert torch.equal(weights(trained.result), weights(trained.network))
    expected = None
    for seed in range(4):
        learn(trained, seed)
        now = weights(trained.network)
        expected = now if expected is None else 0.75 * expected + 0.25 * now
        torch.testing.assert_close(weights(trained.result), expected)
        assert same(
            dict(trained.result.named_buffers()), dict(trained.network.named_buffers())
        )
    assert (weights(trained.result) - weights(trained.network)).norm() > 1e-3


# ------------------------------------------------------------ judging


@pytest.mark.parametrize("name", PRECISIONS)
def test_a_judge_answers_as_when_called(name):
    judging, l, ab = judge(name), torch.rand(2, 1, 32, 32), torch.rand(2, 2, 32, 32)
    asked = copy.deepcopy(judging)
    given = [(l.clone().requires_grad_(), ab.clone().requires_grad_()) for _ in "12"]
    answers = judging.frozen(*given[0]), asked(*given[1])
    assert torch.equal(*answers)
    assert same(judging.network.state_dict(), asked.network.state_dict())
    for answer in answers:
        answer.square().sum().backward()
    for ours, expected in zip(*given, strict=True):
        assert expected.grad.norm() > 0
        torch.testing.assert_close(ours.grad, expected.grad)


def test_a_judge_learns_nothing():
    judging, l, ab = judge(), torch.rand(2, 1, 32, 32), torch.rand(2, 2, 32, 32)
    judging.frozen(l, ab.requires_grad_()).sum().backward()
    assert ab.grad is not None
    assert all(p.grad is None for p in judging.network.parameters())
    assert all(p.requires_grad for p in judging.network.parameters())

    judging.update(judging(l, ab).sum())
    before = [p.grad.clone() for p in judging.network.parameters()]
    judging.frozen(l, ab).sum().backward()
    after = [p.grad for p in judging.network.parameters()]
    assert all(map(torch.equal, before, after))


# ------------------------------------------------------------ nothing is lost


@pytest.mark.parametrize("name", ["float32", "float16"])
@pytest.mark.parametrize("parts", [{}, {"scheduled": True, "average": 0.75}])
@pytest.mark.parametrize("before", [0, 3])
def test_the_state_is_all_that_the_next_steps_need(tmp_path, name, parts, before):
    """Saved before a first step, too: only then is the average a mere copy."""
    trained = learner(name, torch.optim.AdamW, **parts)
    for seed in range(before):
        learn(trained, seed)
    torch.save(trained.state_dict(), tmp_path / "state.pt")

    resumed = learner(name, torch.optim.AdamW, **parts)
    assert not same(resumed.network.state_dict(), trained.network.state_dict())
    resumed.load_state_dict(torch.load(tmp_path / "state.pt", weights_only=True))
    assert same(resumed.result.state_dict(), trained.result.state_dict())
    for seed in range(3, 6):
        assert torch.equal(learn(resumed, seed), learn(trained, seed))
    assert same(resumed.network.state_dict(), trained.network.state_dict())
    assert same(resumed.result.state_dict(), trained.result.state_dict())
    assert resumed.scaler.state_dict() == trained.scaler.state_dict()
    rates = [x.optimizer.param_groups[0]["lr"] for x in (resumed, trained)]
    assert rates[0] == rates[1]


# ------------------------------------------------------------ precision


def pretend(monkeypatch, capability=None, **capabilities):
    """A GPU of that compute capability, a processor of these capabilities."""
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda *_: capability)
    monkeypatch.setattr(
        torch.cpu, "get_capabilities", lambda: capabilities, raising=False
    )


@pytest.mark.parametrize(
    ("device", "capability", "name"),
    [
        ("cuda", (7, 5), "float16"),  # Colab's T4
        ("cuda:1", (8, 0), "bfloat16"),
        ("cuda", (10, 0), "bfloat16"),  # as text, "10.0" would come before "8.0"
        ("mps", None, "float32"),
    ],
)
def test_precision_of_gpus(monkeypatch, device, capability, name):
    pretend(monkeypatch, capability, amx_bf16=True)
    # True of a T4, too, where it is emulated and slow.
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda *_: True)
    assert choose_precision(device) == Precision(name, device.split(":")[0])


@pytest.mark.parametrize("has_amx", [True, False])
def test_precision_of_processors(monkeypatch, has_amx):
    pretend(monkeypatch, (9, 0), amx_bf16=has_amx)
    assert choose_precision("cpu").name == ("bfloat16" if has_amx else "float32")


def test_a_wish_overrules_the_hardware_and_is_one_of_three(monkeypatch):
    pretend(monkeypatch, (7, 5), amx_bf16=True)
    assert choose_precision("cuda", "bfloat16") == Precision("bfloat16", "cuda")
    with pytest.raises(ValueError, match="float32, bfloat16 or float16, not 'half'"):
        choose_precision("cpu", "half")


# ------------------------------------------------------------ learning rates


@pytest.mark.parametrize(
    ("steps", "step", "share"),
    [
        (20, 0, 0.5),  # a tenth of the steps: two
        (20, 1, 1),
        (20, 8, 0.75),  # a third of the way down: cos 60 degrees
        (20, 14, 0.25),
        (20, 20, 0),
        (5, 0, 1),  # too few for a rise
    ],
)
def test_one_cycle_by_hand(steps, step, share):
    assert one_cycle(steps, step) == pytest.approx(share, abs=1e-12)


@pytest.mark.parametrize(
    ("steps", "step", "share"),
    [(10, 0, 1), (10, 5, 1), (10, 6, 0.8), (10, 10, 0), (0, 0, 0), (10, 12, 0)],
)
def test_hold_then_fall_by_hand(steps, step, share):
    assert hold_then_fall(steps, step) == pytest.approx(share, abs=1e-12)

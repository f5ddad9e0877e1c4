"""GAN losses in closed form, and the gradient penalty by hand and by other means."""

import math
import shutil

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn
from torch.nn import functional as F

from colorize_lib.losses import (
    binary_cross_entropy,
    gradient_penalty,
    least_squares,
    picture_scores,
)
from colorize_lib.models import PatchGAN

SHAPES = [(), (3,), (3, 1), (2, 1, 4, 4)]
log_odds = st.lists(st.floats(-30, 30), min_size=1, max_size=8).map(
    lambda scores: torch.tensor(scores, dtype=torch.float64)
)


@pytest.fixture(autouse=True)
def steady():
    torch.manual_seed(0)


# ------------------------------------------------------------ GAN losses


@pytest.mark.parametrize("shape", SHAPES)
def test_a_score_of_zero_is_undecided(shape):
    for true in (True, False):
        undecided = binary_cross_entropy(torch.zeros(shape), true)
        assert undecided.shape == ()
        assert undecided.item() == pytest.approx(math.log(2))


@given(log_odds)
def test_cross_entropy_is_the_softplus(scores):
    for true, expected in ((True, F.softplus(-scores)), (False, F.softplus(scores))):
        loss = binary_cross_entropy(scores, true)
        torch.testing.assert_close(loss, expected.mean(), rtol=1e-9, atol=1e-12)


@given(log_odds)
def test_cross_entropy_is_that_of_probabilities(scores):
    for true in (True, False):
        label = torch.full_like(scores, 1.0 if true else 0.0)
        expected = F.binary_cross_entropy(scores.sigmoid(), label)
        loss = binary_cross_entropy(scores, true)
        torch.testing.assert_close(loss, expected, rtol=1e-3, atol=1e-9)


def test_cross_entropy_does_not_fade_when_the_discriminator_wins():
    score = torch.tensor([-1000.0], requires_grad=True)
    loss = binary_cross_entropy(score, True)
    loss.backward()
    assert loss.item() == pytest.approx(1000)
    assert score.grad.item() == pytest.approx(-1)


@pytest.mark.parametrize("shape", SHAPES)
def test_least_squares(shape):
    scores = torch.full(shape, 3.0)
    for true, expected in ((True, 4.0), (False, 9.0)):
        loss = least_squares(scores, true)
        assert loss.shape == ()
        assert loss.item() == pytest.approx(expected)


@given(log_odds)
def test_least_squares_is_a_mean_of_squares(scores):
    for true, label in ((True, 1), (False, 0)):
        expected = sum((score - label) ** 2 for score in scores.tolist()) / len(scores)
        assert least_squares(scores, true).item() == pytest.approx(expected)


# ------------------------------------------------------------ one score a picture


@pytest.mark.parametrize("shape", [(3,), (3, 1), (3, 7), (3, 1, 2, 2), (3, 1, 5, 4)])
def test_a_picture_scores_the_mean_of_its_patches(shape):
    patches = torch.randn(math.prod(shape[1:]))
    around_zero = (patches - patches.mean()).view(shape[1:])
    means = torch.tensor([1.0, -2.0, 5.0])
    scores = torch.stack([around_zero + mean for mean in means])
    torch.testing.assert_close(picture_scores(scores), means)


# ------------------------------------------------------------ penalty, by hand


def pictures(count=3, side=32, dtype=torch.float64):
    """l, true ab, fake ab and a weight each."""
    l, true_ab, fake_ab = (torch.rand(count, n, side, side) * 2 - 1 for n in (1, 2, 2))
    return [x.to(dtype) for x in (l, true_ab, fake_ab, torch.rand(count))]


def linear(w):
    return lambda l, ab: (ab * w).flatten(1).sum(dim=1, keepdim=True)


def steep(factor, side=4):
    w = torch.randn(2, side, side, dtype=torch.float64)
    return factor * w / w.norm()


def bowl(l, ab):
    """Its slope at any picture is the norm of that picture's ab."""
    return ab.square().flatten(1).sum(dim=1, keepdim=True) / 2


def norms(ab):
    return ab.flatten(1).norm(dim=1)


def test_no_penalty_on_a_unit_slope():
    l, true_ab, fake_ab, weights = pictures(side=4)
    peak = torch.full((2, 4, 4), 3.0, dtype=torch.float64)

    def cone(l, ab):
        return norms(ab - peak)[:, None]

    for critic in (linear(steep(1.0)), cone):
        penalty = gradient_penalty(critic, l, true_ab, fake_ab, weights)
        assert penalty.shape == ()
        assert penalty.item() == pytest.approx(0, abs=1e-24)


@pytest.mark.parametrize("slope", [0.25, 0.9, 1.5, 4.0])
def test_the_penalty_of_a_linear_critic_and_its_gradient(slope):
    w = steep(slope).requires_grad_()
    penalty = gradient_penalty(linear(w), *pictures(side=4))
    penalty.backward()
    assert penalty.item() == pytest.approx((slope - 1) ** 2)
    torch.testing.assert_close(w.grad, 2 * (slope - 1) * w.detach() / slope)


def test_patches_are_averaged_before_the_slope_is_taken():
    w = torch.randn(4, 2, 4, 4, dtype=torch.float64)

    def critic(l, ab):
        return torch.einsum("bchw,pchw->bp", ab, w).view(-1, 1, 2, 2)

    penalty = gradient_penalty(critic, *pictures(side=4))
    assert penalty.item() == pytest.approx((w.mean(dim=0).norm().item() - 1) ** 2)


@pytest.mark.parametrize(
    "weights", [(1, 1, 1), (0, 0, 0), (1, 0, 0), (0.25, 0.5, 0.75), (0.9, 0, 1)]
)
def test_where_each_slope_is_taken(weights):
    """At the true picture for 1, at the fake for 0, in between for the rest."""
    l, true_ab, fake_ab, _ = pictures(side=4)
    weights = torch.tensor(weights, dtype=torch.float64)
    ends = zip(true_ab, fake_ab, weights, strict=True)
    at = torch.stack([w * true + (1 - w) * fake for true, fake, w in ends])
    penalty = gradient_penalty(bowl, l, true_ab, fake_ab, weights)
    torch.testing.assert_close(penalty, (norms(at) - 1).square().mean())


def test_nothing_is_moved_along_l():
    l, true_ab, fake_ab, weights = pictures(side=4)

    def critic(l, ab):
        return (l * ab + 100 * l.square()).flatten(1).sum(dim=1, keepdim=True)

    expected = (math.sqrt(2) * norms(l) - 1).square().mean()
    penalty = gradient_penalty(critic, l, true_ab, fake_ab, weights)
    torch.testing.assert_close(penalty, expected)


def test_flat_critics_have_a_gradient():
    critic = patchgan()
    nn.init.zeros_(critic.layers[-1].weight)
    penalty = gradient_penalty(critic, *pictures())
    penalty.backward()
    assert penalty.item() == 1
    gradients = [p.grad for p in critic.parameters() if p.grad is not None]
    assert gradients
    assert all(gradient.isfinite().all() for gradient in gradients)


# ------------------------------------------------------------ penalty, by other means


def patchgan(dtype=torch.float64, widths=(4, 8, 8, 8), norm=nn.Identity):
    """With larger weights than it starts with, so that its slopes are about 1."""
    critic = PatchGAN(widths, norm=norm)
    for layer in critic.layers:
        if isinstance(layer, nn.Conv2d):
            layer.reset_parameters()
            nn.init.normal_(layer.weight, std=3 / layer.weight[0].numel() ** 0.5)
    return critic.to(dtype)


def backward_penalty(critic, l, true_ab, fake_ab, weights):
    """The same by torch.autograd, a picture at a time."""
    penalties = []
    for n, weight in enumerate(weights.tolist()):
        ab = (weight * true_ab[n] + (1 - weight) * fake_ab[n])[None].requires_grad_()
        score = critic(l[n : n + 1], ab).mean()
        (gradient,) = torch.autograd.grad(score, ab, create_graph=True)
        penalties.append((gradient.square().sum().sqrt() - 1) ** 2)
    return sum(penalties) / len(penalties)


def gradients(critic, loss):
    """Of every parameter; those that the loss does not depend on get zeros."""
    parameters = list(critic.parameters())
    found = torch.autograd.grad(loss, parameters, allow_unused=True)
    pairs = zip(parameters, found, strict=True)
    return [torch.zeros_like(p) if g is None else g for p, g in pairs]


@pytest.mark.parametrize("norm", [nn.Identity, nn.InstanceNorm2d])
def test_the_penalty_equals_that_of_autograd(norm):
    critic, given = patchgan(norm=norm), pictures()
    penalty = gradient_penalty(critic, *given)
    expected = backward_penalty(critic, *given)
    assert expected > 0.01
    torch.testing.assert_close(penalty, expected)
    torch.testing.assert_close(gradients(critic, penalty), gradients(critic, expected))


def test_the_penalty_is_the_mean_of_those_of_single_pictures():
    critic, given = patchgan(), pictures()
    alone = [gradient_penalty(critic, *(x[n : n + 1] for x in given)) for n in range(3)]
    assert torch.stack(alone).std() > 1e-3
    torch.testing.assert_close(gradient_penalty(critic, *given), sum(alone) / 3)


@pytest.mark.parametrize("what", range(4))
@pytest.mark.parametrize("picture", range(3))
def test_the_penalty_depends_on_every_picture_and_weight(what, picture):
    critic, given = patchgan(), pictures()
    before = gradient_penalty(critic, *given)
    given[what][picture] = 1 - given[what][picture]
    after = gradient_penalty(critic, *given)
    assert abs(after - before) > 1e-5


def test_the_order_of_the_pictures_does_not_matter():
    critic, given = patchgan(), pictures()
    *shown, weights = (x[[2, 0, 1]] for x in given)
    penalty = gradient_penalty(critic, *given)
    shuffled = gradient_penalty(critic, *shown, weights)
    torch.testing.assert_close(shuffled, penalty)
    others = gradient_penalty(critic, *shown, given[-1])  # weights left where they were
    assert abs(others - penalty) > 1e-5


def test_the_gradient_of_the_penalty_is_a_finite_difference():
    critic, given = patchgan(), pictures()
    names = dict(critic.named_parameters())
    exact = gradients(critic, gradient_penalty(critic, *given))
    for (name, parameter), gradient in zip(names.items(), exact, strict=True):
        direction = torch.randn_like(parameter)
        values = []
        for step in (1e-6, -1e-6):
            moved = {name: parameter.detach() + step * direction}

            def critic_nearby(l, ab, moved=moved):
                return torch.func.functional_call(critic, moved, (l, ab))

            values.append(gradient_penalty(critic_nearby, *given).item())
        slope = (values[0] - values[1]) / 2e-6
        expected = (gradient * direction).sum().item()
        assert slope == pytest.approx(expected, rel=1e-5, abs=1e-8), name


# ------------------------------------------------------------ compiled


@pytest.mark.parametrize(
    ("backend", "widths"), [("aot_eager", (4, 8, 8, 8)), ("inductor", (4, 4))]
)
def test_the_compiled_loss_of_a_critic_equals_the_eager_one(backend, widths):
    if backend == "inductor" and not any(map(shutil.which, ("g++", "clang++", "cl"))):
        pytest.skip("the compiled code of torch.compile needs a C++ compiler")
    critic, given = patchgan(torch.float32, widths), pictures(dtype=torch.float32)

    def loss(l, true_ab, fake_ab, weights):
        scores = [picture_scores(critic(l, ab)).mean() for ab in (true_ab, fake_ab)]
        penalty = gradient_penalty(critic, l, true_ab, fake_ab, weights)
        return 10 * penalty - (scores[0] - scores[1])

    compiled = torch.compile(loss, backend=backend, fullgraph=True)(*given)
    eager = loss(*given)
    torch.testing.assert_close(compiled, eager, rtol=1e-5, atol=0)
    found, expected = (
        torch.cat([gradient.flatten() for gradient in gradients(critic, value)])
        for value in (compiled, eager)
    )
    assert (found - expected).norm() <= 1e-5 * expected.norm()

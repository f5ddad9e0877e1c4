"""GAN losses in closed form, and the gradient penalty by hand and by other means."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.nn import functional as F

from colorize_lib.losses import (
    binary_cross_entropy,
    gradient_penalty,
    image_scores,
    least_squares,
)
from colorize_lib.models import PatchGAN

logits = st.lists(st.floats(-30, 30), min_size=1, max_size=8).map(
    lambda scores: torch.tensor(scores, dtype=torch.float64)
)


@pytest.fixture(autouse=True)
def steady():
    torch.manual_seed(0)


# ------------------------------------------------------------ GAN losses


@given(logits)
@settings(max_examples=30)
def test_cross_entropy_is_the_softplus(scores):
    for is_real, expected in ((True, F.softplus(-scores)), (False, F.softplus(scores))):
        loss = binary_cross_entropy(scores, is_real)
        torch.testing.assert_close(loss, expected.mean(), rtol=1e-9, atol=1e-12)


def test_cross_entropy_does_not_fade_when_the_discriminator_wins():
    score = torch.tensor([-1000.0], requires_grad=True)
    loss = binary_cross_entropy(score, True)
    loss.backward()
    assert loss.item() == pytest.approx(1000)
    assert score.grad.item() == pytest.approx(-1)


@given(logits)
@settings(max_examples=30)
def test_least_squares_is_a_mean_of_squares(scores):
    for is_real, label in ((True, 1), (False, 0)):
        expected = sum((score - label) ** 2 for score in scores.tolist()) / len(scores)
        assert least_squares(scores, is_real).item() == pytest.approx(expected)


# ------------------------------------------------------------ one score per image


@pytest.mark.parametrize("shape", [(3,), (3, 1, 5, 4)])
def test_a_image_scores_the_mean_of_its_patches(shape):
    patches = torch.randn(math.prod(shape[1:]))
    around_zero = (patches - patches.mean()).view(shape[1:])
    means = torch.tensor([1.0, -2.0, 5.0])
    scores = torch.stack([around_zero + mean for mean in means])
    torch.testing.assert_close(image_scores(scores), means)


# ------------------------------------------------------------ penalty, by hand


def pictures(count=3, side=32, dtype=torch.float64):
    """l, real ab, fake ab and a weight each."""
    l, real_ab, fake_ab = (torch.rand(count, n, side, side) * 2 - 1 for n in (1, 2, 2))
    return [x.to(dtype) for x in (l, real_ab, fake_ab, torch.rand(count))]


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
    l, real_ab, fake_ab, weights = pictures(side=4)
    peak = torch.full((2, 4, 4), 3.0, dtype=torch.float64)

    def cone(l, ab):
        return norms(ab - peak)[:, None]

    for critic in (linear(steep(1.0)), cone):
        penalty = gradient_penalty(critic, l, real_ab, fake_ab, weights)
        assert penalty.shape == ()
        assert penalty.item() == pytest.approx(0, abs=1e-24)


@pytest.mark.parametrize("slope", [0.25, 4.0])
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


@pytest.mark.parametrize("weights", [(1, 0, 0), (0.25, 0.5, 0.75)])
def test_where_each_slope_is_taken(weights):
    """At the real image for 1, at the fake for 0, in between for the rest."""
    l, real_ab, fake_ab, _ = pictures(side=4)
    weights = torch.tensor(weights, dtype=torch.float64)
    ends = zip(real_ab, fake_ab, weights, strict=True)
    at = torch.stack([w * real + (1 - w) * fake for real, fake, w in ends])
    penalty = gradient_penalty(bowl, l, real_ab, fake_ab, weights)
    torch.testing.assert_close(penalty, (norms(at) - 1).square().mean())


def test_nothing_is_moved_along_l():
    l, real_ab, fake_ab, weights = pictures(side=4)

    def critic(l, ab):
        return (l * ab + 100 * l.square()).flatten(1).sum(dim=1, keepdim=True)

    expected = (math.sqrt(2) * norms(l) - 1).square().mean()
    penalty = gradient_penalty(critic, l, real_ab, fake_ab, weights)
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


def backward_penalty(critic, l, real_ab, fake_ab, weights):
    """The same by torch.autograd, a picture at a time."""
    penalties = []
    for n, weight in enumerate(weights.tolist()):
        ab = (weight * real_ab[n] + (1 - weight) * fake_ab[n])[None].requires_grad_()
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

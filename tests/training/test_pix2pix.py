"""pix2pix: its steps by hand, who learns when, and that nothing is lost."""

import copy

import pytest
import torch
from torch.nn import functional as F
from training_helpers import batch, halved, learners, same, weights

from colorize_lib.models import PatchGAN
from colorize_lib.training.pix2pix import Pix2Pix, Pix2PixSettings

RATES = {"generator": 1e-3, "discriminator": 1e-2}


def method(name="float32", optimizer=torch.optim.SGD, average=None, **settings):
    discriminator = PatchGAN((4, 8, 8, 8))
    for p in discriminator.parameters():
        p.data *= 5  # so that the two disagree from the first batch on
    options = {"precision": name, "optimizer": optimizer, "average": average}
    return Pix2Pix(
        *learners(discriminator, RATES, **options), Pix2PixSettings(**settings)
    )


@pytest.fixture(autouse=True)
def steady():
    torch.manual_seed(0)


# ------------------------------------------------------------ by hand


def cross_entropies(scores):
    return F.softplus(-scores).mean(), F.softplus(scores).mean()


def squares(scores):
    return (scores - 1).square().mean(), scores.square().mean()


def descend(network, loss, rate):
    """Plain gradient descent; returns the norm of the gradient."""
    gradients = torch.autograd.grad(loss, list(network.parameters()))
    with torch.no_grad():
        for p, gradient in zip(network.parameters(), gradients, strict=True):
            p -= rate * gradient
    return torch.cat([gradient.flatten() for gradient in gradients]).norm()


def step_by_hand(generator, discriminator, l, ab, to_be, l1_weight, seen=lambda x: x):
    """The discriminator, then the generator against what has become of it."""
    l, ab, fake_ab = seen(l), seen(ab), seen(generator(l))
    real_scores, fake_scores = discriminator(l, ab), discriminator(l, fake_ab.detach())
    loss = (to_be(real_scores)[0] + to_be(fake_scores)[1]) / 2
    report = {
        "discriminator": loss,
        "real_score": real_scores.mean(),
        "fake_score": fake_scores.mean(),
        "discriminator_gradient": descend(discriminator, loss, RATES["discriminator"]),
    }
    fooling = to_be(discriminator(l, fake_ab))[0]
    l1 = (fake_ab - ab).abs().mean()
    norm = descend(generator, fooling + l1_weight * l1, RATES["generator"])
    report |= {"l1": l1, "generator": fooling, "generator_gradient": norm}
    return {name: value.detach() for name, value in report.items()}


@pytest.mark.parametrize(
    ("settings", "by_hand"),
    [
        ({}, (cross_entropies, 100)),
        ({"gan_loss": "least_squares", "l1_weight": 0}, (squares, 0)),
        ({"gan_loss": "least_squares"}, (squares, 100)),
        ({"shrink": 2}, (cross_entropies, 100, halved)),
    ],
    ids=["default", "squares alone", "squares", "judged at half size"],
)
def test_steps_equal_those_by_hand(settings, by_hand):
    trained = method(**settings)
    players = trained.generator.network, trained.discriminator.network
    plain = copy.deepcopy(players)
    for seed in range(2):
        started = [weights(network) for network in players]
        images = batch(seed, size=32 * trained.settings.shrink)
        report = trained.step(*images)
        expected = step_by_hand(*plain, *images, *by_hand)
        assert list(report) == list(expected)
        torch.testing.assert_close(report, expected)
        for ours, theirs, before in zip(players, plain, started, strict=True):
            move = weights(theirs) - before
            assert move.norm() > 1e-3
            # What moves, compared: most of a weight was there before the step.
            off = (weights(ours) - before) - move
            assert off.norm() < 1e-4 * move.norm()
            torch.testing.assert_close(ours.state_dict(), theirs.state_dict())


# ------------------------------------------------------------ who learns


@pytest.mark.parametrize("head_start", [0, 3])
def test_in_its_head_start_the_discriminator_learns_alone(head_start):
    trained = method(head_start=head_start)
    players = trained.generator.network, trained.discriminator.network
    learned = []
    for seed in range(5):
        before = [weights(network) for network in players]
        report = trained.step(*batch(seed))
        moved = [
            not torch.equal(weights(network), start)
            for network, start in zip(players, before, strict=True)
        ]
        assert moved[1]
        assert ("l1" in report) == ("generator" in report) == moved[0]
        learned.append(moved[0])
    assert learned == [False] * head_start + [True] * (5 - head_start)
    # Or its learning rate would end too early, or never.
    assert sum(learned) == trained.settings.generator_updates(5)


# ------------------------------------------------------------ nothing is lost


@pytest.mark.parametrize("name", ["float32", "float16"])
def test_the_state_is_all_that_the_next_steps_need(tmp_path, name):
    """Also in a head start of two batches."""
    settings = {"optimizer": torch.optim.AdamW, "average": 0.5, "head_start": 2}
    trained = method(name, **settings)
    trained.step(*batch())
    torch.save(trained.state_dict(), tmp_path / "state.pt")

    resumed = method(name, **settings)
    resumed.load_state_dict(torch.load(tmp_path / "state.pt", weights_only=True))
    for seed in range(1, 4):
        assert same(resumed.step(*batch(seed)), trained.step(*batch(seed)))
    assert same(resumed.network.state_dict(), trained.network.state_dict())
    assert same(resumed.state_dict(), trained.state_dict())


def test_the_default_discriminator_is_the_papers():
    parameters = Pix2PixSettings(norm="none").adversary().parameters()
    assert sum(p.numel() for p in parameters) == 2_764_737

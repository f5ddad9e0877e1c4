"""WGAN-GP: its steps by hand, whose turn it is, and the distance a critic finds."""

import copy
from functools import partial

import pytest
import torch
from torch import nn
from training_helpers import batch, halved, learners, same, weights

from colorize_lib.models import PatchGAN
from colorize_lib.training.learner import Learner, Precision
from colorize_lib.training.wgan_gp import WassersteinGP, WGANGPSettings

RATES = {"generator": 1e-3, "critic": 1e-2}


def method(
    name="float32",
    optimizer=torch.optim.SGD,
    average=None,
    norm=nn.Identity,
    **settings,
):
    critic = PatchGAN((4, 8, 8, 8), norm=norm)
    for layer in critic.layers:
        if isinstance(layer, nn.Conv2d):  # slopes of about 1 instead of almost none
            nn.init.normal_(layer.weight, std=2 / layer.weight[0].numel() ** 0.5)
    options = {"precision": name, "optimizer": optimizer, "average": average}
    return WassersteinGP(
        *learners(critic, RATES, **options), WGANGPSettings(**settings)
    )


@pytest.fixture(autouse=True)
def steady():
    torch.manual_seed(0)


# ------------------------------------------------------------ by hand


def descend(network, loss, rate):
    """Plain gradient descent; returns the norm of the gradient."""
    parameters = list(network.parameters())
    gradients = torch.autograd.grad(loss, parameters)
    with torch.no_grad():
        for p, gradient in zip(parameters, gradients, strict=True):
            p -= rate * gradient
    return torch.cat([gradient.flatten() for gradient in gradients]).norm()


def penalty_by_hand(critic, l, ab, fake_ab, shares):
    """The norm of each picture's own gradient, a picture at a time."""
    penalties = []
    for n, share in enumerate(shares.tolist()):
        at = (share * ab[n] + (1 - share) * fake_ab[n])[None].requires_grad_()
        score = critic(l[n : n + 1], at).mean()
        (gradient,) = torch.autograd.grad(score, at, create_graph=True)
        penalties.append((gradient.square().sum().sqrt() - 1) ** 2)
    return sum(penalties) / len(penalties)


def critic_by_hand(critic, l, ab, fake_ab, shares, penalty_weight):
    real_score, fake_score = critic(l, ab).mean(), critic(l, fake_ab).mean()
    penalty = penalty_by_hand(critic, l, ab, fake_ab, shares)
    loss = fake_score - real_score + penalty_weight * penalty
    return {
        "distance": real_score - fake_score,
        "penalty": penalty,
        "real_score": real_score,
        "fake_score": fake_score,
        "critic_gradient": descend(critic, loss, RATES["critic"]),
    }


def generator_by_hand(generator, critic, l, ab, l1_weight, seen):
    l, ab, fake_ab = seen(l), seen(ab), seen(generator(l))
    l1, score = (fake_ab - ab).abs().mean(), critic(l, fake_ab).mean()
    norm = descend(generator, l1_weight * l1 - score, RATES["generator"])
    return {"l1": l1, "generator": -score, "generator_gradient": norm}


def compare(ours, theirs, before):
    """Of what moved: most of a weight was there before the step."""
    move = weights(theirs) - before
    assert move.norm() > 1e-3
    assert (weights(ours) - before - move).norm() < 1e-4 * move.norm()
    torch.testing.assert_close(ours.state_dict(), theirs.state_dict())


@pytest.mark.parametrize(
    ("settings", "l1_weight", "penalty_weight", "turns"),
    [
        ({"critic_steps": 1}, 100, 10, 1),
        ({"critic_steps": 1, "l1_weight": 0.0, "penalty_weight": 2.0}, 0, 2, 1),
        ({"critic_steps": 1, "l1_weight": 1.0, "generator_steps": 2}, 1, 10, 2),
        ({"critic_steps": 1, "shrink": 2}, 100, 10, 1),
    ],
    ids=["default", "score alone", "generator twice", "judged at half size"],
)
@pytest.mark.parametrize("norm", [nn.Identity, partial(nn.InstanceNorm2d, affine=True)])
def test_steps_equal_those_by_hand(settings, l1_weight, penalty_weight, turns, norm):
    """A weight for each picture is drawn, then the critic steps, then the generator."""
    trained = method(norm=norm, **settings)
    generator, critic = players = trained.generator.network, trained.critic.network
    plain_generator, plain_critic = plain = copy.deepcopy(players)
    seen = halved if settings.get("shrink") == 2 else nn.Identity()
    for seed in range(2):
        l, ab = batch(seed, size=32 * trained.settings.shrink)
        before = [weights(network) for network in players]
        torch.manual_seed(seed)
        report = trained.step(l, ab)
        torch.manual_seed(seed)
        fake_ab = plain_generator(l).detach()
        maps = seen(l), seen(ab), seen(fake_ab)
        shares = torch.rand(3)
        expected = critic_by_hand(plain_critic, *maps, shares, penalty_weight)
        for _ in range(turns):
            expected |= generator_by_hand(*plain, l, ab, l1_weight, seen)
        assert list(report) == list(expected)
        expected = {name: value.detach() for name, value in expected.items()}
        torch.testing.assert_close(report, expected, rtol=1e-4, atol=1e-6)
        compare(generator, plain_generator, before[0])
        compare(critic, plain_critic, before[1])


def test_the_slope_is_taken_in_float32():
    """Where the scores are computed in a lower precision, too."""
    trained, seen = method("bfloat16"), []
    trained.critic.network.register_forward_hook(
        lambda critic, given, scores: seen.append(scores.dtype)
    )
    trained.step(*batch())
    assert seen == [torch.bfloat16, torch.bfloat16, torch.float32]


# ------------------------------------------------------------ who learns


def test_everything_learns_but_the_constant_in_the_critics_scores():
    """It is in the true scores and in the fake ones, and no slope depends on it."""
    trained = method(critic_steps=1)
    players = trained.generator.network, trained.critic.network
    before = copy.deepcopy(players)
    trained.step(*batch())
    still = [
        name
        for network, earlier in zip(players, before, strict=True)
        for (name, p), q in zip(
            network.named_parameters(), earlier.parameters(), strict=True
        )
        if (p - q).norm() < 1e-6
    ]
    assert still == [f"layers.{len(trained.critic.network.layers) - 1}.bias"]


@pytest.mark.parametrize(
    ("settings", "turns"),
    [
        ({}, {5: 1, 10: 1}),
        ({"critic_steps": 1, "generator_steps": 2}, dict.fromkeys(range(1, 11), 2)),
        ({"critic_steps": 3, "generator_steps": 2}, {3: 2, 6: 2, 9: 2}),
        ({"head_start": 3}, {8: 1}),
        ({"head_start": 7, "critic_steps": 1}, {8: 1, 9: 1, 10: 1}),
    ],
)
def test_whose_turn_it_is(settings, turns):
    """Over ten batches: the critic steps on each, the generator as told."""
    trained = method(**settings)
    steps = {"generator": 0, "critic": 0}
    for player in steps:
        getattr(trained, player).optimizer.register_step_post_hook(
            lambda *_, player=player: steps.update({player: steps[player] + 1})
        )
    taken = {}
    for number in range(1, 11):
        before = steps["generator"]
        report = trained.step(*batch(number))
        assert steps["critic"] == number
        if steps["generator"] > before:
            taken[number] = steps["generator"] - before
        assert ("l1" in report) == ("generator" in report) == (number in taken)
    assert taken == turns
    assert sum(turns.values()) == trained.settings.generator_updates(10)


# ------------------------------------------------------------ norms


def learner(network):
    optimizer = torch.optim.SGD(network.parameters(), lr=0.1)
    return Learner(network, optimizer, Precision("float32", "cpu"))


@pytest.mark.parametrize(
    ("norm", "message"),
    [
        (nn.BatchNorm2d, r"layers\.3 is a BatchNorm2d.*PatchGAN\(norm=nn\.Identity\)"),
        (
            lambda n: nn.Sequential(nn.Identity(), nn.BatchNorm2d(n)),
            r"layers\.3\.1 is a BatchNorm2d",
        ),
    ],
    ids=["batch", "nested"],
)
def test_critics_with_batchnorm_are_refused(norm, message):
    generator = learner(nn.Conv2d(1, 2, 1))
    critic = learner(PatchGAN((4, 8, 8, 8), norm=norm))
    with pytest.raises(ValueError, match=message):
        WassersteinGP(generator, critic, WGANGPSettings())


# ------------------------------------------------------------ what a critic finds


@pytest.mark.parametrize(("distance", "penalty_weight"), [(2, 10), (1, 1)])
def test_between_two_points_the_critic_finds_more_than_their_distance(
    distance, penalty_weight
):
    """d (1 + d / (2 lambda)): there a steeper slope costs as much as it brings.

    By hand, for a slope s between the points: d is the derivative of the distance s d,
    2 lambda (s - 1) that of the penalty.
    """
    critic = nn.Sequential(
        nn.Flatten(), nn.Linear(2, 8), nn.LeakyReLU(0.2), nn.Linear(8, 1)
    )
    critic.forward = lambda l, ab: nn.Sequential.forward(critic, ab)
    optimizer = torch.optim.Adam(critic.parameters(), lr=0.03, betas=(0.0, 0.9))
    steps = 250
    scheduler = torch.optim.lr_scheduler.LinearLR(optimizer, 1, 0.01, steps)
    method = WassersteinGP(
        learner(nn.Conv2d(1, 2, 1)),
        Learner(critic, optimizer, Precision("float32", "cpu"), scheduler),
        WGANGPSettings(penalty_weight=penalty_weight),
    )
    along = torch.linspace(0, 1, 9)
    fake_ab = torch.zeros(9, 2, 1, 1)
    true_ab = fake_ab + torch.tensor([0.6, 0.8]).view(1, 2, 1, 1) * distance
    for _ in range(steps):
        report = method.critic_step(true_ab[:, :1], true_ab, fake_ab, along)
    biased = distance * (1 + distance / (2 * penalty_weight))
    assert report["distance"].item() == pytest.approx(biased, rel=0.02)
    assert report["distance"].item() != pytest.approx(distance, rel=0.02)


# ------------------------------------------------------------ nothing is lost


@pytest.mark.parametrize("name", ["float32", "float16"])
def test_the_state_is_all_that_the_next_steps_need(tmp_path, name):
    """Also in the middle of a turn of five batches."""
    settings = {"optimizer": torch.optim.AdamW, "average": 0.5, "head_start": 1}
    trained = method(name, **settings)
    for seed in range(3):
        trained.step(*batch(seed))
    torch.save(trained.state_dict(), tmp_path / "state.pt")

    resumed = method(name, **settings)
    resumed.load_state_dict(torch.load(tmp_path / "state.pt", weights_only=True))
    for seed in range(3, 6):
        reports = []
        for each in (resumed, trained):
            torch.manual_seed(seed)
            reports.append(each.step(*batch(seed)))
        assert same(*reports)
    assert "l1" in reports[0]  # a turn has ended
    assert same(resumed.network.state_dict(), trained.network.state_dict())

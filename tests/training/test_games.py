"""Games: settings become the method that they describe, as many steps as they say."""

import pytest
import torch
from torch import nn

from colorize_lib import losses
from colorize_lib.training.games import Pix2PixGame, WassersteinGame
from colorize_lib.training.learner import Learner
from colorize_lib.training.pix2pix import Pix2Pix
from colorize_lib.training.precision import Precision
from colorize_lib.training.wgan_gp import WassersteinGP

FLOAT32 = Precision("float32", "cpu")


def learner(network):
    return Learner(network, torch.optim.SGD(network.parameters(), 1e-4), FLOAT32)


def generator():
    return learner(nn.Conv2d(1, 2, 3, padding=1))


def test_pix2pix_as_set():
    game = Pix2PixGame(l1_weight=7, gan_loss="least_squares", head_start=3, norm="none")
    method = game.method(generator(), learner(game.rival()))
    assert type(method) is Pix2Pix
    assert (method.l1_weight, method.head_start) == (7, 3)
    assert method.gan_loss is losses.least_squares
    assert sum(p.numel() for p in game.rival().parameters()) == 2_764_737


def test_wgan_gp_as_set():
    game = WassersteinGame(
        l1_weight=7, penalty_weight=5, critic_steps=2, generator_steps=3, head_start=4
    )
    method = game.method(generator(), learner(game.rival()))
    assert type(method) is WassersteinGP
    assert (method.l1_weight, method.penalty_weight, method.head_start) == (7, 5, 4)
    assert (method.critic_steps, method.generator_steps) == (2, 3)


def test_batchnorm_in_a_critic_is_refused():
    game = WassersteinGame(norm="batch")
    with pytest.raises(ValueError, match="BatchNorm2d"):
        game.method(generator(), learner(game.rival()))


@pytest.mark.parametrize(
    ("game", "batches"),
    [
        (Pix2PixGame(), 7),
        (Pix2PixGame(head_start=3), 7),
        (WassersteinGame(), 11),
        (WassersteinGame(critic_steps=2, generator_steps=3, head_start=2), 7),
        (WassersteinGame(critic_steps=1, generator_steps=2), 3),
    ],
    ids=repr,
)
def test_turns_are_the_steps_that_the_generator_takes(game, batches):
    """Or its learning rate would end too early, or never."""
    torch.manual_seed(0)
    player = generator()
    steps, descend = [], player.update
    player.update = lambda loss: steps.append(1) or descend(loss)
    method = game.method(player, learner(game.rival()))
    for _ in range(batches):
        method.step(torch.rand(2, 1, 24, 24), torch.rand(2, 2, 24, 24))
    assert len(steps) == game.turns(batches)


def test_a_penalized_critic_computes_in_float32():
    half = Precision("bfloat16", "cuda")
    assert WassersteinGame().rival_precision(half) == Precision("float32", "cuda")
    assert Pix2PixGame().rival_precision(half) == half

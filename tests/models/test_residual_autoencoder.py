import torch
from torch import nn

from colorize_lib.models import Autoencoder, ResidualAutoencoder


def parameters(network):
    return sum(p.numel() for p in network.parameters())


def test_as_many_parameters_as_the_plain_autoencoder_to_one_percent():
    assert parameters(ResidualAutoencoder()) == 4_715_954
    assert abs(parameters(ResidualAutoencoder()) / parameters(Autoencoder()) - 1) < 0.01


def test_the_bottleneck_is_a_sixteenth_as_wide():
    network = ResidualAutoencoder().eval()
    assert network.encoder(torch.zeros(1, 1, 256, 256)).shape == (1, 216, 16, 16)


def test_no_connection_skips_the_bottleneck():
    network = ResidualAutoencoder().eval()
    nn.init.zeros_(network.decoder[1][0].weight)
    one, other = (network(torch.rand(1, 1, 32, 32)) for _ in range(2))
    assert torch.equal(one, other)


def test_green_and_blue_can_be_reached():
    network = ResidualAutoencoder().eval()
    nn.init.constant_(network.decoder[6].bias, -5.0)
    assert network(torch.zeros(1, 1, 32, 32)).max() < -0.9

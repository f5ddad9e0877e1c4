"""The two autoencoders; what every network must do is in test_contract.py."""

import torch
from torch import nn

from colorize_lib.models import Autoencoder, ResidualAutoencoder


def parameters(network):
    return sum(p.numel() for p in network.parameters())


def test_parameter_counts_that_differ_by_less_than_a_percent():
    assert parameters(Autoencoder()) == 4_756_770
    assert parameters(ResidualAutoencoder()) == 4_715_954


def test_layers_in_the_order_of_the_paper():
    convolutions = [m for m in Autoencoder().modules() if isinstance(m, nn.Conv2d)]
    layers = [(c.out_channels, c.kernel_size[0], c.stride[0]) for c in convolutions]
    assert layers == [
        (64, 3, 1), (128, 3, 2), (256, 3, 1), (256, 3, 2), (256, 3, 1), (256, 3, 2),
        (256, 4, 1), (256, 3, 1), (256, 3, 1), (128, 3, 1),
        (64, 3, 1), (32, 3, 1), (2, 3, 1),
    ]  # fmt: skip


def test_bottlenecks_an_eighth_and_a_sixteenth_as_wide():
    plain, residual = Autoencoder(), ResidualAutoencoder().eval()
    assert plain.encoder(torch.zeros(1, 1, 96, 96)).shape == (1, 128, 12, 12)
    assert residual.encoder(torch.zeros(1, 1, 96, 96)).shape == (1, 216, 6, 6)


def test_no_connection_skips_the_bottleneck():
    network = ResidualAutoencoder().eval()
    nn.init.zeros_(network.decoder[1][0].weight)
    one, other = (network(torch.rand(1, 1, 32, 32)) for _ in range(2))
    assert torch.equal(one, other)

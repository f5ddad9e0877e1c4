import torch
from torch import nn

from colorize_lib.models import Autoencoder


def test_parameter_count_of_the_paper():
    assert sum(p.numel() for p in Autoencoder().parameters()) == 4_756_770


def test_layers_in_the_order_of_the_paper():
    convolutions = [m for m in Autoencoder().modules() if isinstance(m, nn.Conv2d)]
    layers = [(c.out_channels, c.kernel_size[0], c.stride[0]) for c in convolutions]
    assert layers == [
        (64, 3, 1), (128, 3, 2), (256, 3, 1), (256, 3, 2), (256, 3, 1), (256, 3, 2),
        (256, 4, 1), (256, 3, 1), (256, 3, 1), (128, 3, 1),
        (64, 3, 1), (32, 3, 1), (2, 3, 1),
    ]  # fmt: skip


def test_the_bottleneck_is_an_eighth_as_wide():
    assert Autoencoder().encoder(torch.zeros(1, 1, 224, 224)).shape == (1, 128, 28, 28)


def test_green_and_blue_can_be_reached():
    network = Autoencoder()
    last = [m for m in network.modules() if isinstance(m, nn.Conv2d)][-1]
    nn.init.constant_(last.bias, -3.0)
    assert network(torch.zeros(1, 1, 32, 32)).max() < -0.9

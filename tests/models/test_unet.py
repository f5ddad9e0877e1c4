"""The max-pool U-Net: its layers, and that its skips carry what they should."""

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from colorize_lib.models import UNet
from colorize_lib.models.parts import Silence

WIDTHS = (32, 64, 128, 256, 384)


def parameters(network):
    return sum(p.numel() for p in network.parameters())


def convolutions(network):
    return [m for m in network.modules() if isinstance(m, nn.Conv2d)]


def lightness(count=2, size=32):
    return torch.rand(count, 1, size, size) * 2 - 1


# ------------------------------------------------------------ layers


def test_parameter_counts():
    assert parameters(UNet()) == 6_306_498
    assert parameters(UNet((48, 96, 192))) == 1_049_570


def test_layers_from_full_size_to_the_bottom_and_up_again():
    shapes = [(c.in_channels, c.out_channels) for c in convolutions(UNet())]
    assert shapes == [
        (1, 32), (32, 32), (32, 64), (64, 64), (64, 128), (128, 128),
        (128, 256), (256, 256), (256, 384), (384, 384),
        (512, 256), (256, 256), (256, 128), (128, 128),
        (128, 64), (64, 64), (64, 32), (32, 32), (32, 2),
    ]  # fmt: skip
    *threes, color = convolutions(UNet())
    assert {(c.kernel_size, c.padding) for c in threes} == {((3, 3), (1, 1))}
    assert color.kernel_size == (1, 1)


def test_each_level_is_half_as_large():
    network, sizes = UNet().eval(), []
    for down in network.downs:
        down.register_forward_hook(lambda m, i, out: sizes.append(tuple(out.shape[1:])))
    network(torch.zeros(1, 1, 64, 96))
    assert sizes == [(w, 64 >> i, 96 >> i) for i, w in enumerate(WIDTHS)]


def test_the_norm_is_injected_after_every_convolution_but_the_last():
    network = UNet((8, 16), norm=lambda channels: nn.GroupNorm(2, channels))
    kinds = [type(m).__name__ for m in network.downs[0]]
    assert kinds == 2 * ["Conv2d", "GroupNorm", "ReLU"]
    norms = [m for m in network.modules() if isinstance(m, nn.GroupNorm)]
    assert len(norms) == len(convolutions(network)) - 1
    assert not any(isinstance(m, nn.BatchNorm2d) for m in network.modules())


# ------------------------------------------------------------ skips


class Watched(nn.Module):
    def __init__(self):
        super().__init__()
        self.seen = []

    def forward(self, x):
        self.seen.append(tuple(x.shape[1:]))
        return x


def test_a_map_of_every_level_but_the_bottom_goes_across():
    network = UNet(carry=Watched).eval()
    network(torch.zeros(1, 1, 64, 64))
    assert (
        network.carry.seen == [(w, 64 >> i, 64 >> i) for i, w in enumerate(WIDTHS)][:-1]
    )


@pytest.mark.parametrize("carry", [nn.Identity, Silence])
def test_with_the_bottom_cut_off_only_skips_reach_the_colors(carry):
    network = UNet((8, 12, 16), carry=carry).eval()
    for parameter in network.ups[0].parameters():
        nn.init.zeros_(parameter)
    one, other = network(lightness()), network(lightness())
    assert torch.equal(one, other) == (carry is Silence)


@pytest.mark.parametrize("level", [0, 1, 2])
def test_each_merge_uses_what_came_across_at_its_own_level(level):
    network = UNet((8, 12, 16, 20)).eval()
    maps = []
    network.downs[level].register_forward_hook(
        lambda module, given, out: maps.append(out.retain_grad() or out)
    )
    # Nothing comes up from below: what is left of the gradient went across.
    upward = network.ups[len(network.ups) - 1 - level]
    for parameter in upward.parameters():
        nn.init.zeros_(parameter)
    network(lightness()).square().sum().backward()
    assert maps[0].grad.abs().sum() > 0
    below = [p.grad for down in network.downs[level + 1 :] for p in down.parameters()]
    assert not any(grad is not None and grad.any() for grad in below)


@pytest.mark.parametrize(
    ("carry", "low", "high"), [(nn.Identity, 0, 0.1), (Silence, 0.3, 1)]
)
def test_fine_detail_is_copied_through_skips_and_not_without(carry, low, high):
    """Noise of 256 pixels does not fit through a bottom of 2 x 2."""
    network = UNet((8, 8, 8, 8), carry=carry)
    optimizer = torch.optim.Adam(network.parameters(), 1e-2)
    losses = []
    for _ in range(100):
        l = lightness(count=4, size=16)
        loss = F.l1_loss(network(l), torch.cat([l, -l], dim=1) * 0.9)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert low <= sum(losses[-10:]) / 10 < high

"""The U-Net of pix2pix, against the paper's tables."""

import pytest
import torch
from torch import nn

from colorize_lib.models import Pix2PixUNet

WIDTHS = (64, 128, 256, 512, 512, 512, 512, 512)
SMALL = (8, 12, 16, 20)


@pytest.fixture(scope="module")
def published():
    with torch.device("meta"):
        return Pix2PixUNet()


def parameters(network):
    return sum(p.numel() for p in network.parameters())


def kinds(block):
    layers = block if isinstance(block, nn.Sequential) else [block]
    return [type(layer).__name__ for layer in layers]


def lightness(count=2, size=32):
    return torch.rand(count, 1, size, size) * 2 - 1


# ------------------------------------------------------------ layers


def test_parameter_count_of_the_paper(published):
    assert parameters(published) == 54_409_858


def test_widths_on_the_way_down_and_up(published):
    downs = [m for m in published.downs.modules() if isinstance(m, nn.Conv2d)]
    assert [(c.in_channels, c.out_channels) for c in downs] == [
        (1, 64), (64, 128), (128, 256), (256, 512),
        (512, 512), (512, 512), (512, 512), (512, 512),
    ]  # fmt: skip
    ups = [m for m in published.modules() if isinstance(m, nn.ConvTranspose2d)]
    assert [(c.in_channels, c.out_channels) for c in ups] == [
        (512, 512), (1024, 512), (1024, 512), (1024, 512),
        (1024, 256), (512, 128), (256, 64), (128, 2),
    ]  # fmt: skip
    for layer in [*downs, *ups]:
        assert (layer.kernel_size, layer.stride) == ((4, 4), (2, 2))
        assert layer.padding == (1, 1)
    assert [layer.bias is not None for layer in downs + ups] == 15 * [False] + [True]


def test_activations_norms_and_dropout_in_their_places(published):
    down = ["LeakyReLU", "Conv2d", "BatchNorm2d"]
    assert [kinds(block) for block in published.downs] == [
        ["Conv2d"],  # the picture itself is neither rectified nor normalized
        *(6 * [down]),
        ["LeakyReLU", "Conv2d"],  # of one value a channel BatchNorm would leave nothing
    ]
    up = ["ReLU", "ConvTranspose2d", "BatchNorm2d"]
    assert [kinds(block) for block in published.ups] == [
        up, *(3 * [[*up, "Dropout"]]), *(3 * [up]),
    ]  # fmt: skip
    assert kinds(published.color) == ["ReLU", "ConvTranspose2d", "Tanh"]
    slopes = [
        m.negative_slope for m in published.modules() if hasattr(m, "negative_slope")
    ]
    assert slopes == 7 * [0.2]
    dropouts = [m.p for m in published.modules() if isinstance(m, nn.Dropout)]
    assert dropouts == 3 * [0.5]


def test_down_to_a_single_pixel(published):
    sizes = []
    hooks = [
        down.register_forward_hook(lambda m, i, out: sizes.append(tuple(out.shape[1:])))
        for down in published.downs
    ]
    published(torch.zeros(1, 1, 256, 256, device="meta"))
    for hook in hooks:
        hook.remove()
    assert sizes == [(w, 128 >> i, 128 >> i) for i, w in enumerate(WIDTHS)]
    assert sizes[-1] == (512, 1, 1)


# ------------------------------------------------------------ skips and dropout


@pytest.mark.parametrize("level", [0, 1, 2])
def test_a_map_comes_across_at_its_own_level_into_the_second_half(level):
    network = Pix2PixUNet(SMALL).eval()
    merge = [*network.ups[1:], network.color][2 - level][1]
    came_up = merge.in_channels // 2
    assert merge.in_channels == 2 * SMALL[level]
    nn.init.zeros_(merge.weight[:came_up])  # only what came across
    network(lightness()).square().sum().backward()
    used = [down for down in network.downs if _has_gradient(down)]
    assert used == list(network.downs[: level + 1])


def _has_gradient(block):
    return any(p.grad is not None and p.grad.any() for p in block.parameters())


def test_dropout_is_the_only_randomness_and_is_off_at_inference():
    l = lightness()
    network = Pix2PixUNet(SMALL).eval()
    assert torch.equal(network(l), network(l))
    network.train()
    assert not torch.equal(network(l), network(l))
    without = Pix2PixUNet(SMALL, dropout=0.0).train()
    assert torch.equal(without(l), without(l))


def test_a_batch_of_one_can_be_trained_down_to_a_single_pixel():
    network = Pix2PixUNet(SMALL).train()
    assert network(lightness(1, 16)).std() > 0

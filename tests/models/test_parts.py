"""What networks share: input checks, gray photographs, first weights, upsampling."""

import re

import numpy as np
import pytest
import skimage.color
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn
from torch.nn import functional as F

from colorize_lib.models import (
    Backbone,
    BackboneUNet,
    PatchGAN,
    Pix2PixUNet,
    UNet,
    boost_chroma,
)
from colorize_lib.models.parts import (
    GrayPhotograph,
    PixelShuffleUp,
    ResizeUp,
    Silence,
    check_input,
    enlarge,
    icnr_,
    init_normal_,
)
from colorize_lib.models.unet import TransposedUp

# ------------------------------------------------------------ input


@pytest.mark.parametrize(
    ("size", "nearest"), [((30, 33), "32 x 32"), ((3, 100), "16 x 96")]
)
def test_the_message_says_which_size_would_do(size, nearest):
    with pytest.raises(ValueError, match=f"multiples of 16; .* {nearest}$"):
        check_input(torch.zeros(2, 1, *size), multiple_of=16)


@pytest.mark.parametrize(
    ("shape", "code"),
    [((1, 32, 32), "l[None]"), ((2, 32, 32, 1), "l.permute(0, 3, 1, 2)")],
)
def test_the_message_says_which_code_would_do(shape, code):
    with pytest.raises(ValueError, match=rf"; give {re.escape(code)}$"):
        check_input(torch.zeros(shape), multiple_of=1)
    with pytest.raises(TypeError, match=r"not a NumPy array.*torch.from_numpy\(l\)"):
        check_input(np.zeros(shape), multiple_of=1)


# ------------------------------------------------------------ what networks are made of

NO_WIDTHS = [8, (8, 16.0), (), (8, -8)]
BUILDS = {
    "PatchGAN": PatchGAN,
    "UNet": UNet,
    "Pix2PixUNet": Pix2PixUNet,
    "BackboneUNet": lambda widths, **parts: BackboneUNet(BACKBONE, widths, **parts),
}
BACKBONE = Backbone(nn.Identity(), (4,))


@pytest.mark.parametrize("network", BUILDS)
@pytest.mark.parametrize("widths", NO_WIDTHS)
def test_networks_refuse_what_are_no_widths(network, widths):
    message = (
        f"or more whole numbers of channels above 0, not {re.escape(repr(widths))}$"
    )
    with pytest.raises(ValueError, match=message):
        BUILDS[network](widths)


@pytest.mark.parametrize("network", ["PatchGAN", "Pix2PixUNet"])
def test_two_networks_need_two_widths(network):
    with pytest.raises(ValueError, match=r"widths must be 2 or more .*, not \(8,\)$"):
        BUILDS[network]((8,))
    BUILDS[network]((8, 8))


@pytest.mark.parametrize("network", BUILDS)
@pytest.mark.parametrize("norm", ["batch", nn.BatchNorm2d(8)])
def test_networks_refuse_norms_that_make_no_layers(network, norm):
    message = f"norm must be a class or a function .*, not {re.escape(repr(norm))}$"
    with pytest.raises(TypeError, match=message):
        BUILDS[network]((8, 8), norm=norm)


@pytest.mark.parametrize("name", ["up", "carry"])
def test_a_unet_refuses_other_parts_that_make_no_layers(name):
    with pytest.raises(TypeError, match=f"{name} must be a class or a function"):
        UNet((8, 8), **{name: "nearest"})


# ------------------------------------------------------------ gray photographs

MEAN, STD = (0.4, 0.5, 0.6), (0.2, 0.25, 0.3)


def test_a_gray_photograph_is_what_the_backbone_would_have_read_from_the_file():
    codes = np.arange(256, dtype=np.uint8).reshape(16, 16)
    rgb = np.stack([codes] * 3, axis=-1)
    L = torch.tensor(skimage.color.rgb2lab(rgb)[..., 0]).float()
    seen = GrayPhotograph(MEAN, STD)(L[None, None] / 50 - 1)
    expected = (torch.tensor(rgb) / 255 - torch.tensor(MEAN)) / torch.tensor(STD)
    torch.testing.assert_close(seen[0], expected.movedim(-1, 0), rtol=0, atol=1e-4)


def test_neither_the_code_value_nor_half_precision_is_shown():
    middle = torch.zeros(1, 1, 1, 1)  # L 50 is code 119, not 128
    gray = GrayPhotograph((0, 0, 0), (1, 1, 1))(middle)
    assert (gray * 255).flatten().tolist() == pytest.approx([118.9] * 3, abs=0.1)
    half = GrayPhotograph(MEAN, STD)(middle.bfloat16())
    assert half.dtype == torch.float32


def test_the_normalization_is_in_no_weight_file_but_moves_along():
    see = GrayPhotograph(MEAN, STD)
    assert not see.state_dict()
    assert not list(see.parameters())
    assert see.to("meta").mean.device.type == "meta"


# ------------------------------------------------------------ silence


def test_silence_is_zero_of_the_same_shape_and_lets_no_gradient_through():
    x = torch.randn(2, 3, 4, 5, requires_grad=True)
    silent = Silence()(x)
    assert torch.equal(silent, torch.zeros(2, 3, 4, 5))
    assert not silent.requires_grad


# ------------------------------------------------------------ twice the size


def test_pixel_shuffle_begins_as_nearest_neighbor_of_one_convolution():
    up = PixelShuffleUp(6, 5)
    x = torch.randn(2, 6, 4, 3)
    once = F.conv2d(x, up.conv.weight[::4])
    nearest = F.interpolate(once, scale_factor=2, mode="nearest")
    torch.testing.assert_close(up(x), nearest)
    assert up(x).std() > 0.1


def test_resize_is_bilinear_and_then_a_convolution():
    up = ResizeUp(6, 5)
    x = torch.randn(2, 6, 4, 3)
    resized = F.interpolate(x, scale_factor=2, mode="bilinear")
    torch.testing.assert_close(up(x), up.conv(resized))


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_an_enlarged_map_hands_on_the_gradient_of_a_slice_as_it_would_any_other(layout):
    x = torch.randn(2, 6, 4, 3).to(memory_format=layout).requires_grad_()
    skip, weights = torch.randn(2, 3, 7, 8), torch.randn(2, 9, 7, 8)
    resized = F.interpolate(x, (7, 8), mode="bilinear")
    gradients = []
    for map in (enlarge(x, (7, 8)), resized):
        joined = torch.cat([map, skip], dim=1).contiguous(memory_format=layout)
        gradients += torch.autograd.grad((joined * weights).sum(), x)
    torch.testing.assert_close(*gradients)
    torch.testing.assert_close(enlarge(x, (7, 8)), resized)


def grid(up):
    """How much a fresh upsampling makes of a map in which there is nothing to see."""
    even = torch.ones(1, 1, 6, 6) * torch.randn(1, 16, 1, 1)
    drawn = up(16, 8)(even)
    return (drawn - drawn.mean(dim=(2, 3), keepdim=True)).abs().max().item()


def test_a_checkerboard_comes_from_the_transposed_convolution_alone():
    assert grid(PixelShuffleUp) < 1e-6
    assert grid(ResizeUp) < 1e-6
    assert grid(TransposedUp) > 0.1


def test_without_icnr_a_pixel_shuffle_draws_one_too():
    def plain(channels_in, channels_out):
        up = PixelShuffleUp(channels_in, channels_out)
        nn.init.kaiming_normal_(up.conv.weight)
        return up

    assert grid(plain) > 0.1


# ------------------------------------------------------------ first weights


@pytest.mark.parametrize("scale", [1, 2, 3])
def test_icnr_makes_each_square_equal_and_its_kernels_differ(scale):
    weight = torch.empty(5 * scale**2, 7, 3, 3)
    assert icnr_(weight, scale) is weight
    squares = weight.view(5, scale**2, 7, 3, 3)
    assert torch.equal(squares, squares[:, :1].expand_as(squares))
    assert squares[:, 0].std() == pytest.approx((2 / (7 * 9)) ** 0.5, rel=0.15)
    assert not torch.equal(squares[0], squares[1])


def test_icnr_refuses_outputs_that_make_no_squares():
    with pytest.raises(ValueError, match="6 outputs are no multiple of 4"):
        icnr_(torch.empty(6, 3, 1, 1))


def test_init_normal_by_the_numbers_of_the_paper():
    layers = nn.ModuleList(
        [
            nn.Conv2d(64, 64, 4),
            nn.ConvTranspose2d(64, 64, 4),
            nn.BatchNorm2d(4000),
            nn.InstanceNorm2d(4000, affine=True),
            nn.InstanceNorm2d(8),  # has no weight: nothing to do
            nn.Linear(8, 8),
        ]
    )
    linear = layers[-1].weight.clone()
    for layer in layers:
        if layer.state_dict():
            nn.init.constant_(layer.bias, 9)
    assert init_normal_(layers) is layers
    *ours, _, other = layers
    for layer, mean in zip(ours, (0, 0, 1, 1), strict=True):
        assert layer.weight.mean().item() == pytest.approx(mean, abs=2e-3)
        assert layer.weight.std().item() == pytest.approx(0.02, rel=0.05)
        assert not layer.bias.any()
    assert torch.equal(other.weight, linear)
    init_normal_(layers, std=0.5)
    assert layers[0].weight.std().item() == pytest.approx(0.5, rel=0.05)


# ------------------------------------------------------------ stronger colors


@given(factor=st.floats(0.25, 4))
@pytest.mark.parametrize("make", [lambda: UNet((4, 8)), lambda: Pix2PixUNet((4, 8))])
def test_what_the_tanh_is_given_is_multiplied(make, factor):
    network = make().eval()
    l = torch.rand(1, 1, 32, 32) * 2 - 1
    with torch.no_grad():
        before = network(l).double()
        assert boost_chroma(network, factor) is network
        after = network(l).double()
    expected = (factor * before.atanh()).tanh()
    torch.testing.assert_close(after, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("factor", [0, float("nan")])
def test_a_factor_that_is_not_positive_is_refused(factor):
    with pytest.raises(ValueError, match="positive factor is needed, not"):
        boost_chroma(UNet(widths=(4, 8)), factor)


def test_a_network_without_a_tanh_is_refused_and_unchanged():
    network = nn.Sequential(nn.Conv2d(1, 2, 1))
    before = network[0].weight.clone()
    with pytest.raises(ValueError, match="Sequential does not end in"):
        boost_chroma(network, 1.5)
    assert torch.equal(network[0].weight, before)

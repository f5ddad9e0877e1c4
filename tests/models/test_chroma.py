"""Colors strengthened in front of the last tanh."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from colorize_lib.models import (
    COLORIZERS,
    Autoencoder,
    Pix2PixUNet,
    UNet,
    boost_chroma,
    squeezenet_unet,
)

NETWORKS = (Autoencoder, UNet, squeezenet_unet)
L = torch.rand(1, 1, 64, 64, generator=torch.Generator().manual_seed(0)) * 2 - 1


@given(factor=st.floats(0.25, 4), seed=st.integers(0, 3))
def test_what_the_tanh_is_given_is_multiplied(factor, seed):
    torch.manual_seed(seed)
    network = UNet(widths=(4, 8)).eval()
    with torch.no_grad():
        before = network(L).double()
        after = boost_chroma(network, factor)(L).double()
    torch.testing.assert_close(
        after, (factor * before.atanh()).tanh(), rtol=1e-4, atol=1e-5
    )


@pytest.mark.parametrize("make", NETWORKS)
def test_colors_grow_and_stay_in_range(make):
    torch.manual_seed(0)
    network = make().eval()
    with torch.no_grad():
        before = network(L)
        after = boost_chroma(network, 1.5)(L)
    assert (after.abs() > before.abs()).all()
    assert (after.abs() < 1).all()
    assert (after.sign() == before.sign()).all()


def test_a_transposed_convolution_is_a_last_layer_too():
    torch.manual_seed(0)
    network = Pix2PixUNet().eval()
    l = torch.rand(1, 1, 256, 256) * 2 - 1
    with torch.no_grad():
        before = network(l)
        after = boost_chroma(network, 2)(l)
    torch.testing.assert_close(after, (2 * before.atanh()).tanh(), rtol=1e-3, atol=1e-4)


def test_one_changes_nothing():
    network = UNet(widths=(4, 8))
    before = {name: x.clone() for name, x in network.state_dict().items()}
    assert boost_chroma(network, 1) is network
    for name, x in network.state_dict().items():
        assert torch.equal(x, before[name])


@pytest.mark.parametrize("factor", [0, -1.0, float("nan")])
def test_a_factor_that_is_not_positive_is_refused(factor):
    with pytest.raises(ValueError, match="positive factor is needed, not"):
        boost_chroma(UNet(widths=(4, 8)), factor)


def test_a_network_of_probabilities_is_refused():
    with pytest.raises(ValueError, match="ColorClassifier does not end in"):
        boost_chroma(COLORIZERS["unet_squeezenet_classes"](), 1.5)


def test_a_network_without_a_tanh_is_refused_and_unchanged():
    network = nn.Sequential(nn.Conv2d(1, 2, 1))
    before = network[0].weight.clone()
    with pytest.raises(ValueError, match="Sequential does not end in"):
        boost_chroma(network, 1.5)
    assert torch.equal(network[0].weight, before)

"""Any network of the book turned into one that gives color bins their probabilities."""

import re

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from colorize_lib.color import AB_SCALE
from colorize_lib.color_bins import annealed_mean, gamut_bins, undo_rebalancing
from colorize_lib.models import (
    COLORIZERS,
    Autoencoder,
    ColorClassifier,
    Pix2PixUNet,
    ResidualAutoencoder,
    UNet,
    squeezenet_color_classifier,
    squeezenet_unet,
)

# Ending in a convolution, in a transposed one, and in one with an enlargement behind.
NETWORKS = {
    "autoencoder": Autoencoder,
    "residual_autoencoder": ResidualAutoencoder,
    "unet": lambda: UNet((4, 8)),
    "unet_pix2pix": lambda: Pix2PixUNet((4, 8, 8, 8)),
    "unet_squeezenet": squeezenet_unet,
}
GAMUT = gamut_bins()
CORNERS = torch.tensor([[0, 0], [90, 60], [-80, 80], [70, -110.0]])


@pytest.fixture(params=NETWORKS)
def network(request):
    return NETWORKS[request.param]()


def lightness(size=(32, 48), count=2, seed=0):
    random = torch.Generator().manual_seed(seed)
    return torch.rand(count, 1, *size, generator=random) * 2 - 1


def last_layer(network):
    kinds = (nn.Conv2d, nn.ConvTranspose2d)
    return [m for m in network.modules() if isinstance(m, kinds)][-1]


# ------------------------------------------------------------ on every network


@pytest.mark.parametrize("stride", [1, 2])
def test_probabilities_at_a_fraction_of_the_size_and_colors_at_all_of_it(
    network, stride
):
    colorizer = ColorClassifier(network, CORNERS, stride=stride).eval()
    l = lightness()
    with torch.inference_mode():
        assert colorizer.classifier(l).shape == (2, 4, 32 // stride, 48 // stride)
        ab = colorizer(l)
    assert ab.shape == (2, 2, 32, 48)
    assert ab.abs().max() <= 1


def test_the_last_layer_alone_is_new(network):
    before = dict(network.named_parameters())
    old = last_layer(network)
    replaced = {id(old.weight), id(old.bias)}
    colorizer = ColorClassifier(network, GAMUT)
    kept = {id(p) for p in colorizer.parameters()} & {id(p) for p in before.values()}
    assert kept == {id(p) for p in before.values()} - replaced
    new = last_layer(colorizer)
    assert type(new) is type(old)
    assert new.out_channels == 261
    settings = ("in_channels", "kernel_size", "stride", "padding")
    assert all(getattr(new, name) == getattr(old, name) for name in settings)


def test_it_sees_what_the_last_layer_saw(network):
    """Given the old kernels as the first two of its own, it names the old colors."""
    network.eval()
    l = lightness()
    old = last_layer(network)
    with torch.inference_mode():
        expected = network(l)
    new = last_layer(ColorClassifier(network, CORNERS).eval())
    channel = 1 if isinstance(old, nn.ConvTranspose2d) else 0
    with torch.no_grad():
        weights = [old.weight, torch.zeros_like(old.weight)]
        new.weight.copy_(torch.cat(weights, dim=channel))
        new.bias.copy_(torch.cat([old.bias, torch.zeros(2)]))
        logits = network(l)
    # The tanh is gone. Where an enlargement came behind it, it now comes before.
    if not isinstance(network, ResidualAutoencoder):
        torch.testing.assert_close(logits[:, :2].tanh(), expected)
    else:
        torch.testing.assert_close(logits[:, :2].tanh(), expected, rtol=0, atol=1e-3)
    assert not logits[:, 2:].any()


def test_before_any_training_all_bins_are_about_alike(network):
    colorizer = ColorClassifier(network, GAMUT).eval()
    with torch.inference_mode():
        probabilities = colorizer.classifier(lightness()).softmax(dim=1)
    assert (probabilities * 261 - 1).abs().max() < 0.5
    assert not last_layer(colorizer).bias.any()
    assert last_layer(colorizer).weight.any(), "or no gradient would pass it"


@pytest.mark.parametrize("corner", [1, 2])
def test_every_bin_can_be_reached(network, corner):
    """Those at the borders of the gamut, too: no tanh flattens them."""
    colorizer = ColorClassifier(network, CORNERS, stride=2).eval()
    last = last_layer(colorizer)
    nn.init.zeros_(last.weight)
    last.bias.data[corner] = 20.0
    with torch.inference_mode():
        ab = colorizer(lightness())
    expected = (CORNERS[corner] / AB_SCALE).view(1, 2, 1, 1).expand_as(ab)
    torch.testing.assert_close(ab, expected, rtol=0, atol=1e-5)


@pytest.mark.parametrize("stride", [2])
def test_a_bins_logit_moves_every_parameter(network, stride):
    classifier = ColorClassifier(network, CORNERS, stride=stride).train().classifier
    classifier(lightness())[:, 1].square().mean().backward()
    still = [n for n, p in classifier.named_parameters() if not p.grad.any()]
    assert not still


# ------------------------------------------------------------ to a color


def small(bins=GAMUT, **options):
    return ColorClassifier(UNet((4, 8)), bins.clone(), **options).eval()


@torch.no_grad()
def decided(colorizer):
    """Make it differ from place to place."""
    last_layer(colorizer).weight.normal_(std=5)
    return colorizer


@pytest.mark.parametrize("temperature", [0.38, 1.0])
def test_colors_are_annealed_means(temperature):
    colorizer = decided(small(temperature=temperature))
    l = lightness()
    with torch.inference_mode():
        logits = colorizer.classifier(l)
        expected = annealed_mean(logits, colorizer.bins, temperature) / AB_SCALE
        assert torch.equal(colorizer(l), expected)
        assert colorizer(l).std() > 0.05


@pytest.mark.parametrize("share", [0.0, 0.5, 1.0])
def test_a_share_of_the_weights_is_taken_out_of_the_probabilities(share):
    colorizer = decided(small(divided_out=share))
    colorizer.weights.copy_((GAMUT[:, 0] / 30).exp())  # red counted most
    l = lightness()
    with torch.inference_mode():
        logits = undo_rebalancing(colorizer.classifier(l), colorizer.weights, share)
        expected = annealed_mean(logits, colorizer.bins) / AB_SCALE
        torch.testing.assert_close(colorizer(l), expected)
        ours = colorizer(l)[:, 0].mean()
        colorizer.divided_out = share + 0.1
        assert colorizer(l)[:, 0].mean() < ours - 1e-3, "less red"


def test_colors_not_probabilities_are_enlarged():
    """Bilinearly: between red and blue it is purple, not a third bin's color."""
    colorizer = decided(small(stride=4))
    l = lightness()
    with torch.inference_mode():
        ab = annealed_mean(colorizer.classifier(l), colorizer.bins)
        assert ab.shape == (2, 2, 8, 12)
        expected = F.interpolate(ab, (32, 48), mode="bilinear") / AB_SCALE
        torch.testing.assert_close(colorizer(l), expected)


def test_stride_averages_what_the_last_layer_sees():
    """A U-Net's is linear, pixel by pixel, so that the logits come out averaged."""
    every, fourth = decided(small()), small(stride=2)
    fourth.load_state_dict(every.state_dict())
    l = lightness()
    with torch.inference_mode():
        expected = F.avg_pool2d(every.classifier(l), 2)
        torch.testing.assert_close(fourth.classifier(l), expected)


# ------------------------------------------------------------ what it remembers


def test_its_bins_and_weights_are_stored_and_not_trained():
    colorizer = ColorClassifier(UNet((4, 8)))
    assert torch.equal(colorizer.bins, GAMUT)
    assert torch.equal(colorizer.weights, torch.ones(261))
    assert {"bins", "weights"} <= colorizer.state_dict().keys()
    assert not {"bins", "weights"} & dict(colorizer.named_parameters()).keys()
    assert not colorizer.bins.requires_grad


def test_what_sizes_it_takes_is_what_the_network_takes():
    pix2pix = ColorClassifier(Pix2PixUNet((4, 8, 8)), CORNERS)
    assert pix2pix.sides_divisible_by == 8
    assert not hasattr(small(), "sides_divisible_by")
    with pytest.raises(ValueError, match="height 33 and width 32 must be multiples"):
        pix2pix(lightness((33, 32)))


def test_the_encoder_is_the_networks():
    network = squeezenet_unet()
    colorizer = ColorClassifier(network, CORNERS)
    assert colorizer.encoder is network.encoder
    colorizer.encoder.freeze()
    still = {n for n, p in colorizer.named_parameters() if not p.requires_grad}
    assert still == {
        f"classifier.encoder.{name}" for name, _ in network.encoder.named_parameters()
    }
    with pytest.raises(AttributeError, match="encoder"):
        small().encoder  # noqa: B018


# ------------------------------------------------------------ what is refused

REFUSED = {
    "no tanh": nn.Sequential(nn.Conv2d(1, 2, 3, padding=1)),
    "another end": nn.Sequential(nn.Conv2d(1, 2, 1), nn.Sigmoid()),
    "three channels": nn.Sequential(nn.Conv2d(1, 3, 1), nn.Tanh()),
    "twice": ColorClassifier(UNet((4, 8))),
}


@pytest.mark.parametrize("shape", [(10,), (5, 3)])
def test_bins_of_another_shape_are_refused(shape):
    with pytest.raises(
        ValueError, match=rf"bins must be .*, not {re.escape(str(shape))}"
    ):
        ColorClassifier(small(), torch.zeros(shape))


@pytest.mark.parametrize("network", REFUSED.values(), ids=REFUSED)
def test_a_network_with_another_end_is_refused(network):
    before = repr(network)
    message = f"{type(network).__name__} does not end in a layer of two channels"
    with pytest.raises(ValueError, match=message):
        ColorClassifier(network, CORNERS)
    assert repr(network) == before


# ------------------------------------------------------------ on SqueezeNet


def test_on_a_fresh_squeezenet():
    colorizer = squeezenet_color_classifier()
    assert COLORIZERS["unet_squeezenet_classes"] is squeezenet_color_classifier
    counts = [
        sum(p.numel() for p in network.parameters())
        for network in (colorizer, squeezenet_unet())
    ]
    assert counts[0] == counts[1] + (261 - 2) * (24 + 1)
    with torch.inference_mode():
        logits = colorizer.eval().classifier(lightness((32, 64), count=1))
    assert logits.shape == (1, 261, 16, 32)


def test_on_a_trained_one():
    trained = squeezenet_unet()
    before = {n: p.clone() for n, p in trained.named_parameters()}
    colorizer = squeezenet_color_classifier(trained)
    assert colorizer.classifier is trained
    after = dict(colorizer.classifier.named_parameters())
    kept = {name for name in before if not name.startswith("color.")}
    assert kept == before.keys() & after.keys()
    assert all(torch.equal(before[name], after[name]) for name in kept)

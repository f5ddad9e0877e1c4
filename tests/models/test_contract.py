"""What every network of the book must do; one enters by being named in COLORIZERS.

Where a network is large, a narrow one of the same class stands in for it here; its own
test file has the counts of the large one.
"""

import inspect
import shutil

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.nn import functional as F

from colorize_lib.models import (
    COLORIZERS,
    Autoencoder,
    Backbone,
    BackboneUNet,
    ColorClassifier,
    FusionAutoencoder,
    PatchGAN,
    Pix2PixUNet,
    ResidualAutoencoder,
    UNet,
    efficientnet_lite_unet,
    squeezenet_unet,
)
from colorize_lib.models.parts import Stages
from colorize_lib.models.pretrained import Classifier


class TinyClassifier(nn.Module):
    """Built as torchvision's are, with all that a classifier may bring along."""

    def __init__(self):
        super().__init__()
        # Of its own seed: what is frozen is in no weight file, so it must be the same.
        with torch.random.fork_rng(), torch.no_grad():
            torch.manual_seed(3)
            self.features = nn.Sequential(
                nn.Conv2d(3, 8, 3, stride=2, padding=1), nn.BatchNorm2d(8), nn.ReLU(),
                nn.Conv2d(8, 16, 3, stride=2, padding=1), nn.BatchNorm2d(16), nn.ReLU(),
                nn.MaxPool2d(2),
            )  # fmt: skip
            self.classifier = nn.Sequential(nn.Dropout(), nn.Linear(16, 10))

    def forward(self, x):
        return self.classifier(self.features(x).mean(dim=(2, 3)))


class Judge(PatchGAN):
    """A critic as a function of l alone: it judges the colors that l makes here."""

    def forward(self, l):
        return super().forward(l, torch.cat([l / 2, -l], dim=1))


def tiny_backbone():
    layers = TinyClassifier().features
    return Backbone(Stages([layers[:3], layers[3:6]]), (8, 16))


SMALL = {
    "autoencoder": Autoencoder,
    "residual_autoencoder": ResidualAutoencoder,
    "fusion": lambda: FusionAutoencoder(Classifier(TinyClassifier(), 32), outputs=10),
    "unet": lambda: UNet((8, 16)),
    "unet_pix2pix": lambda: Pix2PixUNet((8, 16, 16, 16, 16)),
    "unet_backbone": lambda: BackboneUNet(tiny_backbone(), (16, 16, 8)),
    "unet_squeezenet": squeezenet_unet,
    "unet_efficientnet_lite": efficientnet_lite_unet,
    "color_classifier": lambda: ColorClassifier(UNet((8, 16)), stride=2),
    "patchgan": lambda: Judge((8, 16, 16, 16)),
}
SMALL_COLORIZERS = [name for name in SMALL if name != "patchgan"]
# Of the full networks: a side must be a multiple of the first, and at least the second.
SIZES = {
    "autoencoder": (8, 8),
    "residual_autoencoder": (16, 16),
    "fusion": (8, 8),
    "fusion_squeezenet": (8, 8),
    "fusion_efficientnet_lite": (8, 8),
    "fusion_silenced": (8, 8),
    "unet": (16, 16),
    "unet_32px": (4, 4),
    "unet_resnet18": (1, 32),
    "unet_squeezenet": (1, 32),
    "unet_efficientnet_lite": (1, 32),
    "unet_efficientnet_lite_wide": (1, 32),
    "unet_squeezenet_classes": (1, 32),
    "unet_pix2pix": (256, 256),
}


@pytest.fixture(params=SMALL)
def network(request):
    torch.manual_seed(0)
    return SMALL[request.param]()


@pytest.fixture(params=SMALL_COLORIZERS)
def colorizer(request):
    torch.manual_seed(0)
    return SMALL[request.param]()


@pytest.fixture(scope="module", params=COLORIZERS)
def weightless(request):
    """The full network on a device that works out shapes and nothing else."""
    make = COLORIZERS[request.param]
    known = "pretrained" in inspect.signature(make).parameters
    with torch.device("meta"):
        network = make(**({"pretrained": False} if known else {}))
    return request.param, network.eval()


def lightness(size=(32, 32), count=2, seed=0):
    random = torch.Generator().manual_seed(seed)
    return torch.rand(count, 1, *size, generator=random) * 2 - 1


def test_every_network_is_of_a_class_that_is_tried_here(weightless):
    name, network = weightless
    assert type(network) in {type(make()) for make in SMALL.values()}, name


# ------------------------------------------------------------ shapes, ranges, sizes


@pytest.mark.parametrize("size", [(64, 32), (96, 128)])
def test_shape_and_range(colorizer, size):
    ab = colorizer.eval()(lightness(size))
    assert ab.shape == (2, 2, *size)
    assert ab.isfinite().all()
    assert ab.abs().max() <= 1


@pytest.mark.parametrize("corner", [(9, -9), (-9, 9)])
@pytest.mark.parametrize("name", [x for x in SMALL_COLORIZERS if "classifier" not in x])
def test_every_corner_of_ab_can_be_reached(name, corner):
    """Green and blue too: a ReLU at the end would cut off all that is negative.

    A classifier has no corners but bins; its own tests reach them.
    """
    torch.manual_seed(0)
    colorizer = SMALL[name]()
    kinds = (nn.Conv2d, nn.ConvTranspose2d)
    last = [m for m in colorizer.modules() if isinstance(m, kinds)][-1]
    nn.init.zeros_(last.weight)
    last.bias.data = torch.tensor(corner, dtype=torch.float32)
    ab = colorizer.eval()(lightness())
    expected = torch.tensor(corner).sign().view(1, 2, 1, 1).expand_as(ab)
    torch.testing.assert_close(ab, expected.float(), rtol=0, atol=1e-3)


def test_what_is_not_one_channel_is_refused(network):
    with pytest.raises(ValueError, match=r"\(B, 1, H, W\).* not \(2, 3, 32, 32\)"):
        network(torch.zeros(2, 3, 32, 32))


def test_the_smallest_size_and_the_next(weightless):
    name, network = weightless
    multiple, smallest = SIZES[name]
    size = (smallest, smallest + multiple)
    assert network(torch.zeros(1, 1, *size, device="meta")).shape == (1, 2, *size)


# Mostly sizes that fit somewhere, so that they are not all refused.
sides = st.one_of(st.integers(0, 70), st.integers(1, 8).map(lambda n: 16 * n))


@given(size=st.tuples(sides, sides))
@settings(max_examples=15)
def test_any_size_works_or_is_refused_with_the_numbers(weightless, size):
    name, network = weightless
    multiple, smallest = SIZES[name]
    l = torch.zeros(1, 1, *size, device="meta")
    if all(n >= smallest and n % multiple == 0 for n in size):
        assert network(l).shape == (1, 2, *size)
    else:
        with pytest.raises(
            ValueError, match=f"height {size[0]} and width {size[1]} must be"
        ):
            network(l)


# ------------------------------------------------------------ weights


def test_every_parameter_gets_a_gradient(network):
    network.train()(lightness()).square().mean().backward()
    without = [name for name, p in network.named_parameters() if p.grad is None]
    zero = [
        name
        for name, p in network.named_parameters()
        if p.grad is not None and not p.grad.any()
    ]
    assert not without
    assert not zero


@pytest.mark.parametrize("name", SMALL)
def test_state_dict_round_trip(name):
    torch.manual_seed(0)
    network = SMALL[name]()
    other = SMALL[name]()
    l = lightness()
    network.train()(l)  # so that the statistics of BatchNorm have something to say
    network.eval(), other.eval()
    assert not torch.equal(network(l), other(l))
    other.load_state_dict(network.state_dict())
    assert torch.equal(network(l), other(l))


def test_learns_one_batch(network):
    l = lightness()
    network.train()
    corners = lightness((2, 2), count=4).view(2, 2, 2, 2) / 2
    shape = network(l).shape
    target = F.interpolate(corners[:, : shape[1]], shape[2:], mode="bilinear")
    optimizer = torch.optim.Adam(network.parameters(), 2e-3)
    losses = []
    for _ in range(60):
        loss = F.l1_loss(network(l), target)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
        if losses[-1] < losses[0] / 2:
            return
    pytest.fail(f"from {losses[0]:.3f} to {losses[-1]:.3f} only")


# ------------------------------------------------------------ the same by another way


def test_pictures_of_a_batch_do_not_mix_in_evaluation(network):
    network.train()(lightness(seed=1))
    network.eval()
    l = lightness(count=3)
    one_by_one = torch.cat([network(picture[None]) for picture in l])
    torch.testing.assert_close(network(l), one_by_one, rtol=1e-4, atol=1e-5)


def test_channels_last_equals_contiguous(network):
    network.eval()
    l = lightness()
    expected = network(l)
    network.to(memory_format=torch.channels_last)
    given = l.contiguous(memory_format=torch.channels_last)
    torch.testing.assert_close(network(given), expected, rtol=1e-4, atol=1e-5)


@pytest.mark.slow
def test_traced_by_the_compiler_equals_eager(network):
    network.eval()
    l = lightness()
    compiled = torch.compile(network, backend="aot_eager", fullgraph=True)
    torch.testing.assert_close(compiled(l), network(l), rtol=1e-4, atol=1e-5)


@pytest.mark.slow
@pytest.mark.skipif(
    not any(map(shutil.which, ("g++", "clang++", "cl"))),
    reason="the compiled code of torch.compile needs a C++ compiler",
)
@pytest.mark.parametrize("name", ["unet", "patchgan"])
def test_compiled_equals_eager(name):
    torch.manual_seed(0)
    network = SMALL[name]().eval()
    l = lightness()
    with torch.inference_mode():
        compiled = torch.compile(network, fullgraph=True)(l)
        torch.testing.assert_close(compiled, network(l), rtol=1e-4, atol=1e-5)

"""PatchGAN: its layers, and what a single score sees, measured by the gradient."""

from functools import partial

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from colorize_lib.models import PatchGAN
from colorize_lib.models.patchgan import SMALLEST

SMALL = (8, 16, 16, 16)
affine_instance_norm = partial(nn.InstanceNorm2d, affine=True)


def parameters(network):
    return sum(p.numel() for p in network.parameters())


def picture(*size, count=2):
    return torch.randn(count, 1, *size), torch.randn(count, 2, *size)


# ------------------------------------------------------------ layers


@pytest.mark.parametrize(
    ("norm", "count"),
    [
        (nn.BatchNorm2d, 2_765_633),
        (nn.Identity, 2_764_737),
        (nn.InstanceNorm2d, 2_764_737),
        (affine_instance_norm, 2_765_633),
    ],
)
def test_parameter_counts(norm, count):
    assert parameters(PatchGAN(norm=norm)) == count


@pytest.mark.parametrize("norm", [nn.BatchNorm2d, nn.Identity])
def test_layers_of_the_paper(norm):
    network = PatchGAN(norm=norm)
    layers = [m for m in network.modules() if isinstance(m, nn.Conv2d)]
    assert [(c.in_channels, c.out_channels, c.stride[0]) for c in layers] == [
        (3, 64, 2), (64, 128, 2), (128, 256, 2), (256, 512, 1), (512, 1, 1),
    ]  # fmt: skip
    assert {(c.kernel_size, c.padding) for c in layers} == {((4, 4), (1, 1))}
    middle = norm is not nn.BatchNorm2d  # has a shift of its own
    biases = [c.bias is not None for c in layers]
    assert biases == [True, middle, middle, middle, True]
    kinds = [type(m).__name__ for m in network.layers]
    block = ["Conv2d", norm.__name__, "LeakyReLU"]
    assert kinds == ["Conv2d", "LeakyReLU", *block, *block, *block, "Conv2d"]
    slopes = {m.negative_slope for m in network.layers if isinstance(m, nn.LeakyReLU)}
    assert slopes == {0.2}


# ------------------------------------------------------------ scores


@pytest.mark.parametrize(("side", "scores"), [(256, 30), (128, 14), (70, 6), (24, 1)])
def test_scores_a_picture(side, scores):
    with torch.device("meta"):
        network = PatchGAN()
        assert network(*picture(side, side)).shape == (2, 1, scores, scores)


def test_the_lightness_is_judged_together_with_the_color():
    network = PatchGAN(SMALL).eval()
    (l, ab), (other_l, other_ab) = picture(64, 64), picture(64, 64)
    scores = network(l, ab)
    assert (network(other_l, ab) - scores).abs().max() > 0
    assert (network(l, other_ab) - scores).abs().max() > 0
    joined = network.layers(torch.cat([l, ab], dim=1))
    assert torch.equal(scores, joined)


# ------------------------------------------------------------ what a score sees


def seen_by_the_middle_score(network, side=160):
    """Of each pixel of two pictures, how much it moves a score of the first."""
    pictures = [x.requires_grad_() for x in picture(side, side)]
    scores = network(*pictures)
    middle = scores.shape[-1] // 2
    gradients = torch.autograd.grad(scores[0, 0, middle, middle], pictures)
    return torch.cat(gradients, dim=1).abs().sum(dim=1)


def box(seen):
    """The height and width of what was seen, and how full it is."""
    rows, columns = seen.any(dim=1), seen.any(dim=0)
    height, width = (int(x.nonzero()[-1] - x.nonzero()[0]) + 1 for x in (rows, columns))
    return height, width, (seen != 0).sum().item() / (height * width)


@pytest.mark.parametrize(
    ("norm", "mode"),
    [(nn.Identity, True), (nn.Identity, False), (nn.BatchNorm2d, False)],
)
def test_the_receptive_field_is_70_pixels_square(norm, mode):
    network = PatchGAN(SMALL, norm=norm).train(mode)
    seen, other_picture = seen_by_the_middle_score(network)
    assert box(seen) == (70, 70, 1.0)
    assert not other_picture.any()


@pytest.mark.parametrize(
    ("norm", "mode", "share"),
    [
        (nn.InstanceNorm2d, True, 0.1),
        (nn.InstanceNorm2d, False, 0.1),  # it has no evaluation mode to speak of
        (nn.BatchNorm2d, True, 0.04),
    ],
)
def test_statistics_leak_the_whole_picture_into_every_score(norm, mode, share):
    network = PatchGAN(SMALL, norm=norm).train(mode)
    seen, other_picture = seen_by_the_middle_score(network)
    assert box(seen) == (160, 160, 1.0)
    most = 70 * 70 * F.avg_pool2d(seen[None, None], 70, stride=1).max()
    outside = 1 - (most / seen.sum()).item()
    assert outside > share
    # BatchNorm's even tie the pictures of a batch together.
    assert other_picture.any() == (norm is nn.BatchNorm2d)


# ------------------------------------------------------------ what is refused


def test_smallest_is_the_smallest():
    network = PatchGAN(SMALL, norm=nn.Identity)
    for size in ((SMALLEST, SMALLEST), (SMALLEST, 200), (200, SMALLEST)):
        assert network(*picture(*size)).isfinite().all()
    l, ab = picture(SMALLEST, SMALLEST - 1)
    with pytest.raises(ValueError, match=r"at least 24, not \(24, 23\)"):
        network(l, ab)
    with pytest.raises(RuntimeError):  # were it let through
        network.layers(torch.cat([l, ab], dim=1))


@pytest.mark.parametrize(
    ("l", "ab", "message"),
    [
        ((2, 3, 32, 32), (2, 2, 32, 32), r"l must .*\(B, 1, H, W\), not \(2, 3, 32"),
        ((2, 1, 32, 32), (2, 3, 32, 32), r"ab must .*\(B, 2, H, W\), not \(2, 3, 32"),
        ((2, 1, 32, 32), (2, 2, 32, 64), "differ in channels only"),
    ],
)
def test_what_is_no_picture_is_refused(l, ab, message):
    with pytest.raises(ValueError, match=message):
        PatchGAN(SMALL)(torch.zeros(l), torch.zeros(ab))

"""What networks share: checks, gray photographs, upsampling, first and last layers."""

from collections.abc import Callable, Iterable, Sequence
from itertools import pairwise
from numbers import Integral

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from colorize_lib.color import lightness_to_gray
from colorize_lib.slips import check_picture


def check_input(l: Tensor, multiple_of: int, at_least: int = 1) -> None:
    """Refuse what would fail deep inside a network or come out at another size.

    Args:
        l: should be ``(B, 1, H, W)``.
        multiple_of, at_least: of H and W.

    Raises:
        ValueError: another shape or size; the message says which would do.
        TypeError: it is no tensor.
    """
    check_picture(l, "l", 1, "B")
    height, width = l.shape[-2:]
    if min(height, width) < at_least:
        raise ValueError(
            f"height {height} and width {width} must be at least {at_least}; "
            "resize or pad l"
        )
    if height % multiple_of or width % multiple_of:
        nearest = [
            max(multiple_of, round(n / multiple_of) * multiple_of)
            for n in (height, width)
        ]
        raise ValueError(
            f"height {height} and width {width} must be multiples of {multiple_of}; "
            f"resize or pad l, for example to {nearest[0]} x {nearest[1]}"
        )


def check_build(widths: Sequence[int], at_least: int = 1, **parts: Callable) -> None:
    """Refuse what a network cannot be built of.

    Raises:
        ValueError: too few widths, or one that is no number of channels.
        TypeError: a part that makes no layers: a name, or a layer that is made already.
    """
    listed = list(widths) if isinstance(widths, Iterable) else []
    whole = all(isinstance(width, Integral) and width > 0 for width in listed)
    if len(listed) < at_least or not whole:
        raise ValueError(
            f"widths must be {at_least} or more whole numbers of channels above 0, "
            f"not {widths!r}"
        )
    for name, part in parts.items():
        if isinstance(part, nn.Module) or not callable(part):
            raise TypeError(
                f"{name} must be a class or a function that makes layers, such as "
                f"nn.BatchNorm2d or nn.Identity, not {part!r}"
            )


class GrayPhotograph(nn.Module):
    """l ``(B, 1, H, W)`` to what a network trained on color photographs expects.

    The sRGB gray of the same lightness in three equal channels, normalized as its
    training pictures were. Nothing else makes it work as it was trained to: not L taken
    for the code value, not its first kernels summed over R, G and B.

    Args:
        mean, std: of the network's training pictures, sRGB in [0, 1], three each.
    """

    def __init__(self, mean: Sequence[float], std: Sequence[float]):
        super().__init__()
        # Not in the weight files: these belong to the backbone, not to the training.
        self.register_buffer("mean", torch.tensor(mean).view(3, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(std).view(3, 1, 1), persistent=False)

    def forward(self, l: Tensor) -> Tensor:
        """Return ``(B, 3, H, W)``, float32."""
        return (lightness_to_gray((l.float() + 1) * 50) - self.mean) / self.std


class Stages(nn.ModuleList):
    """An encoder's layers, cut where its maps become smaller: ``x`` to a map each.

    Args:
        stages: the layers of each, in order.
    """

    def __init__(self, stages: Iterable[Iterable[nn.Module]]):
        super().__init__(nn.Sequential(*layers) for layers in stages)

    def forward(self, x: Tensor) -> list[Tensor]:
        """Return the maps, largest first."""
        maps = []
        for stage in self:
            x = stage(x)
            maps.append(x)
        return maps


class Silence(nn.Module):
    """Zeros in place of its input: to see what a network does without a part of it."""

    def forward(self, x: Tensor) -> Tensor:
        """Return zeros of the shape of ``x``."""
        return torch.zeros_like(x)


def enlarge(x: Tensor, size: Sequence[int]) -> Tensor:
    """``(B, C, h, w)`` bilinearly to ``(B, C, H, W)``, with a quick gradient."""
    x = F.interpolate(x, tuple(size), mode="bilinear")
    if x.requires_grad:
        # Behind torch.cat comes a slice of a gradient, with gaps in it, on which this
        # resizing takes ten times as long: a quarter of a U-Net's training.
        layout = torch.contiguous_format
        if x.is_contiguous(memory_format=torch.channels_last):
            layout = torch.channels_last
        x.register_hook(lambda gradient: gradient.contiguous(memory_format=layout))
    return x


class PixelShuffleUp(nn.Module):
    """Twice the size: each pixel's channels are laid out as a square of four pixels.

    Started by ICNR (Aitken et al., "Checkerboard artifact free sub-pixel convolution",
    2017), so that the four begin equal: a fresh network draws no checkerboard.
    """

    def __init__(self, channels_in: int, channels_out: int):
        super().__init__()
        self.conv = nn.Conv2d(channels_in, 4 * channels_out, kernel_size=1)
        icnr_(self.conv.weight)
        # The four biases must be equal too; zero is what BatchNorm would make of them.
        nn.init.zeros_(self.conv.bias)

    def forward(self, x: Tensor) -> Tensor:
        """``(B, channels_in, H, W)`` to ``(B, channels_out, 2 H, 2 W)``."""
        return F.pixel_shuffle(self.conv(x), 2)


class ResizeUp(nn.Module):
    """Twice the size by bilinear resizing, then a convolution: cannot draw a grid.

    (Odena, Dumoulin and Olah, "Deconvolution and Checkerboard Artifacts", 2016.)
    """

    def __init__(self, channels_in: int, channels_out: int):
        super().__init__()
        self.conv = nn.Conv2d(channels_in, channels_out, kernel_size=1)

    def forward(self, x: Tensor) -> Tensor:
        """``(B, channels_in, H, W)`` to ``(B, channels_out, 2 H, 2 W)``."""
        # First the cheap half: a 1 x 1 convolution and a resizing may change places.
        return enlarge(self.conv(x), [2 * n for n in x.shape[2:]])


@torch.no_grad()
def icnr_(weight: Tensor, scale: int = 2) -> Tensor:
    """Fill ``(scale**2 * C_out, C_in, k, k)`` to begin as nearest-neighbor, in place.

    Raises:
        ValueError: the outputs cannot be dealt out to squares of ``scale**2`` pixels.
    """
    if weight.shape[0] % scale**2:
        raise ValueError(f"{weight.shape[0]} outputs are no multiple of {scale**2}")
    one_of_each = torch.empty_like(weight[:: scale**2])
    nn.init.kaiming_normal_(one_of_each)
    return weight.copy_(one_of_each.repeat_interleave(scale**2, dim=0))


@torch.no_grad()
def init_normal_(network: nn.Module, std: float = 0.02) -> nn.Module:
    """First weights of DCGAN (Radford et al., 2016) and pix2pix (Isola et al., 2017).

    Convolutions N(0, std), BatchNorm and InstanceNorm weights N(1, std), biases 0; in
    place. Returns the network.
    """
    norms = (nn.modules.batchnorm._BatchNorm, nn.modules.instancenorm._InstanceNorm)
    convolutions = (nn.Conv2d, nn.ConvTranspose2d)
    for module in network.modules():
        if isinstance(module, (*convolutions, *norms)) and module.weight is not None:
            mean = 1.0 if isinstance(module, norms) else 0.0
            nn.init.normal_(module.weight, mean, std)
            if module.bias is not None:
                nn.init.zeros_(module.bias)
    return network


def last_layer(network: nn.Module) -> tuple[nn.Sequential, int]:
    """The sequence that holds the layer of two channels before a tanh, and its index.

    Raises:
        ValueError: the network does not end like that.
    """
    for layers in network.modules():
        if isinstance(layers, nn.Sequential):
            for i, (layer, after) in enumerate(pairwise(layers)):
                channels = getattr(layer, "out_channels", None)
                if isinstance(after, nn.Tanh) and channels == 2:
                    return layers, i
    raise ValueError(
        f"{type(network).__name__} does not end in a layer of two channels and a tanh"
    )


@torch.no_grad()
def boost_chroma(network: nn.Module, factor: float) -> nn.Module:
    """Multiply what the last tanh is given, in place: pale colors grow by the factor.

    Strong ones grow less, none leaves [-1, 1]; hues stay nearly the same. L1 and L2
    teach a middle of the colors that are possible, which is paler than all of them.

    Args:
        network: one that ends in a layer of two channels and a tanh.
        factor: 1 leaves it as it is.

    Returns:
        The same network.

    Raises:
        ValueError: another network, or a factor that is not positive.
    """
    if not factor > 0:
        raise ValueError(f"a positive factor is needed, not {factor}")
    layers, i = last_layer(network)
    for parameter in layers[i].parameters():
        parameter.mul_(factor)
    return network

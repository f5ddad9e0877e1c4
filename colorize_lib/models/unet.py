"""The max-pool U-Net: an autoencoder whose decoder sees the encoder's own maps again.

Ronneberger, Fischer and Brox, "U-Net: Convolutional Networks for Biomedical Image
Segmentation" (2015), with padded convolutions, BatchNorm and a color at the end. Taught
in chapter 5.
"""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn

from colorize_lib.models.parts import check_build, check_input


class TransposedUp(nn.ConvTranspose2d):
    """Twice the size by a transposed convolution whose 2 x 2 kernels do not overlap."""

    def __init__(self, channels_in: int, channels_out: int):
        super().__init__(channels_in, channels_out, kernel_size=2, stride=2)


class UNet(nn.Module):
    """l ``(B, 1, H, W)`` to ab ``(B, 2, H, W)``, both in [-1, 1].

    H and W are multiples of ``2 ** (len(widths) - 1)``: 16 for five widths.

    Args:
        widths: channels of each level, from full size down to the bottom. The default
            has 6,306,498 parameters; (48, 96, 192) makes a small one for 32 pixels.
        up: what doubles the size on the way up, made as ``up(channels_in,
            channels_out)``: :class:`TransposedUp`,
            :class:`~colorize_lib.models.parts.PixelShuffleUp`,
            :class:`~colorize_lib.models.parts.ResizeUp`.
        norm: made as ``norm(channels)`` after each convolution.
        carry: what happens to a map on its way across, made as ``carry()``; with
            :class:`~colorize_lib.models.parts.Silence` the skips carry nothing.

    Raises:
        ValueError: widths that are none; not one channel, or a size that cannot be
            halved so often.
        TypeError: ``up``, ``norm`` or ``carry`` make no layers.
    """

    def __init__(
        self,
        widths: Sequence[int] = (32, 64, 128, 256, 384),
        *,
        up: Callable[[int, int], nn.Module] = TransposedUp,
        norm: Callable[[int], nn.Module] = nn.BatchNorm2d,
        carry: Callable[[], nn.Module] = nn.Identity,
    ):
        super().__init__()
        check_build(widths, up=up, norm=norm, carry=carry)
        pairs = list(zip([1, *widths], widths, strict=False))
        self.downs = nn.ModuleList(_block(n, m, norm) for n, m in pairs)
        self.halve = nn.MaxPool2d(2)
        self.carry = carry()
        upward = list(zip(widths[:0:-1], widths[-2::-1], strict=True))
        self.ups = nn.ModuleList(up(n, m) for n, m in upward)
        # Twice the channels: what came up, and what came across.
        self.merges = nn.ModuleList(_block(2 * m, m, norm) for _, m in upward)
        self.color = nn.Sequential(nn.Conv2d(widths[0], 2, kernel_size=1), nn.Tanh())

    def forward(self, l: Tensor) -> Tensor:
        """Predict the colors."""
        check_input(l, multiple_of=2 ** len(self.ups))
        skips = []
        x = l
        for down in self.downs[:-1]:
            x = down(x)
            skips.append(self.carry(x))
            x = self.halve(x)
        x = self.downs[-1](x)  # the bottom: no skip, nothing to halve
        for up, merge in zip(self.ups, self.merges, strict=True):
            x = merge(torch.cat([up(x), skips.pop()], dim=1))
        return self.color(x)


def _block(channels_in, channels_out, norm):
    return nn.Sequential(
        nn.Conv2d(channels_in, channels_out, kernel_size=3, padding=1),
        norm(channels_out),
        nn.ReLU(inplace=True),
        nn.Conv2d(channels_out, channels_out, kernel_size=3, padding=1),
        norm(channels_out),
        nn.ReLU(inplace=True),
    )

"""The U-Net of pix2pix: eight halvings, down to a single pixel, and up again.

Isola, Zhu, Zhou and Efros, "Image-to-Image Translation with Conditional Adversarial
Networks" (2017), appendix 6.1. Unlike in the max-pool U-Net there is one convolution a
level, and it does the halving itself. Taught in chapter 5.
"""

from collections.abc import Callable, Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn

from colorize_lib.models.parts import check_build, check_input, init_normal_


class Pix2PixUNet(nn.Module):
    """l ``(B, 1, H, W)`` to ab ``(B, 2, H, W)``, both in [-1, 1].

    H and W are multiples of ``2 ** len(widths)``: 256 for the published eight, which
    have 54,409,858 parameters. At the bottom a picture of 256 pixels is one value a
    channel: no BatchNorm there, or of a batch of one nothing would be left.

    Args:
        widths: channels after each halving.
        norm: made as ``norm(channels)``.
        dropout: probability in the up blocks from ``middle`` on, in training only.
            (The authors leave it on at inference, as their only source of randomness.)
        middle: which up blocks have dropout, counted from the bottom.

    Raises:
        ValueError: fewer than two widths; not one channel, or a size that cannot be
            halved so often.
        TypeError: ``norm`` makes no layers.
    """

    def __init__(
        self,
        widths: Sequence[int] = (64, 128, 256, 512, 512, 512, 512, 512),
        *,
        norm: Callable[[int], nn.Module] = nn.BatchNorm2d,
        dropout: float = 0.5,
        middle: Sequence[int] = (1, 2, 3),
    ):
        super().__init__()
        check_build(widths, 2, norm=norm)
        self.sides_divisible_by = 2 ** len(widths)
        first, *_, bottom = widths
        pairs = list(pairwise(widths))
        self.downs = nn.ModuleList(
            [
                _halve(1, first),
                *(
                    nn.Sequential(nn.LeakyReLU(0.2), _halve(n, m), norm(m))
                    for n, m in pairs[:-1]
                ),
                nn.Sequential(nn.LeakyReLU(0.2), _halve(pairs[-1][0], bottom)),
            ]
        )
        self.ups = nn.ModuleList()
        for i, (m, n) in enumerate(reversed(pairs)):
            # Above the bottom twice the channels: what came up, and what came across.
            channels = n if i == 0 else 2 * n
            block = [nn.ReLU(), _double(channels, m), norm(m)]
            self.ups.append(
                nn.Sequential(*block, *([nn.Dropout(dropout)] if i in middle else []))
            )
        self.color = nn.Sequential(
            nn.ReLU(), _double(2 * first, 2, bias=True), nn.Tanh()
        )
        init_normal_(self)

    def forward(self, l: Tensor) -> Tensor:
        """Predict the colors."""
        check_input(l, multiple_of=self.sides_divisible_by)
        skips = []
        x = l
        for down in self.downs:
            x = down(x)
            skips.append(x)
        x = skips.pop()
        for up in self.ups:
            x = torch.cat([up(x), skips.pop()], dim=1)
        return self.color(x)


def _halve(channels_in, channels_out):
    return nn.Conv2d(channels_in, channels_out, 4, stride=2, padding=1, bias=False)


def _double(channels_in, channels_out, bias=False):
    return nn.ConvTranspose2d(
        channels_in, channels_out, 4, stride=2, padding=1, bias=bias
    )

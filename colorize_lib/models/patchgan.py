"""PatchGAN: a discriminator, or critic, that judges every patch of 70 pixels by itself.

Isola, Zhu, Zhou and Efros, "Image-to-Image Translation with Conditional Adversarial
Networks" (2017), section 3.2.2 and appendix 6.2. Taught in chapter 6.
"""

from collections.abc import Callable, Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn

from colorize_lib.models.parts import check_build, init_normal_
from colorize_lib.slips import check_picture

SMALLEST = 24  # pixels of a side: below that the last convolution has nothing left


class PatchGAN(nn.Module):
    """l ``(B, 1, H, W)`` and ab ``(B, 2, H, W)`` to scores ``(B, 1, h, w)``, unbounded.

    256 pixels give 30 x 30 scores, 128 give 14 x 14. The score of a picture is their
    MEAN. With BatchNorm it has 2,765,633 parameters, without norm 2,764,737.

    A norm that computes statistics over the picture (InstanceNorm; BatchNorm in
    training) lets every score depend on the whole picture. Without one, or with
    BatchNorm in evaluation mode, each score sees 70 x 70 pixels.

    Args:
        widths: channels of each convolution but the last. All but the last of them
            halve the size.
        norm: made as ``norm(channels)``, after all convolutions but the first and the
            last; ``nn.Identity`` for none. In a critic with gradient penalty not
            BatchNorm, which ties the pictures of a batch together.

    Raises:
        ValueError: fewer than two widths; not one and two channels, sizes that differ,
            or a side below 24.
        TypeError: ``norm`` makes no layers.
    """

    def __init__(
        self,
        widths: Sequence[int] = (64, 128, 256, 512),
        *,
        norm: Callable[[int], nn.Module] = nn.BatchNorm2d,
    ):
        super().__init__()
        check_build(widths, 2, norm=norm)
        self.layers = nn.Sequential(
            nn.Conv2d(3, widths[0], kernel_size=4, stride=2, padding=1),
            nn.LeakyReLU(0.2),
        )
        for n, m in pairwise(widths[:-1]):
            self.layers.extend(_block(n, m, stride=2, norm=norm))
        self.layers.extend(_block(widths[-2], widths[-1], stride=1, norm=norm))
        self.layers.append(nn.Conv2d(widths[-1], 1, kernel_size=4, padding=1))
        init_normal_(self)

    def forward(self, l: Tensor, ab: Tensor) -> Tensor:
        """Score every patch of the colored picture."""
        _check(l, ab)
        return self.layers(torch.cat([l, ab], dim=1))


def _block(channels_in, channels_out, stride, norm):
    norm = norm(channels_out)
    # A norm with a shift of its own would make the convolution's bias idle.
    bias = getattr(norm, "bias", None) is None
    return [
        nn.Conv2d(channels_in, channels_out, 4, stride, padding=1, bias=bias),
        norm,
        nn.LeakyReLU(0.2),
    ]


def _check(l, ab):
    check_picture(l, "l", 1, "B")
    check_picture(ab, "ab", 2, "B")
    if l.shape[0] != ab.shape[0] or l.shape[2:] != ab.shape[2:]:
        raise ValueError(
            "l and ab must differ in channels only, "
            f"not {tuple(l.shape)} and {tuple(ab.shape)}"
        )
    if min(l.shape[2:]) < SMALLEST:
        raise ValueError(
            f"height and width must be at least {SMALLEST}, not {tuple(l.shape[2:])}"
        )

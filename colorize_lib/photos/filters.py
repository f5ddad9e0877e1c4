"""Which photographs have next to no color."""

import torch
from torch import Tensor

from colorize_lib.color import rgb_to_lab

# Chosen by looking at 23,000 photographs sorted by this number. Below 1 nearly all are
# black-and-white pictures. From 1 to 2 come toned ones, and color pictures of gray
# things on gray ground. From 2 on there is a red buoy, a pair of amber eyes, a lawn:
# something to learn. Of varied photographs 1.3 % lie below, of CIFAR-10 2.2 %, of
# flowers 0.1 %.
NEAR_GRAY_CHROMA = 2.0


def mean_chroma(images: Tensor) -> Tensor:
    """The mean of sqrt(a^2 + b^2) over each picture, in Lab units.

    A usual photograph has about 14.

    Args:
        images: uint8 ``(*, 3, H, W)``. Of large pictures every k-th pixel is looked at,
            so that about 128 x 128 are: the mean moves by a few hundredths, the time
            falls to a fourth at 256 pixels.

    Returns:
        float32 ``(*)``.
    """
    step = max(1, min(images.shape[-2:]) // 128)
    lab = rgb_to_lab(images[..., ::step, ::step])
    chroma = torch.hypot(lab[..., 1, :, :], lab[..., 2, :, :])
    # In float64, so that the sum does not depend on how many threads share it.
    return chroma.double().mean(dim=(-2, -1)).float()


def is_near_gray(chroma: float) -> bool:
    """Whether a picture of this mean chroma is near gray.

    To learn from it would be to learn that nothing has color. A sepia print is near
    gray only where its tone is that faint. A strong tone (mean chroma 4 to 20, about
    one photograph in a thousand) stays: its colors follow its lightness, but so do
    those of a gull over the sea, a moonrise, a misty morning, and neither the spread of
    color at equal lightness nor the spread of hue told the one from the other.
    """
    return chroma < NEAR_GRAY_CHROMA

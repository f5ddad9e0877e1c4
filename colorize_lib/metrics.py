"""Scores of colorized pictures beside the true ones: one per image, never pooled.

All take 8-bit sRGB, because this is what a viewer is given: ``(B, 3, H, W)`` uint8, on
any device, and return ``(B,)`` float32. No tensor is a TypeError; another type or
shape, or two shapes that differ, a ValueError. Taught in chapter 3.
"""

import torch
from torch import Tensor

from colorize_lib.color import rgb_to_lab
from colorize_lib.slips import check_picture

# Two 8-bit images of 256 px that differ by one code in one place are 101 dB apart: what
# is above 100 counts as identical, so that one perfect image makes no mean infinite.
PSNR_OF_IDENTICAL = 100.0
SSIM_WINDOW, SSIM_SIGMA = 11, 1.5


def psnr(pictures: Tensor, truths: Tensor) -> Tensor:
    """Peak signal-to-noise ratio per image in dB, at most 100.

    ``10 log10(1 / MSE)`` of the image's own MSE over all three channels.
    (``20 log10(1 / MSE)``, seen in tutorials, doubles it; the MSE of a whole batch, the
    default of some libraries, gives a few bad images all the say.)
    """
    _check(pictures, truths)
    error = (pictures.float() - truths.float()) / 255
    return (-10 * error.square().mean(dim=(1, 2, 3)).log10()).clamp(
        max=PSNR_OF_IDENTICAL
    )


def ssim(pictures: Tensor, truths: Tensor) -> Tensor:
    """Structural similarity per image, at most 1; sides of at least 11 pixels.

    The mean over channels and over whole windows. Wang et al. 2004, eq. 13: Gaussian
    windows of 11 pixels, sigma 1.5, K1 = .01, K2 = .03, biased (co)variances. Rewards
    structure, which the gray picture has too: it scores about .92.
    """
    _check(pictures, truths)
    if min(pictures.shape[-2:]) < SSIM_WINDOW:
        raise ValueError(
            f"SSIM needs at least 11 x 11 pixels, not {tuple(pictures.shape[-2:])}"
        )
    x, y = pictures.float() / 255, truths.float() / 255
    mean_x, mean_y = _blur(x), _blur(y)
    variance_x, variance_y = _blur(x * x) - mean_x**2, _blur(y * y) - mean_y**2
    covariance = _blur(x * y) - mean_x * mean_y
    c1, c2 = 0.01**2, 0.03**2
    luminance = (2 * mean_x * mean_y + c1) / (mean_x**2 + mean_y**2 + c1)
    structure = (2 * covariance + c2) / (variance_x + variance_y + c2)
    return (luminance * structure).mean(dim=(1, 2, 3))


def ciede2000(pictures: Tensor, truths: Tensor) -> Tensor:
    """Mean CIEDE2000 color difference of each image's pixels.

    A difference of 1 is about what an eye can notice.
    """
    _check(pictures, truths)
    return delta_e_2000(rgb_to_lab(pictures), rgb_to_lab(truths)).mean(dim=(1, 2))


def ab_l1(pictures: Tensor, truths: Tensor) -> Tensor:
    """Mean absolute error of a and b per image, in Lab units.

    That is 110 times the L1 loss of a network's normalized output.
    """
    _check(pictures, truths)
    difference = rgb_to_lab(pictures)[:, 1:] - rgb_to_lab(truths)[:, 1:]
    return difference.abs().mean(dim=(1, 2, 3))


def colorfulness(pictures: Tensor) -> Tensor:
    """How colorful each image is, with no truth beside it.

    0 is gray, photographs have about 41. Hasler and Suesstrunk 2003, eq. for M^(3), on
    sRGB codes 0..255 with SIGNED opponent axes, as in the paper. Much code takes
    absolute values first and gets less: :func:`colorfulness_abs`.
    """
    return _colorfulness(*_opponent_axes(pictures))


def colorfulness_abs(pictures: Tensor) -> Tensor:
    """As :func:`colorfulness`, of absolute axes: only to compare with others."""
    red_green, yellow_blue = _opponent_axes(pictures)
    return _colorfulness(red_green.abs(), yellow_blue.abs())


def delta_e_2000(lab: Tensor, other: Tensor) -> Tensor:
    """CIEDE2000 difference of each pixel, Lab ``(B, 3, H, W)`` twice to ``(B, H, W)``.

    Sharma, Wu and Dalal 2005, "The CIEDE2000 color-difference formula", eq. 2 to 22,
    with kL = kC = kH = 1.
    """
    check_picture(lab, "lab", 3, "B")
    check_picture(other, "other", 3, "B")
    (L1, a1, b1), (L2, a2, b2) = lab.unbind(1), other.unbind(1)

    # Grays are pulled apart along a, eq. 2 to 7.
    g = 0.5 * (1 - _seventh_power_share((a1.hypot(b1) + a2.hypot(b2)) / 2))
    a1, a2 = a1 * (1 + g), a2 * (1 + g)
    c1, c2 = a1.hypot(b1), a2.hypot(b2)
    h1, h2 = (torch.rad2deg(torch.atan2(b, a)) % 360 for a, b in ((a1, b1), (a2, b2)))

    # Lightness, chroma and hue differ, eq. 8 to 11. A gray has no hue: no difference.
    colored = c1 * c2 > 0
    dh = torch.where(colored, (h2 - h1 + 180) % 360 - 180, 0)
    dL, dC = L2 - L1, c2 - c1
    dH = 2 * (c1 * c2).sqrt() * torch.sin(torch.deg2rad(dh) / 2)

    # Means, eq. 12 to 14: of hues along the shorter arc, or their sum if one is gray.
    L, c = (L1 + L2) / 2, (c1 + c2) / 2
    far = (h1 - h2).abs() > 180
    h = torch.where(
        far, (h1 + h2 + torch.where(h1 + h2 < 360, 360, -360)) / 2, (h1 + h2) / 2
    )
    h = torch.where(colored, h, h1 + h2)

    # Weights, eq. 15 to 21: the eye is less exact for vivid colors and for blues.
    t = 1 - 0.17 * _cos(h - 30) + 0.24 * _cos(2 * h)
    t = t + 0.32 * _cos(3 * h + 6) - 0.20 * _cos(4 * h - 63)
    rotation = 60 * torch.exp(-(((h - 275) / 25) ** 2))
    r = -2 * _seventh_power_share(c) * torch.sin(torch.deg2rad(rotation))
    s_l = 1 + 0.015 * (L - 50) ** 2 / (20 + (L - 50) ** 2).sqrt()
    s_c, s_h = 1 + 0.045 * c, 1 + 0.015 * c * t
    x, y, z = dL / s_l, dC / s_c, dH / s_h
    return (x**2 + y**2 + z**2 + r * y * z).clamp(min=0).sqrt()


# ------------------------------------------------------------ parts


def _blur(x):
    """Gaussian means over whole windows: where one would stick out, nothing is left."""
    # By banded matrices: ten times as fast on a CPU as depthwise convolutions.
    with torch.autocast(x.device.type, enabled=False):
        return _windows(x.shape[-2], x.device).mT @ x @ _windows(x.shape[-1], x.device)


def _windows(size, device):
    offsets = torch.arange(SSIM_WINDOW, device=device) - SSIM_WINDOW // 2
    weights = torch.exp(-(offsets**2) / (2 * SSIM_SIGMA**2))
    bands = torch.zeros(size, size - SSIM_WINDOW + 1, device=device)
    for i, weight in enumerate(weights / weights.sum()):
        bands.diagonal(-i).fill_(weight)
    return bands


def _seventh_power_share(c):
    return (c**7 / (c**7 + 25.0**7)).sqrt()


def _cos(degrees):
    return torch.cos(torch.deg2rad(degrees))


def _opponent_axes(pictures):
    _check(pictures, pictures)
    red, green, blue = pictures.float().unbind(1)
    return red - green, (red + green) / 2 - blue


def _colorfulness(red_green, yellow_blue):
    pixels = (1, 2)
    spread = red_green.var(pixels, correction=0) + yellow_blue.var(pixels, correction=0)
    offset = red_green.mean(pixels) ** 2 + yellow_blue.mean(pixels) ** 2
    return spread.sqrt() + 0.3 * offset.sqrt()


def _check(pictures, truths):
    for x, name in ((pictures, "pictures"), (truths, "truths")):
        check_picture(x, name, 3, "B")
        if x.dtype != torch.uint8:
            floats, codes = f"rgb_to_uint8({name})", f"{name}.to(torch.uint8)"
            raise ValueError(
                f"{name} must have 8 bits, torch.uint8, not {x.dtype}; "
                f"give {floats if x.is_floating_point() else codes}"
            )
    if pictures.shape != truths.shape:
        raise ValueError(
            f"pictures {tuple(pictures.shape)} and truths {tuple(truths.shape)} must "
            "have the same shape"
        )

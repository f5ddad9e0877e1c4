"""Stains: how much colors wander where the lightness does not.

An adversarially trained network may lay a rainbow over a wall. PSNR and CIEDE2000 call
that wrong, as they do a wrong but even color; this score tells the two apart.
"""

import numpy as np
import torch
from torch import Tensor

from colorize_lib.color import rgb_to_lab

SUPERPIXELS = 60
# Of SLIC, for lightness in [0, 1]: so that they follow edges more than they are round.
COMPACTNESS = 0.05


def stains(pictures: Tensor, truths: Tensor) -> Tensor:
    """The spread of ab within superpixels of the true lightness: a metric.

    Superpixels are SLIC's (Achanta et al., "SLIC superpixels", 2012): connected, and
    alike in lightness. Real photographs have some spread, too, for things of one
    lightness may differ in color: compare a row with that of the truth. More than that
    is stained. Pale colors have little to stain with: look at the colorfulness, too.

    Args:
        pictures, truths: uint8 ``(B, 3, H, W)``.

    Returns:
        ``(B,)``: the mean distance of a pixel's ab from its superpixel's mean, in Lab
        units.
    """
    from skimage.segmentation import slic  # the package itself can do without

    lightness = rgb_to_lab(truths)[:, 0].cpu().numpy() / 100
    colors = rgb_to_lab(pictures)[:, 1:].flatten(2).cpu().numpy()
    found = []
    for l, ab in zip(lightness, colors, strict=True):
        labels = slic(
            l, SUPERPIXELS, COMPACTNESS, channel_axis=None, start_label=0
        ).ravel()
        sums = np.stack([np.bincount(labels, channel) for channel in ab])
        means = sums / np.bincount(labels)
        found.append(np.hypot(*(ab - means[:, labels])).mean())
    return torch.tensor(found, dtype=torch.float32)

"""Color as a choice: the plane of a and b in bins, and from probabilities to a color.

Zhang, Isola and Efros, "Colorful Image Colorization" (2016), section 2. A network that
gives every bin a probability can say "red or blue"; one that names a color can only say
what lies between. Taught in chapter 10.
"""

import torch
from torch import Tensor

from colorize_lib.color import rgb_to_lab

STEP = 10.0  # Lab units: the side of a bin
NEIGHBORS = 5  # bins that a true color is shared among
SOFTNESS = 5.0  # Lab units: how far a true color counts for its neighbors, too
ANNEALING = 0.38  # between the mean (1) and the mode (0), chosen by eye in the paper


def gamut_bins(step: float = STEP) -> Tensor:
    """Centers of the squares of the ab plane in which sRGB has a color.

    The six faces of the RGB cube are enough to look at: seen along the lightness, they
    cover all that is inside. The paper counts 313 squares, some without an sRGB color.

    Args:
        step: Lab units, the side of a square; centers are multiples of it.

    Returns:
        ``(Q, 2)`` in Lab units, in order of a and then b; 261 for a step of 10.

    Raises:
        ValueError: a step of 0 or less.
    """
    if not step > 0:
        raise ValueError(f"bins have a side above 0 Lab units, not {step}")
    # On the CPU even where networks are made on the meta device: it knows no unique().
    codes = torch.arange(256, dtype=torch.uint8, device="cpu")
    sides = torch.meshgrid(codes, codes, indexing="ij")
    faces = [
        torch.stack(
            [*sides[:channel], torch.full_like(sides[0], code), *sides[channel:]]
        )
        for channel in range(3)
        for code in (0, 255)
    ]
    ab = rgb_to_lab(torch.stack(faces))[:, 1:]
    # As integers, among which there is no -0.
    return (ab / step).round().int().transpose(0, 1).flatten(1).T.unique(dim=0) * step


def soft_bins(
    ab: Tensor, bins: Tensor, neighbors: int = NEIGHBORS, softness: float = SOFTNESS
) -> tuple[Tensor, Tensor]:
    """True colors as probabilities that a network is to predict.

    Gaussian in the distance to the centers of the nearest bins: so a color between two
    centers is told from either, and a miss by one bin is no complete miss.

    Args:
        ab: ``(B, 2, H, W)`` in Lab units.
        bins: ``(Q, 2)``.
        neighbors: how many bins share the color; all bins, if there are fewer.
        softness: Lab units, the Gaussian's standard deviation.

    Returns:
        Which bins, the nearest first, and their probabilities, both
        ``(B, neighbors, H, W)``.
    """
    a, b = ab[:, 0, :, :, None], ab[:, 1, :, :, None]
    # Minus half of each squared distance, up to |color|^2 / 2, which is the same for
    # all bins. Element by element: a matmul in TF32 or bfloat16 would miss the bin.
    closeness = torch.addcmul(-bins.square().sum(dim=1) / 2, a, bins[:, 0])
    closeness = closeness.addcmul_(b, bins[:, 1])
    closeness, nearest = closeness.topk(min(neighbors, len(bins)), dim=3)
    probabilities = (closeness / softness**2).softmax(dim=3)
    return nearest.permute(0, 3, 1, 2), probabilities.permute(0, 3, 1, 2)


def bin_frequencies(ab: Tensor, bins: Tensor) -> Tensor:
    """How many pixels lie in each bin: ab ``(B, 2, H, W)`` to counts ``(Q,)``."""
    pixels = ab.transpose(0, 1).flatten(1)[None, :, :, None]
    # In pieces: all distances at once would take a kilobyte a pixel, and as much again.
    nearest = [soft_bins(x, bins, neighbors=1)[0] for x in pixels.split(65_536, dim=2)]
    return torch.cat(nearest, dim=2).flatten().bincount(minlength=len(bins))


def rebalancing_weights(
    frequencies: Tensor, bins: Tensor, uniform: float = 0.5, softness: float = SOFTNESS
) -> Tensor:
    """What a pixel of each bin counts, so that rare colors are not drowned by gray.

    The paper's equation 4: one over the frequency, which was smoothed over neighbors
    and mixed with a uniform one. Scaled so that the average pixel counts 1 (in the
    paper, one drawn by the smoothed frequencies). What a network learns under such
    weights are not the true probabilities: see :func:`undo_rebalancing`.

    Args:
        frequencies: ``(Q,)``, of any sum above 0.
        bins: ``(Q, 2)``.
        uniform: the share of the uniform distribution: 1 gives all bins weight 1.
        softness: Lab units, of the smoothing.

    Returns:
        ``(Q,)`` float32.

    Raises:
        ValueError: no pixel was counted, or a share outside (0, 1].
    """
    if not frequencies.sum() > 0:
        raise ValueError("no pixel was counted: weights need frequencies")
    if not 0 < uniform <= 1:
        raise ValueError(
            f"uniform must lie in (0, 1], not {uniform}: at 0 there is no limit to "
            "what a color counts that never occurs"
        )
    share = frequencies.double() / frequencies.sum()
    apart = torch.cdist(bins.double(), bins.double())
    # A column says to where the pixels of its bin are spread.
    spread = (-apart.square() / (2 * softness**2)).softmax(dim=0)
    weights = 1 / ((1 - uniform) * spread @ share + uniform / len(bins))
    return (weights / (weights @ share)).float()


# ------------------------------------------------------------ from logits to a color


def annealed_mean(
    logits: Tensor, bins: Tensor, temperature: float = ANNEALING
) -> Tensor:
    """The mean color of probabilities that were sharpened first; equation 5.

    At a temperature of 1 it is the mean, which L2 learns; near 0 it is the mode. In
    between, the likelier of two BINS prevails: of two equally likely colors, the one in
    the middle of its bin, if the network learned from soft bins.

    Args:
        logits: ``(B, Q, H, W)``.
        bins: ``(Q, 2)``.
        temperature: above 0, else a ValueError.

    Returns:
        ab ``(B, 2, H, W)`` in Lab units.
    """
    if not temperature > 0:
        raise ValueError(f"a temperature above 0, not {temperature}: for 0 take mode()")
    probabilities = (logits / temperature).softmax(dim=1)
    return torch.einsum("bqhw,qc->bchw", probabilities, bins)


def mode(logits: Tensor, bins: Tensor) -> Tensor:
    """The likeliest bin's color: logits ``(B, Q, H, W)`` to ab ``(B, 2, H, W)``."""
    return bins[logits.argmax(dim=1)].permute(0, 3, 1, 2)


def sample(
    logits: Tensor, bins: Tensor, generator: torch.Generator | None = None
) -> Tensor:
    """Draw each pixel's color, by itself: the picture is speckled.

    logits ``(B, Q, H, W)`` to ab ``(B, 2, H, W)``; ``generator`` is on their device.
    """
    probabilities = logits.softmax(dim=1).permute(0, 2, 3, 1)
    drawn = torch.multinomial(probabilities.flatten(0, 2), 1, generator=generator)
    return bins[drawn.view(probabilities.shape[:3])].permute(0, 3, 1, 2)


def undo_rebalancing(logits: Tensor, weights: Tensor, share: float = 1.0) -> Tensor:
    """From what was learned under weights to the true probabilities, as logits.

    A loss weighted by the true bin is least at the true probabilities times the
    weights, so these are divided out. With soft bins some error is left, as a color's
    neighbors were learned under its weight: gray or red, at 50 : 50, come back as
    45 : 55 under weights as photographs have them.

    Args:
        logits: ``(B, Q, H, W)``.
        weights: ``(Q,)``.
        share: 0.5 divides by the square root of the weights, 0 by nothing.
    """
    return logits - share * weights.log().view(1, -1, 1, 1)

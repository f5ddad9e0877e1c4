"""What adversarial training makes small: GAN losses and the gradient penalty.

Taught in chapters 7 (GAN losses) and 8 (the penalty).
"""

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional as F


def binary_cross_entropy(scores: Tensor, is_real: bool) -> Tensor:
    """The loss of scores that are the logits of being real; any shape, to a scalar.

    Goodfellow et al., "Generative Adversarial Nets" (2014), equation 1. A generator
    that makes it small for its fakes, with ``is_real=True``, uses the form that the
    paper recommends at the end of section 3: it does not fade when the discriminator
    wins.
    """
    return F.binary_cross_entropy_with_logits(scores, torch.full_like(scores, is_real))


def least_squares(scores: Tensor, is_real: bool) -> Tensor:
    """The squared distance of scores from 1 (real) or 0 (fake); a scalar.

    Mao et al., "Least Squares Generative Adversarial Networks" (2017), equation 2
    with a = 0 and b = c = 1, without its factor of 1/2.
    """
    return F.mse_loss(scores, torch.full_like(scores, is_real))


def image_scores(scores: Tensor) -> Tensor:
    """One score per image, ``(B,)``: the MEAN of its patches' scores.

    The sum would make a critic's slope 900 times as steep at 256 pixels, and with it
    whatever a penalty says about slopes.
    """
    return scores.reshape(len(scores), -1).mean(dim=1)


def gradient_penalty(
    critic: Callable[[Tensor, Tensor], Tensor],
    l: Tensor,
    real_ab: Tensor,
    fake_ab: Tensor,
    weights: Tensor,
) -> Tensor:
    """How far the slopes of a critic are from 1, between real and fake images.

    Gulrajani et al., "Improved Training of Wasserstein GANs" (2017), the second term
    of equation 3, without its factor: the mean over images of (slope - 1)^2, where
    the slope is the norm of the gradient of an image's score by ALL of its ab. By ab
    alone: l is given, the same for real and fake, and nothing is moved along it.

    Add it to the critic's loss and go backward once for both: under
    DistributedDataParallel, a backward pass of its own gives wrong gradients.

    Args:
        critic: l and ab to scores, each image's from this image alone (no BatchNorm),
            in float32.
        l: ``(B, 1, H, W)``.
        real_ab: ``(B, 2, H, W)``.
        fake_ab: the same shape, detached.
        weights: ``(B,)`` in [0, 1]: where between fake (0) and real (1) an image's
            slope is taken.

    Returns:
        A scalar, differentiable by the critic's parameters.
    """

    def total_score(ab):  # images do not mix, so this gradient holds that of each
        return image_scores(critic(l, ab)).sum()

    between = torch.lerp(fake_ab, real_ab, weights.view(-1, 1, 1, 1))
    slopes = torch.func.grad(total_score)(between).flatten(1).norm(dim=1)
    return (slopes - 1).square().mean()

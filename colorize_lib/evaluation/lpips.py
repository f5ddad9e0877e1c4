"""How different a picture looks from its truth, as features of a network see it."""

from typing import Literal

import torch
from torch import Tensor

from colorize_lib.evaluation.recognition import NAMES, default_weights
from colorize_lib.metrics import _check as check_pictures
from colorize_lib.models.pretrained import fetching

NETWORKS = {"alex": "alexnet", "vgg": "vgg16", "squeeze": "squeezenet1_1"}
SMALLEST = 32  # pixels of a side: of fewer, AlexNet's last maps would have none left


class LPIPS:
    """Learned perceptual image patch similarity: 0 for equal pictures, higher is worse.

    Zhang et al., "The Unreasonable Effectiveness of Deep Features as a Perceptual
    Metric" (2018), eq. 1, by torchmetrics, with the weights that the authors learned
    from human judgments (0.1), and torchvision's ImageNet weights, fetched at need.

    Args:
        net: ``"alex"``, which the authors recommend and most papers use, ``"vgg"`` or
            ``"squeeze"``. Their numbers cannot be compared with one another.

    Attributes:
        name: as ``"LPIPS (SqueezeNet)"``.

    Raises:
        ValueError: another network.
        WeightsUnavailableError: its weights cannot be had; the message says what to do.
    """

    def __init__(self, net: Literal["alex", "vgg", "squeeze"] = "alex"):
        if net not in NETWORKS:
            raise ValueError(f"LPIPS knows {', '.join(NETWORKS)}, not {net!r}")
        # Not at the top: it takes seconds, also of those who only color a photograph.
        from torchmetrics.image.lpip import LearnedPerceptualImagePatchSimilarity

        with fetching(NETWORKS[net], default_weights(NETWORKS[net]).url):
            # Only the part of the metric that knows pictures: the rest would pool them,
            # and make a number of a batch of one.
            self.network = LearnedPerceptualImagePatchSimilarity(net_type=net).net
        self.name = f"LPIPS ({NAMES[NETWORKS[net]]})"

    @torch.inference_mode()
    def __call__(self, pictures: Tensor, truths: Tensor) -> Tensor:
        """``(B,)`` float32; raises as :func:`.psnr`, or below 32 pixels."""
        check_pictures(pictures, truths)
        if min(pictures.shape[-2:]) < SMALLEST:
            sides = tuple(pictures.shape[-2:])
            raise ValueError(f"LPIPS needs at least 32 x 32 pixels, not {sides}")
        network = self.network.to(pictures.device)
        # Values in [0, 1], which normalize takes to the [-1, 1] that it was learned on.
        scores = network(pictures.float() / 255, truths.float() / 255, normalize=True)
        return scores.flatten()

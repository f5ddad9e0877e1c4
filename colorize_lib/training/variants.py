"""What chapters 4 and 5 compare: networks that differ in one thing at a time."""

from collections.abc import Callable
from functools import partial

from torch import Tensor, nn

from colorize_lib.models import (
    BackboneUNet,
    FusionAutoencoder,
    UNet,
    squeezenet_fusion,
    squeezenet_unet,
)
from colorize_lib.models.fusion import Frozen
from colorize_lib.models.parts import Silence
from colorize_lib.training.recipes import Recipe, Stage

# A short training, so that several seeds can be afforded: every picture once.
BUDGET = (Stage(32, epochs=1, batch_size=32, learning_rate=1e-3, small_pictures=True),)
BRIEFLY = Recipe("briefly", network="of each variant", stages=BUDGET, loss="l1")
SEEN_AT = 32  # pixels at which such networks see test photographs: as in training


def fusion_variants(*, pretrained: bool = True) -> dict[str, Callable[[], nn.Module]]:
    """The classifier's opinion, that of a random classifier, and none.

    Args:
        pretrained: False leaves the first of them out: nothing needs to be fetched.
    """
    random = partial(squeezenet_fusion, pretrained=False)
    variants = {"random classifier's opinion": random, "no opinion": _silenced_fusion}
    return (
        {"SqueezeNet's opinion": squeezenet_fusion} | variants
        if pretrained
        else variants
    )


class NoOpinion(nn.Module):
    """In a classifier's place: a thousand zeros, without a look."""

    def forward(self, l: Tensor) -> Tensor:
        """l ``(B, 1, H, W)`` to zeros ``(B, 1000)``."""
        return l.new_zeros(len(l), 1000)


def unet_variants(*, pretrained: bool = True) -> dict[str, Callable[[], nn.Module]]:
    """Skips on and off; then an encoder that starts at random, or pretrained.

    Args:
        pretrained: False leaves that encoder random, too (and frozen): only good to
            see that all runs where nothing can be fetched.
    """
    return {
        "U-Net": UNet,
        "U-Net, skips silenced": partial(UNet, carry=Silence),
        "SqueezeNet U-Net, random encoder": squeezenet_unet,
        "SqueezeNet U-Net, pretrained encoder": partial(_on_frozen, pretrained),
    }


def _on_frozen(pretrained) -> BackboneUNet:
    network = squeezenet_unet(pretrained=pretrained)
    network.encoder.freeze()
    return network


def _silenced_fusion() -> FusionAutoencoder:
    # Built with a classifier first, so that the same first weights are drawn.
    network = squeezenet_fusion(pretrained=False)
    network.classifier = Frozen(NoOpinion())
    return network

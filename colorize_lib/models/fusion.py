"""The fusion autoencoder: every position also hears a classifier of the whole picture.

Baldassarre, Gonzalez Morin and Rodes-Guirao, "Deep Koalarization: Image Colorization
using CNNs and Inception-ResNet-v2" (2017), figure 1. 7,075,922 parameters are trained;
those of the classifier are not. Taught in chapter 4.
"""

import torch
from torch import Tensor, nn

from colorize_lib.models.parts import check_input
from colorize_lib.models.pretrained import (
    lite_classifier,
    timm_classifier,
    torchvision_classifier,
)


class FusionAutoencoder(nn.Module):
    """l ``(B, 1, H, W)`` to ab ``(B, 2, H, W)``, both in [-1, 1].

    H and W are multiples of 8.

    Args:
        classifier: l to logits ``(B, outputs)``, as
            :func:`~colorize_lib.models.pretrained.timm_classifier` (the paper's) or
            :func:`~colorize_lib.models.pretrained.torchvision_classifier` make it.
        outputs: how many the classifier has.
        listen: makes the logits fit to be learned from, ``(B, outputs)`` to the same;
            by default they stay as they are.

    Raises:
        ValueError: not one channel, or a size that three halvings do not divide.
    """

    def __init__(
        self,
        classifier: nn.Module,
        outputs: int = 1000,
        listen: nn.Module | None = None,
    ):
        super().__init__()
        self.classifier = Frozen(classifier)
        self.listen = nn.Identity() if listen is None else listen
        self.encoder = nn.Sequential(  # 1 x 224 x 224
            *_conv(1, 64, stride=2),  # 64 x 112 x 112
            *_conv(64, 128),
            *_conv(128, 128, stride=2),  # 128 x 56 x 56
            *_conv(128, 256),
            *_conv(256, 256, stride=2),  # 256 x 28 x 28
            *_conv(256, 512),
            *_conv(512, 512),
            *_conv(512, 256),
        )
        self.fuse = nn.Sequential(
            nn.Conv2d(256 + outputs, 256, kernel_size=1), nn.ReLU(inplace=True)
        )
        self.decoder = nn.Sequential(
            *_conv(256, 256),
            nn.Upsample(scale_factor=2),
            *_conv(256, 128),  # 128 x 56 x 56
            nn.Upsample(scale_factor=2),
            *_conv(128, 32),  # 32 x 112 x 112
            *_conv(32, 16),
            nn.Conv2d(16, 2, kernel_size=3, padding=1),
            nn.Tanh(),
            nn.Upsample(scale_factor=2),  # 2 x 224 x 224
        )

    def forward(self, l: Tensor, logits: Tensor | None = None) -> Tensor:
        """Predict the colors.

        Args:
            l: as for the class.
            logits: the classifier's for ``l``, ``(B, outputs)``, where they are known
                already; they never change while the rest is trained.
        """
        check_input(l, multiple_of=8)
        if logits is None:
            logits = self.classifier(l)
        maps, heard = self.encoder(l), self.listen(logits)
        everywhere = heard[:, :, None, None].expand(-1, -1, *maps.shape[2:])
        return self.decoder(self.fuse(torch.cat([maps, everywhere], dim=1)))


def inception_fusion(*, pretrained: bool = True) -> FusionAutoencoder:
    """The paper's: with InceptionResNetV2, its 55.8 million parameters frozen."""
    return FusionAutoencoder(timm_classifier(pretrained=pretrained))


def squeezenet_fusion(*, pretrained: bool = True) -> FusionAutoencoder:
    """With SqueezeNet 1.1: a forty-fifth of the parameters, a weaker classifier.

    Its logits are all positive, and larger in the mean than what differs between
    pictures. Heard as they are, a thousand of them push the fused features the same way
    for every picture: within ten steps two thirds of these are silent for ever.
    BatchNorm leaves what differs, at a spread of 1, so that a random classifier, whose
    logits differ by hundredths, is as loud.
    """
    return FusionAutoencoder(
        torchvision_classifier("squeezenet1_1", pretrained=pretrained),
        listen=nn.BatchNorm1d(1000, affine=False),  # no parameters: the paper's count
    )


def efficientnet_lite_fusion(*, pretrained: bool = True) -> FusionAutoencoder:
    """With EfficientNet-Lite0, which names nearly twice as many gray photographs.

    (:func:`~colorize_lib.models.pretrained.lite_classifier`; 4,652,008 parameters, all
    frozen.) Heard as in :func:`squeezenet_fusion`.
    """
    return FusionAutoencoder(
        lite_classifier(pretrained=pretrained),
        listen=nn.BatchNorm1d(1000, affine=False),
    )


def silenced(network: FusionAutoencoder) -> FusionAutoencoder:
    """The same network, weights and all, hearing zeros: what the logits are worth."""
    network.classifier = Frozen(NoLogits())
    return network


def silenced_fusion() -> FusionAutoencoder:
    """:func:`efficientnet_lite_fusion` with the same first weights, silenced."""
    return silenced(efficientnet_lite_fusion(pretrained=False))


class NoLogits(nn.Module):
    """In a classifier's place: a thousand zeros, without a look."""

    def forward(self, l: Tensor) -> Tensor:
        """l ``(B, 1, H, W)`` to zeros ``(B, 1000)``."""
        return l.new_zeros(len(l), 1000)


class Frozen(nn.Module):
    """A network that is used but not trained, and not stored with what is.

    Its parameters and BatchNorm statistics stay as they are: it does not count as a
    part, so neither ``parameters()`` nor ``state_dict()`` nor ``train()`` reaches it.
    (``requires_grad_(False)`` alone would let BatchNorm go on averaging.) Only moves to
    a device or type do.
    """

    def __init__(self, network: nn.Module):
        super().__init__()
        # In a tuple a module is no submodule.
        self.hidden = (network.requires_grad_(False).eval(),)

    @property
    def network(self) -> nn.Module:
        """What is frozen."""
        return self.hidden[0]

    @torch.no_grad()
    def forward(self, x: Tensor) -> Tensor:
        """Its answer, without a gradient."""
        return self.network(x)

    def _apply(self, fn, recurse=True):
        self.network._apply(fn, recurse)
        return super()._apply(fn, recurse)


def _conv(channels_in, channels_out, stride=1):
    return (
        nn.Conv2d(channels_in, channels_out, kernel_size=3, stride=stride, padding=1),
        nn.ReLU(inplace=True),
    )

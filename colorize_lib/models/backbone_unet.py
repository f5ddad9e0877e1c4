"""A U-Net whose encoder is a classifier that others trained.

The encoder is their network, untouched: its features of a gray photograph are the
original's, which a test proves for each source. Taught in chapter 5.
"""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from colorize_lib.models.parts import (
    GrayPhotograph,
    Stages,
    check_build,
    check_input,
    enlarge,
)
from colorize_lib.models.pretrained import (
    IMAGENET_MEAN,
    IMAGENET_STD,
    LITE_MEAN,
    LITE_STD,
    efficientnet_lite,
    timm_network,
    torchvision_network,
)

SMALLEST = 32  # pixels of a side: what is left after five halvings is one pixel


class Backbone(nn.Module):
    """The convolutional trunk of a classifier: l ``(B, 1, H, W)`` to its feature maps.

    Args:
        stages: ``(B, 3, H, W)`` to the maps, largest first, each half as large as the
            one before; as :class:`~colorize_lib.models.parts.Stages`.
        channels: of each map.
        magnify: how many times its input is enlarged. At 2, a first layer that halves
            sees every pixel, and things look as large as in the photographs that it was
            trained on, at four times the cost.
        extra: pixels that a first convolution without padding would lose: with as many
            more its maps are exactly a half, a quarter...
        mean, std: of its training pictures, see
            :class:`~colorize_lib.models.parts.GrayPhotograph`.
    """

    def __init__(
        self,
        stages: nn.Module,
        channels: Sequence[int],
        magnify: int = 1,
        extra: int = 0,
        *,
        mean: Sequence[float] = IMAGENET_MEAN,
        std: Sequence[float] = IMAGENET_STD,
    ):
        super().__init__()
        self.see = GrayPhotograph(mean, std)
        self.stages, self.channels = stages, list(channels)
        self.magnify, self.extra = magnify, extra
        self.train()  # which is no training here

    def forward(self, l: Tensor) -> list[Tensor]:
        """l ``(B, 1, H, W)`` to its feature maps, largest first."""
        x = self.see(l)
        size = [n * self.magnify + self.extra for n in l.shape[2:]]
        if size != list(l.shape[2:]):
            x = F.interpolate(x, size, mode="bilinear")
        return self.stages(x)

    def freeze(self) -> "Backbone":
        """Train the decoder alone: a third faster, and little data cannot spoil it."""
        return self.requires_grad_(False)

    def train(self, mode: bool = True) -> "Backbone":
        """Stay in evaluation mode: the statistics of BatchNorm are pretrained too.

        Those of a few gray photographs a batch would be worse.
        """
        return super().train(False)


class BackboneUNet(nn.Module):
    """l ``(B, 1, H, W)`` to ab ``(B, 2, H, W)``, both in [-1, 1]; any H, W from 32 on.

    Maps are resized to their neighbor's size bilinearly, so odd sizes work, and no
    kernel can draw a checkerboard. The last block sees l itself at full size, or is
    left out: the eye wants detail in lightness, not in color, and it costs most.

    Args:
        backbone: the encoder.
        widths: channels of the decoder: at the bottom, then after each merge. With
            fewer of them it stops at a coarser map, whose colors are enlarged.
        norm: made as ``norm(channels)``.
        carry: as for :class:`~colorize_lib.models.unet.UNet`.

    Raises:
        ValueError: widths that do not fit the backbone; not one channel, or a side
            below 32.
        TypeError: no :class:`Backbone`; ``norm`` or ``carry`` make no layers.
    """

    def __init__(
        self,
        backbone: Backbone,
        widths: Sequence[int],
        *,
        norm: Callable[[int], nn.Module] = nn.BatchNorm2d,
        carry: Callable[[], nn.Module] = nn.Identity,
    ):
        super().__init__()
        if not isinstance(backbone, Backbone):
            raise TypeError(
                f"backbone must be a Backbone, not {type(backbone).__name__}; "
                "backbone_unet(name) makes one"
            )
        check_build(widths, norm=norm, carry=carry)
        *skips, bottom = backbone.channels
        if not 1 <= len(widths) <= len(skips) + 2:
            raise ValueError(
                f"the backbone has maps of {', '.join(map(str, backbone.channels))} "
                f"channels: give {len(skips) + 2} widths or fewer, not {len(widths)}"
            )
        self.encoder = backbone
        self.carry = carry()
        self.bottom = _block(bottom, widths[0], norm)
        # What came up, and what came across; at the end l itself.
        across = [*reversed(skips), 1]
        self.merges = nn.ModuleList(
            _block(below + skip, width, norm)
            for below, skip, width in zip(widths, across, widths[1:], strict=False)
        )
        self.color = nn.Sequential(nn.Conv2d(widths[-1], 2, kernel_size=1), nn.Tanh())

    def forward(self, l: Tensor) -> Tensor:
        """Predict the colors."""
        check_input(l, multiple_of=1, at_least=SMALLEST)
        skips = [l, *self.encoder(l)]
        x = self.bottom(skips.pop())
        for merge in self.merges:
            skip = self.carry(skips.pop())
            x = merge(torch.cat([enlarge(x, skip.shape[2:]), skip], dim=1))
        ab = self.color(x)
        stopped_early = bool(skips)
        return enlarge(ab, l.shape[2:]) if stopped_early else ab


def backbone_unet(name: str = "resnet18", *, pretrained: bool = False) -> BackboneUNet:
    """A :class:`BackboneUNet` on any convolutional network of timm's, by name.

    Args:
        name: as ``"mobilenetv3_small_100"``.
        pretrained: with ImageNet weights in the encoder.

    Raises:
        ValueError: timm has no such network, or its maps do not halve step by step.
        WeightsUnavailableError: timm or the weights are missing.
    """
    network = timm_network(name, pretrained=pretrained, features_only=True)
    channels, shrunk = network.feature_info.channels(), network.feature_info.reduction()
    halves = [2 * n for n in shrunk[:-1]] == shrunk[1:]
    if not halves or getattr(network, "output_fmt", "NCHW") != "NCHW":
        raise ValueError(
            f"the maps of {name!r} are not (B, C, H, W), each half as large as the one "
            f"before (they are reduced {shrunk} times): take a convolutional network"
        )
    about = network.pretrained_cfg
    backbone = Backbone(network, channels, mean=about["mean"], std=about["std"])
    # From 32 channels at full size, where they are expensive, to 256 at the bottom.
    widths = (512, 384, 256, 192, 128, 96, 64, 32)
    return BackboneUNet(backbone, widths[-1 - len(channels) :])


def resnet18_unet(*, pretrained: bool = False) -> BackboneUNet:
    """A :class:`BackboneUNet` on ResNet18 (He et al., 2016), which timm builds."""
    return backbone_unet("resnet18", pretrained=pretrained)


def squeezenet_unet(*, pretrained: bool = False) -> BackboneUNet:
    """A :class:`BackboneUNet` on SqueezeNet 1.1 (Iandola et al., 2016): small, no norm.

    SqueezeNet halves at once, so it is shown the photograph at twice its size.
    """
    layers = torchvision_network("squeezenet1_1", pretrained=pretrained).features
    stages = Stages([layers[:2], layers[2:5], layers[5:8], layers[8:]])
    # Its first convolution, three pixels wide in steps of two, has no padding.
    backbone = Backbone(stages, (64, 128, 256, 512), magnify=2, extra=1)
    return BackboneUNet(backbone, widths=(320, 192, 96, 48, 24))


def efficientnet_lite_unet(
    lite: int = 0,
    widths: Sequence[int] = (256, 192, 128, 64, 32),
    *,
    pretrained: bool = False,
) -> BackboneUNet:
    """A :class:`BackboneUNet` on an EfficientNet-Lite (Tan and Le, 2019; Liu, 2020).

    It knows more than SqueezeNet, and the whole needs a tenth of the multiplications:
    it sees the photograph at its own size, and predicts colors at half of it.

    Args:
        lite: which of them, 0, 1 or 2.
        widths: of the decoder, see :class:`BackboneUNet`.
        pretrained: with ImageNet weights in the encoder.

    Raises:
        WeightsUnavailableError: its package is missing.
    """
    network = efficientnet_lite(lite, pretrained=pretrained)
    backbone = Backbone(network.stages, network.channels, mean=LITE_MEAN, std=LITE_STD)
    return BackboneUNet(backbone, widths)


def _block(channels_in, channels_out, norm):
    return nn.Sequential(
        nn.Conv2d(channels_in, channels_out, kernel_size=3, padding=1),
        norm(channels_out),
        nn.ReLU(inplace=True),
    )

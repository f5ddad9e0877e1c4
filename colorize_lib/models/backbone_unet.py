"""A U-Net whose encoder is a classifier that others trained: ResNet, SqueezeNet...

The encoder is torchvision's network, untouched: its features of a gray photograph are
the original's, which a test proves. Taught in chapter 5.
"""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from colorize_lib.models.parts import GrayPhotograph, check_build, check_input
from colorize_lib.models.pretrained import (
    IMAGENET_MEAN,
    IMAGENET_STD,
    LITE_MEAN,
    LITE_STD,
    efficientnet_lite,
    torchvision_network,
)

SMALLEST = 32  # pixels of a side: what is left after five halvings is one pixel


class Backbone(nn.Module):
    """The convolutional trunk of a classifier, cut where its maps become smaller.

    Args:
        network: one of torchvision's whose layers follow one another: with
            ``features`` (SqueezeNet, MobileNet, VGG, EfficientNet, DenseNet,
            ConvNeXt...) or ending in pooling and one linear layer (ResNet, ResNeXt,
            RegNet...).
        mean, std: of its training pictures, see
            :class:`~colorize_lib.models.parts.GrayPhotograph`.
        magnify: how many times its input is enlarged. At 2, a first layer that halves
            sees every pixel, and things look as large as in the photographs that it was
            trained on, at four times the cost.

    Attributes:
        channels: of each feature map, largest map first.

    Raises:
        ValueError: a network of another build.
    """

    def __init__(
        self,
        network: nn.Module,
        magnify: int = 1,
        *,
        mean: Sequence[float] = IMAGENET_MEAN,
        std: Sequence[float] = IMAGENET_STD,
    ):
        super().__init__()
        self.see = GrayPhotograph(mean, std)
        self.stages, self.channels = _stages(_trunk(network))
        self.magnify = magnify
        # Without padding, a first convolution wider than its stride loses some pixels
        # (SqueezeNet's): as many more keep its maps at exactly a half, a quarter...
        first = next(m for m in network.modules() if isinstance(m, nn.Conv2d))
        kernel, stride = first.kernel_size[0], first.stride[0]
        loses = first(torch.zeros(1, 3, 224, 224)).shape[-1] * stride < 224
        self.extra = kernel - stride if loses else 0

    def forward(self, l: Tensor) -> list[Tensor]:
        """l ``(B, 1, H, W)`` to its feature maps, largest first."""
        x = self.see(l)
        size = [n * self.magnify + self.extra for n in l.shape[2:]]
        if size != list(l.shape[2:]):
            x = F.interpolate(x, size, mode="bilinear")
        maps = []
        for stage in self.stages:
            x = stage(x)
            maps.append(x)
        return maps

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
        backbone: from gray photograph to maps; :func:`resnet18_unet` and
            :func:`squeezenet_unet` choose one.
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
                "give Backbone(network), or take backbone_unet(name)"
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
        """Predict ab from l; both as for the class."""
        check_input(l, multiple_of=1, at_least=SMALLEST)
        skips = [l, *self.encoder(l)]
        x = self.bottom(skips.pop())
        for merge in self.merges:
            skip = self.carry(skips.pop())
            x = F.interpolate(x, skip.shape[2:], mode="bilinear")
            x = merge(torch.cat([x, skip], dim=1))
        ab = self.color(x)
        stopped_early = bool(skips)
        return F.interpolate(ab, l.shape[2:], mode="bilinear") if stopped_early else ab


def backbone_unet(name: str = "resnet18", *, pretrained: bool = False) -> BackboneUNet:
    """A :class:`BackboneUNet` on any network that :class:`Backbone` takes, by name.

    Args:
        name: as ``"mobilenet_v3_small"``.
        pretrained: with ImageNet weights in the encoder.

    Raises:
        ValueError, WeightsUnavailableError: see :func:`.torchvision_network`.
    """
    backbone = Backbone(torchvision_network(name, pretrained=pretrained))
    # From 32 channels at full size, where they are expensive, to 256 at the bottom.
    widths = (512, 384, 256, 192, 128, 96, 64, 32)
    return BackboneUNet(backbone, widths[-1 - len(backbone.channels) :])


def resnet18_unet(*, pretrained: bool = False) -> BackboneUNet:
    """A :class:`BackboneUNet` on ResNet18 (He et al., 2016)."""
    return backbone_unet("resnet18", pretrained=pretrained)


def squeezenet_unet(*, pretrained: bool = False) -> BackboneUNet:
    """A :class:`BackboneUNet` on SqueezeNet 1.1 (Iandola et al., 2016): small, no norm.

    SqueezeNet halves at once, so it is shown the photograph at twice its size.
    """
    network = torchvision_network("squeezenet1_1", pretrained=pretrained)
    return BackboneUNet(Backbone(network, magnify=2), widths=(320, 192, 96, 48, 24))


def efficientnet_lite_unet(*, pretrained: bool = False) -> BackboneUNet:
    """A :class:`BackboneUNet` on EfficientNet-Lite0 (Tan and Le, 2019; Liu, 2020).

    It knows more than SqueezeNet, and the whole needs a tenth of the multiplications:
    it sees the photograph at its own size, and predicts colors at half of it.
    """
    network = efficientnet_lite(pretrained=pretrained)
    # The last layer makes 1,280 maps of 320 for the classifier: no color needs them.
    del network.features[-1]
    backbone = Backbone(network, mean=LITE_MEAN, std=LITE_STD)
    return BackboneUNet(backbone, widths=(256, 192, 128, 64, 32))


def _trunk(network):
    """The layers before pooling and classification, in order."""
    if not isinstance(network, nn.Module):
        raise TypeError(
            f"network must be one of torchvision's, not {network!r}; of a name "
            "torchvision_network(name) makes one"
        )
    if isinstance(getattr(network, "features", None), nn.Sequential):
        return list(network.features)
    if hasattr(network, "trunk_output"):  # RegNet's stages, one level further in
        return [network.stem, *network.trunk_output]
    *layers, pool, last = network.children()
    if not (isinstance(pool, nn.AdaptiveAvgPool2d) and isinstance(last, nn.Linear)):
        raise ValueError(
            f"{type(network).__name__} has neither `features` nor pooling and one "
            "linear layer at its end: its layers cannot be taken in order"
        )
    return layers


@torch.no_grad()
def _stages(layers):
    """Cut before each layer that shrinks the map, and count the channels there."""
    groups, channels = [[]], []
    x = torch.zeros(1, 3, 224, 224)
    for layer in layers:
        layer.eval()  # or BatchNorm would average the zeros in
        smaller = layer(x)
        if smaller.shape[-2] != smaller.shape[-1]:  # Swin's have their channels last
            raise ValueError(
                f"{type(layer).__name__} gives maps of shape {tuple(smaller.shape)}, "
                "not (B, C, H, W): its network cannot be a backbone"
            )
        if smaller.shape[-1] < x.shape[-1] and x.shape[-1] < 224:
            channels.append(x.shape[1])
            groups.append([])
        groups[-1].append(layer)
        x = smaller
    channels.append(x.shape[1])
    return nn.ModuleList(nn.Sequential(*group) for group in groups), channels


def _block(channels_in, channels_out, norm):
    return nn.Sequential(
        nn.Conv2d(channels_in, channels_out, kernel_size=3, padding=1),
        norm(channels_out),
        nn.ReLU(inplace=True),
    )

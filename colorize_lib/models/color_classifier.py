"""A colorizer that chooses: a probability for each color bin instead of one color.

Zhang, Isola and Efros, "Colorful Image Colorization" (2016), on any network of the
book. Taught in chapter 10.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from colorize_lib.color import AB_SCALE
from colorize_lib.color_bins import (
    ANNEALING,
    annealed_mean,
    gamut_bins,
    undo_rebalancing,
)
from colorize_lib.models.backbone_unet import BackboneUNet, squeezenet_unet
from colorize_lib.models.parts import last_layer

# The paper leaves all weights in (0) and is vivid; the true probabilities (1) are pale.
# Of quarters, a half is the vividest that is nearer than gray: tools/read_odds.py, on
# validation photographs.
DIVIDED_OUT = 0.5


class ColorClassifier(nn.Module):
    """l ``(B, 1, H, W)`` to ab ``(B, 2, H, W)``, by probabilities of color bins.

    Args:
        network: a colorizer of the book, whose last layer is replaced: in front of its
            tanh, instead of a and b, one output a bin.
        bins: their centers in Lab units, ``(Q, 2)``; :func:`.gamut_bins` by default.
        stride: one answer for squares of so many pixels a side, at a fraction of the
            cost. Eyes do not mind: colors may be blurred where lightness is not.

    Attributes:
        classifier: l to logits ``(B, Q, H / stride, W / stride)``; what is trained.
        bins: as given; they lie in the weight file, too.
        weights: what each bin counted in training, ``(Q,)``, to undo it.
        temperature: of the annealed mean by which :meth:`forward` decides.
        divided_out: how much of the weights is taken out before that.

    Raises:
        ValueError: the network does not end in two channels and a tanh, or bins of
            another shape.
    """

    def __init__(
        self,
        network: nn.Module,
        bins: Tensor | None = None,
        *,
        stride: int = 1,
        temperature: float = ANNEALING,
        divided_out: float = DIVIDED_OUT,
    ):
        super().__init__()
        bins = gamut_bins() if bins is None else bins
        if bins.ndim != 2 or bins.shape[1] != 2:
            raise ValueError(
                f"bins must be (Q, 2), an a and a b each, not {tuple(bins.shape)}"
            )
        self.register_buffer("bins", bins)
        self.register_buffer("weights", torch.ones(len(self.bins)))
        self.classifier = _with_outputs(network, len(self.bins), stride)
        self.temperature, self.divided_out = temperature, divided_out
        if hasattr(network, "sides_divisible_by"):
            self.sides_divisible_by = network.sides_divisible_by

    def forward(self, l: Tensor) -> Tensor:
        """The annealed mean of the bins, in [-1, 1]."""
        logits = self.classifier(l).float()
        logits = undo_rebalancing(logits, self.weights, self.divided_out)
        ab = annealed_mean(logits, self.bins, self.temperature)
        if ab.shape[2:] != l.shape[2:]:
            ab = F.interpolate(ab, l.shape[2:], mode="bilinear")
        return ab / AB_SCALE

    @property
    def last_layer(self) -> nn.Conv2d | nn.ConvTranspose2d:
        """The one that gives the logits."""
        layers, bins = self.classifier.modules(), len(self.bins)
        return [x for x in layers if getattr(x, "out_channels", 0) == bins][-1]

    @property
    def encoder(self) -> nn.Module:
        """That of the network, where it has one, to be frozen."""
        return self.classifier.encoder


def squeezenet_color_classifier(
    network: BackboneUNet | None = None, *, pretrained: bool = False
) -> ColorClassifier:
    """A :class:`ColorClassifier` on the SqueezeNet U-Net, with a stride of 2.

    Args:
        network: a trained one to go on with, which is changed; a fresh one by default.
        pretrained: of a fresh one, with ImageNet weights in the encoder.
    """
    network = network or squeezenet_unet(pretrained=pretrained)
    return ColorClassifier(network, stride=2)


def _with_outputs(network, outputs, stride):
    """Replace the layer of two channels in front of the tanh, and the tanh."""
    layers, i = last_layer(network)
    old = layers[i]
    # Of a convolution and of a transposed one, the first five arguments.
    last = type(old)(old.in_channels, outputs, old.kernel_size, old.stride, old.padding)
    nn.init.zeros_(last.bias)  # all bins alike...
    nn.init.normal_(last.weight, std=0.01)  # ...or nearly so
    layers[i] = nn.Sequential(nn.AvgPool2d(stride), last)
    layers[i + 1] = nn.Identity()
    return network

"""EfficientNet-Lite: what a small network can know of a photograph. Used in chapter 5.

Tan and Le, "EfficientNet" (2019), table 1, without its squeeze-and-excitation and with
ReLU6 (Liu, "Higher accuracy on vision models with EfficientNet-Lite", 2020).
"""

import math

from torch import Tensor, nn
from torch.nn import functional as F

from colorize_lib.models.parts import Stages

# Of each group of blocks: the kernel, the first block's stride, how much wider inside.
GROUPS = ((3, 1, 1), (3, 2, 6), (5, 2, 6), (3, 2, 6), (5, 1, 6), (5, 2, 6), (3, 1, 6))
# Of Lite0, Lite1, Lite2: pixels of its training, blocks of each group, their channels.
LITES = (
    (224, (1, 2, 2, 3, 3, 4, 1), (16, 24, 40, 80, 112, 192, 320)),
    (240, (1, 3, 3, 4, 4, 5, 1), (16, 24, 40, 80, 112, 192, 320)),
    (260, (1, 3, 3, 4, 4, 5, 1), (16, 24, 48, 88, 120, 208, 352)),
)
STEM, HEAD = 32, 1280


class EfficientNetLite(nn.Module):
    """``(B, 3, H, W)`` to the logits of ImageNet's classes, ``(B, 1000)``.

    Pictures are normalized by a mean and a standard deviation of 0.5.

    Args:
        lite: 0, 1 or 2; the larger, the slower, and the more it knows.

    Attributes:
        stages: pictures to five feature maps, each half as large as the one before.
        channels: of each map.
        size: pixels of the squares that it was trained on.
    """

    def __init__(self, lite: int = 0):
        super().__init__()
        self.size, depths, widths = LITES[lite]
        stages, n = [[_layer(3, STEM, kernel=3, stride=2)]], STEM
        self.channels: list[int] = []
        for (kernel, stride, wider), depth, m in zip(
            GROUPS, depths, widths, strict=True
        ):
            if stride == 2:
                self.channels.append(n)
                stages.append([])
            for i in range(depth):
                stages[-1].append(MBConv(n, m, kernel, 1 if i else stride, wider))
                n = m
        self.channels.append(n)
        self.stages = Stages(stages)
        self.head = _layer(n, HEAD)
        self.classifier = nn.Linear(HEAD, 1000)

    def forward(self, x: Tensor) -> Tensor:
        """Name what is in the pictures."""
        return self.classifier(self.head(self.stages(x)[-1]).mean(dim=(2, 3)))


class MBConv(nn.Module):
    """Wider, a convolution of each channel by itself, narrower: cheap, and deep.

    ``(B, n, H, W)`` to ``(B, m, H/stride, W/stride)`` (Sandler et al., "MobileNetV2:
    inverted residuals and linear bottlenecks", 2018).

    Args:
        n, m: channels before and after.
        kernel, stride: of the convolution in the middle.
        wider: how many times it is wider there.
    """

    def __init__(self, n: int, m: int, kernel: int, stride: int, wider: int):
        super().__init__()
        layers = [_layer(n, n * wider)] if wider > 1 else []
        layers.append(_layer(n * wider, n * wider, kernel, stride, groups=n * wider))
        self.layers = nn.Sequential(*layers, _layer(n * wider, m, active=False))
        self.is_residual = stride == 1 and n == m

    def forward(self, x: Tensor) -> Tensor:
        """Convolve."""
        return x + self.layers(x) if self.is_residual else self.layers(x)


class SameConv2d(nn.Conv2d):
    """A convolution padded as TensorFlow pads: one side more, if it must be.

    PyTorch's own padding is symmetric. Where a stride of 2 meets an even side, that
    would put every kernel half a step aside of where these weights were trained.
    """

    def forward(self, x: Tensor) -> Tensor:
        """``(B, C, H, W)`` to the next larger whole of H / stride, W / stride."""
        return self.convolve(x, self.weight, self.bias)

    def convolve(self, x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        """Convolve by these weights, padded as TensorFlow pads."""
        sizes = zip(x.shape[2:], self.kernel_size, self.stride, strict=True)
        totals = [
            max((math.ceil(n / stride) - 1) * stride + kernel - n, 0)
            for n, kernel, stride in sizes
        ]
        halves = [(total + 1) // 2 for total in totals]
        # Where the sides cannot be equal, zeros before the kernel shift it: to pad the
        # picture with one row more would copy it, a third of the whole network's time.
        down, right = (total % 2 for total in totals)
        weight = F.pad(weight, (right, 0, down, 0))  # which begins with the width
        return F.conv2d(x, weight, bias, self.stride, halves, groups=self.groups)


class _Normalized(nn.Sequential):
    """A convolution, BatchNorm, and perhaps more."""

    def forward(self, x: Tensor) -> Tensor:
        """One step less where the statistics stand still."""
        conv, norm, *after = self
        if norm.training:
            return super().forward(x)
        # Then it is a factor and an offset of each channel, which the convolution can
        # do beside: a third less time.
        factor = norm.weight * (norm.running_var + norm.eps).rsqrt()
        offset = norm.bias - norm.running_mean * factor
        x = conv.convolve(x, conv.weight * factor.view(-1, 1, 1, 1), offset)
        return after[0](x) if after else x


def _layer(n, m, kernel=1, stride=1, groups=1, active=True):
    conv = SameConv2d(n, m, kernel, stride, groups=groups, bias=False)
    after = [nn.ReLU6(inplace=True)] if active else []
    return _Normalized(conv, nn.BatchNorm2d(m, eps=1e-3), *after)

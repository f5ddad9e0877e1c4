"""EfficientNet-Lite0: what a small network can know of a photograph. Used in chapter 5.

Tan and Le, "EfficientNet" (2019), table 1, without its squeeze-and-excitation and with
ReLU6 (Liu, "Higher accuracy on vision models with EfficientNet-Lite", 2020).
"""

import math

from torch import Tensor, nn
from torch.nn import functional as F

# A stage's blocks: how many, the kernel, the first one's stride, how much wider they
# are inside, channels.
STAGES = (
    (1, 3, 1, 1, 16),
    (2, 3, 2, 6, 24),
    (2, 5, 2, 6, 40),
    (3, 3, 2, 6, 80),
    (3, 5, 1, 6, 112),
    (4, 5, 2, 6, 192),
    (1, 3, 1, 6, 320),
)
STEM, HEAD = 32, 1280


class EfficientNetLite(nn.Module):
    """``(B, 3, H, W)`` to the logits of ImageNet's classes, ``(B, 1000)``.

    Pictures are normalized by a mean and a standard deviation of 0.5. It was trained on
    squares of 224 pixels.
    """

    def __init__(self):
        super().__init__()
        layers, channels = [_layer(3, STEM, kernel=3, stride=2)], STEM
        for count, kernel, stride, expansion, width in STAGES:
            for n in range(count):
                layers.append(
                    MBConv(channels, width, kernel, stride if n == 0 else 1, expansion)
                )
                channels = width
        self.features = nn.Sequential(*layers, _layer(channels, HEAD))
        self.classifier = nn.Linear(HEAD, 1000)

    def forward(self, x: Tensor) -> Tensor:
        """As for the class."""
        return self.classifier(self.features(x).mean(dim=(2, 3)))


class MBConv(nn.Module):
    """Wider, a convolution of each channel by itself, narrower: cheap, and deep.

    (Sandler et al., "MobileNetV2: inverted residuals and linear bottlenecks", 2018.)

    Args:
        channels_in, channels_out: before and after.
        kernel, stride: of the convolution in the middle.
        expansion: how many times wider it is there.
    """

    def __init__(
        self,
        channels_in: int,
        channels_out: int,
        kernel: int,
        stride: int,
        expansion: int,
    ):
        super().__init__()
        wide = channels_in * expansion
        layers = [_layer(channels_in, wide)] if expansion > 1 else []
        layers.append(_layer(wide, wide, kernel, stride, groups=wide))
        layers.append(_layer(wide, channels_out, active=False))
        self.layers = nn.Sequential(*layers)
        self.is_residual = stride == 1 and channels_in == channels_out

    def forward(self, x: Tensor) -> Tensor:
        """``(B, channels_in, H, W)`` to ``(B, channels_out, H/stride, W/stride)``."""
        return x + self.layers(x) if self.is_residual else self.layers(x)


class SameConv2d(nn.Conv2d):
    """A convolution padded as TensorFlow pads: one side more, if it must be.

    PyTorch's own padding is symmetric. Where a stride of 2 meets an even side, that
    would put every kernel half a step aside of where these weights were trained.
    """

    def forward(self, x: Tensor) -> Tensor:
        """``(B, C, H, W)`` to the next larger whole of H / stride, W / stride."""
        pads = []
        sizes = zip(x.shape[2:], self.kernel_size, self.stride, strict=True)
        for n, kernel, stride in sizes:
            total = max((math.ceil(n / stride) - 1) * stride + kernel - n, 0)
            pads = [
                total // 2,
                total - total // 2,
                *pads,
            ]  # F.pad begins with the width
        return super().forward(F.pad(x, pads) if any(pads) else x)


def _layer(channels_in, channels_out, kernel=1, stride=1, groups=1, active=True):
    layers = [
        SameConv2d(
            channels_in, channels_out, kernel, stride, groups=groups, bias=False
        ),
        nn.BatchNorm2d(channels_out, eps=1e-3),
    ]
    return nn.Sequential(*layers, *([nn.ReLU6(inplace=True)] if active else []))

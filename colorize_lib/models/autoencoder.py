"""Two convolutional autoencoders: a few numbers at the bottleneck, then the colors.

Taught in chapter 3.
"""

from torch import Tensor, nn

from colorize_lib.models.parts import check_input


class Autoencoder(nn.Module):
    """l ``(B, 1, H, W)`` to ab ``(B, 2, H, W)``, in [-1, 1]; sides multiples of 8.

    From the family that students' projects build on; 4,756,770 parameters.

    Raises:
        ValueError: another number of channels, or a size that 8 does not divide.
    """

    def __init__(self):
        super().__init__()
        # Strides instead of pooling: the network learns what to keep at each halving.
        self.encoder = nn.Sequential(  # 1 x 224 x 224
            *_conv(1, 64),
            *_conv(64, 128, stride=2),  # 128 x 112 x 112
            *_conv(128, 256),
            *_conv(256, 256, stride=2),  # 256 x 56 x 56
            *_conv(256, 256),
            *_conv(256, 256, stride=2),  # 256 x 28 x 28: the bottleneck
            # An even kernel has no middle: one side gets a pixel more to keep the size.
            nn.ZeroPad2d((1, 2, 1, 2)),
            nn.Conv2d(256, 256, kernel_size=4),
            nn.ReLU(inplace=True),
            *_conv(256, 256),
            *_conv(256, 256),
            *_conv(256, 128),  # 128 x 28 x 28
        )
        self.decoder = nn.Sequential(
            nn.Upsample(scale_factor=2),
            *_conv(128, 64),  # 64 x 56 x 56
            nn.Upsample(scale_factor=2),
            *_conv(64, 32),  # 32 x 112 x 112
            nn.Conv2d(32, 2, kernel_size=3, padding=1),
            # Not ReLU, as some copies have it: a and b must be able to turn negative
            # (green, blue).
            nn.Tanh(),
            nn.Upsample(scale_factor=2),  # 2 x 224 x 224
        )

    def forward(self, l: Tensor) -> Tensor:
        """Predict the colors."""
        check_input(l, multiple_of=8)
        return self.decoder(self.encoder(l))


class ResidualAutoencoder(nn.Module):
    """l ``(B, 1, H, W)`` to ab ``(B, 2, H, W)``, in [-1, 1]; sides multiples of 16.

    As many parameters, 4,715,954, spent otherwise: BatchNorm and residual blocks (He et
    al., "Deep Residual Learning", 2016) let it be deeper; its bottleneck is a sixteenth
    as wide, with dilated convolutions, so it looks wider; and with 32 channels at full
    size it is cheap: .38 instead of .92 GMAC for 64 x 64 pixels. Trained by the same
    recipe on the same photographs it scores no better than the plain one.

    Raises:
        ValueError: another number of channels, or a size that 16 does not divide.
    """

    def __init__(self):
        super().__init__()
        self.encoder = nn.Sequential(  # 1 x 256 x 256
            _normed(1, 32),
            _normed(32, 64, stride=2),  # 64 x 128 x 128
            ResidualBlock(64),
            _normed(64, 96, stride=2),  # 96 x 64 x 64
            ResidualBlock(96),
            _normed(96, 160, stride=2),  # 160 x 32 x 32
            ResidualBlock(160),
            ResidualBlock(160),
            _normed(160, 216, stride=2),  # 216 x 16 x 16: the bottleneck
            # What is this a picture of? Dilation sees far at no extra cost.
            ResidualBlock(216, dilation=1),
            ResidualBlock(216, dilation=2),
            ResidualBlock(216, dilation=4),
        )
        self.decoder = nn.Sequential(
            _enlarge(),
            _normed(216, 160),  # 160 x 32 x 32
            _enlarge(),
            _normed(160, 96),  # 96 x 64 x 64
            _enlarge(),
            _normed(96, 64),  # 64 x 128 x 128
            nn.Conv2d(64, 2, kernel_size=3, padding=1),
            nn.Tanh(),
            _enlarge(),  # 2 x 256 x 256
        )

    def forward(self, l: Tensor) -> Tensor:
        """Predict the colors."""
        check_input(l, multiple_of=16)
        return self.decoder(self.encoder(l))


class ResidualBlock(nn.Module):
    """Two convolutions that learn what to add to their input, ``(B, C, H, W)``."""

    def __init__(self, channels: int, dilation: int = 1):
        super().__init__()
        self.change = nn.Sequential(
            _normed(channels, channels, dilation=dilation),
            nn.Conv2d(channels, channels, kernel_size=3, padding=1, bias=False),
            nn.BatchNorm2d(channels),
        )

    def forward(self, x: Tensor) -> Tensor:
        """Add the learned change."""
        return nn.functional.relu(x + self.change(x))


def _conv(n, m, stride=1):
    return nn.Conv2d(n, m, 3, stride, padding=1), nn.ReLU(inplace=True)


def _normed(n, m, stride=1, dilation=1):
    # No bias: BatchNorm would subtract it again.
    conv = nn.Conv2d(n, m, 3, stride, dilation, dilation, bias=False)
    return nn.Sequential(conv, nn.BatchNorm2d(m), nn.ReLU(inplace=True))


def _enlarge():
    return nn.Upsample(scale_factor=2, mode="bilinear")

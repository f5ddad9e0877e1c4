"""A convolutional autoencoder from the family that students' projects build on.

It squeezes the picture to a few numbers, then draws the color from them, with 4,756,770
parameters. Taught in chapter 3.
"""

from torch import Tensor, nn

from colorize_lib.models.parts import check_input


class Autoencoder(nn.Module):
    """l ``(B, 1, H, W)`` to ab ``(B, 2, H, W)``, both in [-1, 1].

    H and W are multiples of 8.

    Raises:
        ValueError: not one channel, or a size that three halvings do not divide.
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
        """Predict ab from l; both as for the class."""
        check_input(l, multiple_of=8)
        return self.decoder(self.encoder(l))


def _conv(channels_in, channels_out, stride=1):
    return (
        nn.Conv2d(channels_in, channels_out, kernel_size=3, stride=stride, padding=1),
        nn.ReLU(inplace=True),
    )

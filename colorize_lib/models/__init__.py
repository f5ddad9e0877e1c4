"""The networks, an architecture a file.

Colorizers take l ``(B, 1, H, W)`` and return ab ``(B, 2, H, W)``.
"""

from colorize_lib.models.autoencoder import Autoencoder
from colorize_lib.models.residual_autoencoder import ResidualAutoencoder

__all__ = ["COLORIZERS", "Autoencoder", "ResidualAutoencoder"]

# The names under which weight files and recipes know the networks.
COLORIZERS = {
    "autoencoder": Autoencoder,
    "residual_autoencoder": ResidualAutoencoder,
}

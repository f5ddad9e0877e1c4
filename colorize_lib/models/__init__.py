"""The networks, an architecture a file.

Colorizers take l ``(B, 1, H, W)`` and return ab ``(B, 2, H, W)``.
"""

from functools import partial

from colorize_lib.models.autoencoder import Autoencoder, ResidualAutoencoder
from colorize_lib.models.backbone_unet import (
    Backbone,
    BackboneUNet,
    backbone_unet,
    efficientnet_lite_unet,
    resnet18_unet,
    squeezenet_unet,
)
from colorize_lib.models.color_classifier import (
    ColorClassifier,
    squeezenet_color_classifier,
)
from colorize_lib.models.fusion import (
    FusionAutoencoder,
    efficientnet_lite_fusion,
    inception_fusion,
    silenced_fusion,
    squeezenet_fusion,
)
from colorize_lib.models.parts import boost_chroma
from colorize_lib.models.patchgan import PatchGAN
from colorize_lib.models.pix2pix_unet import Pix2PixUNet
from colorize_lib.models.unet import UNet
from colorize_lib.slips import Named

__all__ = [
    "COLORIZERS",
    "Autoencoder",
    "Backbone",
    "BackboneUNet",
    "ColorClassifier",
    "FusionAutoencoder",
    "PatchGAN",
    "Pix2PixUNet",
    "ResidualAutoencoder",
    "UNet",
    "backbone_unet",
    "boost_chroma",
    "efficientnet_lite_fusion",
    "efficientnet_lite_unet",
    "inception_fusion",
    "resnet18_unet",
    "silenced_fusion",
    "squeezenet_color_classifier",
    "squeezenet_fusion",
    "squeezenet_unet",
]

# By the names of weight files and recipes. Called without arguments they give what a
# weight file completes: an encoder starts at random, since its numbers are read from a
# file; the classifier of a fusion is in none, so it comes pretrained.
COLORIZERS = Named(
    {
        "autoencoder": Autoencoder,
        "residual_autoencoder": ResidualAutoencoder,
        "fusion": inception_fusion,
        "fusion_squeezenet": squeezenet_fusion,
        "fusion_efficientnet_lite": efficientnet_lite_fusion,
        "fusion_silenced": silenced_fusion,
        "unet": UNet,
        "unet_32px": partial(UNet, widths=(48, 96, 192)),
        "unet_resnet18": resnet18_unet,
        "unet_squeezenet": squeezenet_unet,
        "unet_efficientnet_lite": efficientnet_lite_unet,
        "unet_efficientnet_lite_wide": partial(
            efficientnet_lite_unet, widths=(384, 288, 192, 96, 48)
        ),
        "unet_squeezenet_classes": squeezenet_color_classifier,
        "unet_pix2pix": Pix2PixUNet,
    },
    "COLORIZERS",
)

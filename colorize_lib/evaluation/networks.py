"""How ImageNet networks are shown pictures, and what they are called."""

import torch
import torchvision
from torch import Tensor
from torch.nn import functional as F
from torchvision.models import WeightsEnum

from colorize_lib.models.pretrained import IMAGENET_MEAN, IMAGENET_STD

NAMES = {
    "alexnet": "AlexNet",
    "resnet18": "ResNet18",
    "squeezenet1_1": "SqueezeNet",
    "vgg16": "VGG16",
}


def normalized(pictures: Tensor, side: int | None = None) -> Tensor:
    """Pictures in units of ImageNet's spread around its mean.

    Args:
        pictures: uint8 ``(B, 3, H, W)``.
        side: of the square that they are resized to, whole; by default they keep their
            size.

    Returns:
        float32 ``(B, 3, H, W)``, or ``(B, 3, side, side)``.
    """
    pictures = pictures.float() / 255
    if side is not None:
        pictures = F.interpolate(
            pictures, (side, side), mode="bilinear", antialias=True
        )
    mean, std = (
        torch.tensor(x, device=pictures.device).view(3, 1, 1)
        for x in (IMAGENET_MEAN, IMAGENET_STD)
    )
    return (pictures - mean) / std


def default_weights(name: str) -> WeightsEnum:
    """torchvision's weights of a network: their address, and how to show pictures."""
    return torchvision.models.get_model_weights(name).DEFAULT


def spoken_name(name: str) -> str:
    """Of a torchvision network, as tables call it; an unusual one keeps its own."""
    return NAMES.get(name, name)

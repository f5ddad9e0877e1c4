"""What an ImageNet classifier takes recolored images for, and whether it is right.

Also how the networks of this package are shown images, and what tables call them.
"""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import cache

import torch
import torchvision
from torch import Tensor, nn
from torch.nn import functional as F
from torchvision.models import WeightsEnum

from colorize_lib.metrics import _check as check_pictures
from colorize_lib.models.pretrained import (
    IMAGENET_MEAN,
    IMAGENET_STD,
    torchvision_network,
)

UNLABELED = -1
NAMES = {
    "alexnet": "AlexNet",
    "resnet18": "ResNet18",
    "squeezenet1_1": "SqueezeNet",
    "vgg16": "VGG16",
}


def normalized(pictures: Tensor, side: int | None = None) -> Tensor:
    """Uint8 ``(B, 3, H, W)`` to float32, in units of ImageNet's spread around its mean.

    With a ``side``, resized whole to a square, antialiased.
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
    """torchvision's weights of a network: their address, and how to show images."""
    return torchvision.models.get_model_weights(name).DEFAULT


@dataclass(frozen=True)
class ImageNetClassifier:
    """A network that says what an image shows, as the number of a class.

    Attributes:
        network: what ``see`` returns to logits ``(B, classes)``; in evaluation mode.
        name: of the network.
        see: uint8 ``(B, 3, H, W)`` to what the network is shown.
    """

    network: nn.Module
    name: str
    see: Callable[[Tensor], Tensor] = field(default=normalized, repr=False)

    @classmethod
    def load(
        cls, name: str = "squeezenet1_1", *, pretrained: bool = True
    ) -> "ImageNetClassifier":
        """torchvision's of this name, with its 1,000 classes.

        Images are resized, cropped and normalized as for its published accuracy.
        Raises as :func:`.torchvision_network`.
        """
        network = torchvision_network(name, pretrained=pretrained).eval()
        see = default_weights(name).transforms()
        return cls(network, NAMES.get(name, name), see)

    @torch.inference_mode()
    def __call__(self, pictures: Tensor) -> Tensor:
        """The likeliest classes, ``(B,)`` int64; raises as :func:`.psnr`."""
        check_pictures(pictures, pictures)
        return self.network.to(pictures.device)(self.see(pictures)).argmax(dim=1)


def accuracy(classes: Tensor, labels: Tensor) -> Tensor:
    """1 where a labeled image is taken for what it shows, 0 where it is not.

    Zhang, Isola and Efros, "Colorful Image Colorization" (2016), section 3.1: are the
    colors good enough to recognize things by?

    Args:
        classes: ``(n,)`` of :class:`ImageNetClassifier`.
        labels: ``(n,)``, -1 where unknown: those images are left out.

    Returns:
        float32 ``(m,)`` of the m labeled images; say m beside its mean.

    Raises:
        ValueError: other lengths, or no image is labeled.
    """
    _check_lengths(classes, labels)
    labeled = labels != UNLABELED
    if not labeled.any():
        raise ValueError(
            f"none of {len(labels)} pictures is labeled: agreement() needs no labels"
        )
    return (classes == labels)[labeled].float()


def agreement(classes: Tensor, true_classes: Tensor) -> Tensor:
    """1 where an image is taken for the same as the true one, right or wrong, else 0.

    Both ``(n,)``; a ValueError if they are not.
    """
    _check_lengths(classes, true_classes)
    return (classes == true_classes).float()


def imagenet_labels(names: Iterable[str]) -> Tensor:
    """The classes of photographs by the WordNet ids in their paths, -1 where unknown.

    Both ``val/n01440764/x.JPEG`` and ``ins_n01440764_tench.jpg`` are tench, class 0. Of
    several ids, the last one that is among the 1,000 classes counts.

    Returns:
        int64 ``(n,)``.

    Raises:
        ModuleNotFoundError: a name has an id, and timm, which lists them, is missing.
    """
    ids = [re.findall(r"(?<![A-Za-z0-9])n\d{8}(?!\d)", name) for name in names]
    number_of = _numbers() if any(ids) else {}
    labels = [
        next((number_of[id] for id in reversed(some) if id in number_of), UNLABELED)
        for some in ids
    ]
    return torch.tensor(labels, dtype=torch.int64)


@cache
def _numbers():
    try:
        from timm.data import ImageNetInfo
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            "the list of ImageNet's classes comes from timm: pip install timm, or use "
            "agreement(), which needs no labels"
        ) from error
    return {id: i for i, id in enumerate(ImageNetInfo("imagenet-1k").label_names())}


def _check_lengths(classes, others):
    if classes.ndim != 1 or classes.shape != others.shape:
        raise ValueError(
            f"one class per image, not {tuple(classes.shape)} and {tuple(others.shape)}"
        )

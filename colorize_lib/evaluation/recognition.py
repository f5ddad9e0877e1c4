"""What an ImageNet classifier takes recolored pictures for, and whether it is right."""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import cache

import torch
from torch import Tensor, nn

from colorize_lib.evaluation.networks import default_weights, normalized, spoken_name
from colorize_lib.metrics import _check as check_pictures
from colorize_lib.models.pretrained import torchvision_network

UNLABELED = -1


@dataclass(frozen=True)
class ImageNetClassifier:
    """A network that says what a picture shows, as the number of a class.

    Attributes:
        network: what ``see`` returns to scores of classes ``(B, classes)``; in
            evaluation mode.
        name: of the network.
        see: uint8 ``(B, 3, H, W)`` to what the network is shown; by default normalized
            by ImageNet's mean and spread, at the pictures' own size.
    """

    network: nn.Module
    name: str
    see: Callable[[Tensor], Tensor] = field(default=normalized, repr=False)

    @classmethod
    def load(
        cls, name: str = "squeezenet1_1", *, pretrained: bool = True
    ) -> "ImageNetClassifier":
        """torchvision's of this name, with its 1,000 classes.

        Pictures are resized, cropped and normalized as for its published accuracy.
        Raises as :func:`.torchvision_network`.
        """
        network = torchvision_network(name, pretrained=pretrained).eval()
        return cls(network, spoken_name(name), default_weights(name).transforms())

    @torch.inference_mode()
    def __call__(self, pictures: Tensor) -> Tensor:
        """The likeliest class of each picture, ``(B,)`` int64.

        Raises:
            ValueError: the pictures are not uint8 ``(B, 3, H, W)``.
        """
        check_pictures(pictures, pictures)
        return self.network.to(pictures.device)(self.see(pictures)).argmax(dim=1)


def accuracy(classes: Tensor, labels: Tensor) -> Tensor:
    """1 where a labeled picture is taken for what it shows, 0 where it is not.

    Of recolored pictures, whether their colors are good enough to recognize things by:
    Zhang, Isola and Efros, "Colorful Image Colorization" (2016), section 3.1.

    Args:
        classes: ``(n,)`` of :class:`ImageNetClassifier`.
        labels: ``(n,)``, -1 where unknown: those pictures are left out.

    Returns:
        float32 ``(m,)`` of the m labeled pictures; say m beside its mean.

    Raises:
        ValueError: other lengths, or no picture is labeled.
    """
    _check_lengths(classes, labels)
    labeled = labels != UNLABELED
    if not labeled.any():
        raise ValueError(
            f"none of {len(labels)} pictures is labeled: agreement() needs no labels"
        )
    return (classes == labels)[labeled].float()


def agreement(classes: Tensor, true_classes: Tensor) -> Tensor:
    """1 where a picture is taken for the same as the true one, right or wrong, else 0.

    Args:
        classes, true_classes: ``(n,)`` of :class:`ImageNetClassifier`.

    Returns:
        float32 ``(n,)``.

    Raises:
        ValueError: other lengths.
    """
    _check_lengths(classes, true_classes)
    return (classes == true_classes).float()


def imagenet_labels(names: Iterable[str]) -> Tensor:
    """The classes of photographs by the WordNet ids in their names, -1 where unknown.

    Both ``val/n01440764/x.JPEG`` and ``ins_n01440764_tench.jpg`` are tench, class 0. Of
    several ids, the last one that is among the 1,000 classes counts.

    Args:
        names: paths or file names of photographs.

    Returns:
        int64 ``(n,)``.

    Raises:
        ModuleNotFoundError: some name has an id, and timm, which has the list of ids,
            is not installed.
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
            f"one class a picture, not {tuple(classes.shape)} and {tuple(others.shape)}"
        )

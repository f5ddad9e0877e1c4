"""Scores for which a pretrained network looks at the pictures.

===============  =======================================================================
``lpips``        a picture beside its truth: LPIPS, and the same by any network
``frechet``      a set of pictures beside the true set: FID, and the same by any network
``recognition``  what a classifier takes the pictures for
``networks``     how these networks are shown pictures, and what they are called
===============  =======================================================================

All take 8-bit sRGB pictures, uint8 ``(B, 3, H, W)``, on any device: their network
follows them there. Every ``name`` says which network looked, because the same score by
another network is another number.
"""

from colorize_lib.evaluation.frechet import (
    InceptionFeatures,
    PooledFeatures,
    frechet_distance,
    frechet_name,
)
from colorize_lib.evaluation.lpips import LPIPS, FeatureDistance
from colorize_lib.evaluation.recognition import (
    ImageNetClassifier,
    accuracy,
    agreement,
    imagenet_labels,
)

__all__ = [
    "LPIPS",
    "FeatureDistance",
    "ImageNetClassifier",
    "InceptionFeatures",
    "PooledFeatures",
    "accuracy",
    "agreement",
    "frechet_distance",
    "frechet_name",
    "imagenet_labels",
]

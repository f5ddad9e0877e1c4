"""Scores of colorizers on the same images, tables of them, and what they choose.

LPIPS, the Fréchet distance and recognition take 8-bit sRGB images, uint8
``(B, 3, H, W)``, on any device: their network follows them there. Their ``name`` says
which network looked, because by another one it is another number.
"""

from colorize_lib.evaluation.frechet import (
    InceptionFeatures,
    PooledFeatures,
    frechet_distance,
    frechet_name,
)
from colorize_lib.evaluation.lpips import LPIPS
from colorize_lib.evaluation.recognition import (
    ImageNetClassifier,
    accuracy,
    agreement,
    imagenet_labels,
)
from colorize_lib.evaluation.results import load_result, read_result, save_result
from colorize_lib.evaluation.scores import (
    GRAY,
    HEADINGS,
    TRUTH,
    Scores,
    bootstrap,
    evaluate,
    no_color,
    paired_differences,
)
from colorize_lib.evaluation.stains import stains
from colorize_lib.evaluation.tables import markdown_table

__all__ = [
    "GRAY",
    "HEADINGS",
    "LPIPS",
    "TRUTH",
    "ImageNetClassifier",
    "InceptionFeatures",
    "PooledFeatures",
    "Scores",
    "accuracy",
    "agreement",
    "bootstrap",
    "evaluate",
    "frechet_distance",
    "frechet_name",
    "imagenet_labels",
    "load_result",
    "markdown_table",
    "no_color",
    "paired_differences",
    "read_result",
    "save_result",
    "stains",
]

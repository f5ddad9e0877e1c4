"""Stains against a loop by hand, and what must raise them."""

import numpy as np
import pytest
import skimage.data
import torch
from skimage.segmentation import slic
from torch.nn import functional as F

from colorize_lib.color import normalize_lab, rgb_to_lab
from colorize_lib.evaluation import stains
from colorize_lib.evaluation.stains import COMPACTNESS, SUPERPIXELS
from colorize_lib.inference import join


@pytest.fixture(scope="module")
def truths():
    cat = torch.tensor(skimage.data.chelsea()[:256, :256]).permute(2, 0, 1)
    cup = torch.tensor(skimage.data.coffee()[:256, :256]).permute(2, 0, 1)
    return torch.stack([cat, cup])


def recolored(truths, change):
    l, ab = normalize_lab(rgb_to_lab(truths))
    return join(l, change(ab).clamp(-1, 1))


def test_the_mean_distance_from_each_superpixels_mean(truths):
    for truth, found in zip(truths, stains(truths, truths), strict=True):
        lab = rgb_to_lab(truth[None])[0].numpy()
        labels = slic(
            lab[0] / 100, SUPERPIXELS, COMPACTNESS, channel_axis=None, start_label=0
        )
        distances = np.zeros(labels.shape)
        for label in np.unique(labels):
            its = lab[1:, labels == label]
            apart = its - its.mean(axis=1, keepdims=True)
            distances[labels == label] = np.sqrt((apart**2).sum(axis=0))
        assert found.item() == pytest.approx(distances.mean(), rel=1e-4)


def test_a_made_stain_raises_it_and_another_even_color_does_not(truths):
    generator = torch.Generator().manual_seed(0)
    blobs = F.interpolate(
        torch.randn(2, 2, 8, 8, generator=generator), (256, 256), mode="bicubic"
    )
    plain = stains(truths, truths)
    stained = stains(recolored(truths, lambda ab: ab + 0.1 * blobs), truths)
    assert (stained > 1.2 * plain).all()
    shifted = stains(recolored(truths, lambda ab: ab + 0.02), truths)
    assert (shifted < 1.1 * plain).all()
    gray = stains(recolored(truths, torch.zeros_like), truths)
    assert (gray < 0.2).all()


def test_one_color_has_none():
    even = torch.full((1, 3, 64, 64), 128, dtype=torch.uint8)
    assert stains(even, even).item() < 1e-4

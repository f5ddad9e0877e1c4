"""Classifiers: shown pictures as their published accuracy was measured; labels."""

import sys

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from torch import nn
from torchvision.models import SqueezeNet1_1_Weights
from torchvision.transforms import v2

from colorize_lib.evaluation import (
    ImageNetClassifier,
    accuracy,
    agreement,
    imagenet_labels,
    recognition,
)

PRESET = SqueezeNet1_1_Weights.DEFAULT.transforms()


def as_pillow(pictures):
    return [Image.fromarray(x.permute(1, 2, 0).contiguous().numpy()) for x in pictures]


def random_pictures(size, count=2):
    random = torch.Generator().manual_seed(0)
    coarse = torch.rand(count, 3, 9, 9, generator=random)
    smooth = torch.nn.functional.interpolate(coarse, size, mode="bilinear")
    return (smooth * 255).to(torch.uint8)


def test_images_are_resized_whole_and_antialiased():
    """Fine noise: without antialiasing, or cropped, it would be another image."""
    random = torch.Generator().manual_seed(0)
    noise = torch.randint(0, 256, (2, 3, 300, 260), generator=random).to(torch.uint8)
    expected = v2.Compose(
        [
            v2.ToDtype(torch.float32, scale=True),
            v2.Resize((224, 224), v2.InterpolationMode.BILINEAR, antialias=True),
            v2.Normalize(PRESET.mean, PRESET.std),
        ]
    )(noise)
    shown = recognition.normalized(noise, side=224)
    torch.testing.assert_close(shown, expected, rtol=0, atol=1e-4)


@pytest.mark.parametrize("size", [(256, 256), (300, 200)])
def test_pictures_are_shown_as_torchvision_shows_files(squeezenet, size):
    pictures = random_pictures(size)
    shown = ImageNetClassifier.load("squeezenet1_1").see(pictures)
    expected = torch.stack([PRESET(picture) for picture in as_pillow(pictures)])
    # Pillow's and torch's resize round differently, at most by a code; 256 is not
    # resized at all.
    codes = 0 if size == (256, 256) else 1
    atol = codes / 255 / min(PRESET.std) + 1e-6
    torch.testing.assert_close(shown, expected, rtol=0, atol=atol)
    assert shown.shape == (2, 3, 224, 224)
    assert (shown - shown.flip(1)).abs().mean() > 10 * atol, "BGR would differ"


def test_the_likeliest_class(squeezenet):
    pictures = random_pictures((256, 256), count=5)
    classifier = ImageNetClassifier.load("squeezenet1_1")
    assert classifier.name == "SqueezeNet"
    with torch.inference_mode():
        shown = torch.stack([PRESET(picture) for picture in as_pillow(pictures)])
        expected = squeezenet(shown).max(dim=1).indices
    classes = classifier(pictures)
    assert classes.dtype == torch.int64
    assert torch.equal(classes, expected)
    one_by_one = torch.cat([classifier(picture) for picture in pictures.split(1)])
    assert torch.equal(classes, one_by_one)


class Reddest(nn.Module):
    """Takes a picture for the channel that is the highest, of normalized ones."""

    def forward(self, x):
        return x.mean(dim=(2, 3))


def test_any_network_can_be_injected():
    classifier = ImageNetClassifier(Reddest(), "channels")
    pictures = torch.zeros(3, 3, 8, 8, dtype=torch.uint8)
    for channel, place in enumerate([2, 0, 1]):
        pictures[place, channel] = 200
    assert classifier(pictures).tolist() == [1, 2, 0]
    # Of black, the lowest mean remains highest: only after a normalization.
    assert classifier(pictures[:1] * 0).tolist() == [2]


def test_what_is_no_8_bit_picture_is_refused():
    with pytest.raises(ValueError, match=r"uint8.*not torch.float32"):
        ImageNetClassifier(Reddest(), "channels")(torch.zeros(1, 3, 8, 8))


# ------------------------------------------------------------ labels


@pytest.fixture
def timm():
    return pytest.importorskip("timm")


@pytest.mark.parametrize(
    ("name", "category"),
    [
        ("val/n01440764/x.JPEG", "tench"),
        ("everyday/ins_n01440764_tench.jpg", "tench"),
        ("train/n02123045/n02123045_1955.JPEG", "tabby"),
        ("n00000000/n01443537_3.jpg", "goldfish"),
    ],
)
def test_labels_are_the_classes_that_torchvision_counts(timm, name, category):
    (label,) = imagenet_labels([name]).tolist()
    assert SqueezeNet1_1_Weights.DEFAULT.meta["categories"][label] == category


def test_names_without_a_class(timm):
    names = [
        "dog.jpg", "n0144076.jpg", "n014407640.jpg", "can01440764.jpg", "N01440764.jpg",
        "n99999999/x.jpg", "bsds_101027.jpg", "n01440764/x.jpg",
    ]  # fmt: skip
    assert imagenet_labels(names).tolist() == [-1] * 7 + [0]
    assert imagenet_labels([]).shape == (0,)


def test_without_timm_only_ids_are_a_problem(monkeypatch):
    recognition._numbers.cache_clear()
    monkeypatch.setitem(sys.modules, "timm.data", None)
    assert imagenet_labels(["a.jpg", "b.jpg"]).tolist() == [-1, -1]
    with pytest.raises(ModuleNotFoundError, match="pip install timm, or use agreement"):
        imagenet_labels(["n01440764/x.jpg"])
    recognition._numbers.cache_clear()


CLASSES = st.lists(st.tuples(st.integers(0, 3), st.integers(-1, 3)), min_size=1)


@given(CLASSES)
@settings(max_examples=30)
def test_accuracy_is_of_the_labeled_pictures_alone(pairs):
    classes, labels = torch.tensor(pairs).unbind(1)
    expected = [float(c == label) for c, label in pairs if label >= 0]
    if expected:
        assert accuracy(classes, labels).tolist() == expected
    else:
        with pytest.raises(ValueError, match=f"none of {len(pairs)} pictures"):
            accuracy(classes, labels)


def test_agreement_needs_no_labels():
    classes, true_classes = torch.tensor([5, 5, 7]), torch.tensor([5, 6, 7])
    assert agreement(classes, true_classes).tolist() == [1, 0, 1]
    assert agreement(classes[:1], true_classes[:1]).tolist() == [1]


@pytest.mark.parametrize("score", [accuracy, agreement])
def test_one_class_a_picture(score):
    with pytest.raises(ValueError, match=r"not \(3,\) and \(2,\)"):
        score(torch.zeros(3).long(), torch.zeros(2).long())
    with pytest.raises(ValueError, match=r"not \(3, 2\)"):
        score(torch.zeros(3, 2).long(), torch.zeros(3, 2).long())

"""How ImageNet networks are shown pictures, against torchvision's own transforms."""

import pytest
import torch
from torchvision.models import ResNet18_Weights
from torchvision.transforms import v2

from colorize_lib.evaluation.networks import default_weights, normalized, spoken_name

PRESET = ResNet18_Weights.DEFAULT.transforms()


def noise(size):
    random = torch.Generator().manual_seed(0)
    return torch.randint(0, 256, (2, 3, *size), dtype=torch.uint8, generator=random)


def test_pictures_keep_their_size():
    pictures = noise((20, 33))
    expected = v2.Normalize(PRESET.mean, PRESET.std)(pictures.float() / 255)
    torch.testing.assert_close(normalized(pictures), expected)


@pytest.mark.parametrize("size", [(300, 260), (64, 48), (224, 224)])
def test_pictures_are_resized_whole(size):
    """Fine noise: without antialiasing, or cropped, it would be another picture."""
    pictures = noise(size)
    expected = v2.Compose(
        [
            v2.ToDtype(torch.float32, scale=True),
            v2.Resize((224, 224), v2.InterpolationMode.BILINEAR, antialias=True),
            v2.Normalize(PRESET.mean, PRESET.std),
        ]
    )(pictures)
    shown = normalized(pictures, side=224)
    assert shown.shape == (2, 3, 224, 224)
    torch.testing.assert_close(shown, expected, rtol=0, atol=1e-4)


def test_what_torchvision_knows_of_a_network():
    assert default_weights("resnet18") is ResNet18_Weights.DEFAULT
    assert spoken_name("resnet18") == "ResNet18"
    assert spoken_name("densenet121") == "densenet121"

"""Mean chroma, against scikit-image, and which side pictures fall on."""

import numpy as np
import torch
from PIL import Image
from skimage.color import rgb2lab

from colorize_lib.photos.filters import NEAR_GRAY_CHROMA, is_near_gray, mean_chroma


def random_pictures(*shape):
    random = torch.Generator().manual_seed(0)
    return torch.randint(0, 256, shape, dtype=torch.uint8, generator=random)


def test_agrees_with_scikit_image():
    picture = random_pictures(3, 60, 40)
    lab = rgb2lab(picture.permute(1, 2, 0).numpy())
    expected = np.hypot(lab[..., 1], lab[..., 2]).mean()
    assert abs(float(mean_chroma(picture)) - expected) < 1e-3


def test_each_picture_of_a_batch_alone():
    pictures = random_pictures(5, 3, 16, 16)
    together = mean_chroma(pictures)
    assert together.shape == (5,)
    torch.testing.assert_close(
        together, torch.stack([mean_chroma(p) for p in pictures])
    )


def test_looking_at_some_pixels_of_a_large_picture_changes_little():
    rows = torch.linspace(0, 255, 512).to(torch.uint8)
    picture = torch.stack(
        [rows.expand(512, -1), rows.expand(512, -1).T, rows.flip(0).expand(512, -1)]
    )
    lab = rgb2lab(picture.permute(1, 2, 0).numpy())
    expected = np.hypot(lab[..., 1], lab[..., 2]).mean()
    assert abs(float(mean_chroma(picture)) - expected) < 0.3


def test_black_and_white_is_near_gray_and_strong_sepia_is_not():
    gray = torch.arange(256, dtype=torch.uint8).expand(3, 64, 256)
    sepia = (gray * torch.tensor([1.0, 0.85, 0.65])[:, None, None]).to(torch.uint8)
    faint = (gray * torch.tensor([1.0, 0.99, 0.975])[:, None, None]).to(torch.uint8)
    assert is_near_gray(float(mean_chroma(gray)))
    assert is_near_gray(float(mean_chroma(faint)))
    assert not is_near_gray(float(mean_chroma(sepia)))


def test_how_many_real_photographs_are_near_gray(shared_photos):
    paths = sorted((shared_photos / "cifar10" / "test").rglob("*.jpg"))
    pixels = torch.stack(
        [torch.from_numpy(np.array(Image.open(path))) for path in paths]
    )
    share = (mean_chroma(pixels.permute(0, 3, 1, 2)) < NEAR_GRAY_CHROMA).float().mean()
    assert 0.01 < share < 0.04

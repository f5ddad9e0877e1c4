"""Near-duplicates are found through size, compression, brightness; strangers not."""

from io import BytesIO

import numpy as np
import pytest
import torch
from PIL import Image
from torch.nn import functional as F

from colorize_lib.photos.filters import near_duplicates


def photographs(count=20, size=64, seed=0):
    """Coarse noise: as different from one another as photographs are."""
    random = torch.Generator().manual_seed(seed)
    corners = torch.rand(count, 3, 6, 6, generator=random)
    smooth = F.interpolate(corners, (size, size), mode="bicubic").clamp(0, 1)
    return (smooth * 255).to(torch.uint8)


def compressed(picture, size, quality=60):
    image = Image.fromarray(picture.permute(1, 2, 0).numpy()).resize((size, size))
    file = BytesIO()
    image.save(file, "JPEG", quality=quality)
    return torch.from_numpy(np.array(Image.open(file))).permute(2, 0, 1)


CHANGES = {
    "as it is": lambda x: x,
    "smaller and compressed": lambda x: torch.stack([compressed(one, 40) for one in x]),
    "darker": lambda x: (x.float() * 0.6).to(torch.uint8),
    "gray": lambda x: (
        x.float().mean(1, keepdim=True).expand(-1, 3, -1, -1).to(torch.uint8)
    ),
}


@pytest.mark.parametrize("change", CHANGES)
def test_found(change):
    training = photographs()
    test = CHANGES[change](training[[3, 7]])
    assert np.flatnonzero(near_duplicates(training, test)).tolist() == [3, 7]


def test_strangers_are_not_found():
    assert not near_duplicates(photographs(), photographs(seed=1)).any()


def test_another_crop_is_not_found_as_the_docstring_says():
    training = photographs(size=96)
    assert not near_duplicates(training[:, :, :64, :64], training[:, :, 32:, 32:]).any()


def test_plain_pictures_resemble_nothing():
    plain = torch.full((2, 3, 32, 32), 90, dtype=torch.uint8)
    assert not near_duplicates(plain, plain).any()


def test_arrays_and_more_pictures_than_a_chunk():
    many = photographs(1500, size=16).numpy()
    assert np.flatnonzero(near_duplicates(many, many[1400:1401])).tolist() == [1400]

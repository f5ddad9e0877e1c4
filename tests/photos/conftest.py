"""Pictures made here, and the folder of real photographs where there is one."""

import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

REPOSITORY = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def shared_photos():
    """The folder of real photographs.

    ``$COLORIZE_PHOTOS``, else ``shared/photos`` beside the repository.
    """
    chosen = os.environ.get("COLORIZE_PHOTOS")
    folder = Path(chosen or REPOSITORY.parent / "shared" / "photos")
    if not folder.is_dir():
        pytest.skip(
            f"no real photographs: {folder} does not exist "
            "and COLORIZE_PHOTOS is not set"
        )
    return folder


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    """Every test has a cache folder of its own, and none ever touches the user's."""
    folder = tmp_path / "cache"
    monkeypatch.setenv("COLORIZE_CACHE", str(folder))
    monkeypatch.delenv("COLORIZE_GALLERY", raising=False)
    return folder


@pytest.fixture
def write_photo():
    """A function that writes a colorful picture and returns its path.

    A JPEG, or what the name's ending says.
    """

    def write(path, seed=0, size=(48, 40)):
        path.parent.mkdir(parents=True, exist_ok=True)
        coarse = np.random.default_rng(seed).integers(0, 256, (4, 4, 3), dtype=np.uint8)
        Image.fromarray(coarse).resize(size, Image.Resampling.BICUBIC).save(path)
        return path

    return write


@pytest.fixture
def folder(tmp_path, write_photo):
    """30 photographs, one of them broken, one black and white, one a duplicate."""
    photos = tmp_path / "photos"
    for i in range(27):
        write_photo(photos / f"{i:02d}.jpg", seed=i)
    (photos / "27.jpg").write_bytes((photos / "05.jpg").read_bytes())
    (photos / "28.jpg").write_bytes(b"not a picture")
    gray = np.tile(np.arange(48, dtype=np.uint8) * 5, (40, 1))
    Image.fromarray(gray).save(photos / "29.jpg")
    return photos

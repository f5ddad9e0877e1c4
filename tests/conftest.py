"""Photographs made on the fly, for the tests that need a folder of them."""

import numpy as np
import pytest
from hypothesis import settings
from PIL import Image

# The same examples at every run: no test fails by chance on somebody else's change.
# To look for new ones on purpose: pytest --hypothesis-profile=explore
settings.register_profile("steady", derandomize=True, deadline=None)
settings.register_profile("explore", derandomize=False, deadline=None)
settings.load_profile("steady")


@pytest.fixture(scope="session")
def write_photos():
    """A function that fills a folder with colorful pictures and returns its path.

    Coarse noise: as different from one another as photographs are.
    """

    def write(folder, count, *, seed=0, size=(96, 80)):
        folder.mkdir(parents=True, exist_ok=True)
        random = np.random.default_rng(seed)
        for number in range(count):
            coarse = Image.fromarray(random.integers(0, 256, (6, 6, 3), dtype=np.uint8))
            picture = coarse.resize(size, Image.Resampling.BICUBIC)
            picture.save(folder / f"{number:02d}.png")
        return folder

    return write

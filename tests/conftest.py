"""Photographs made on the fly, and a word about the tests that had no browser."""

import signal

import numpy as np
import pytest
from browser_helpers import NO_CHROMIUM
from hypothesis import settings
from PIL import Image

# The same examples at every run: no test fails by chance on somebody else's change.
# To look for new ones on purpose: pytest --hypothesis-profile=explore
settings.register_profile("steady", derandomize=True, deadline=None)
settings.register_profile("explore", derandomize=False, deadline=None)
settings.load_profile("steady")

# A shell starts what runs in the background with Ctrl-C ignored, and so would be what
# the tests start: then those that press it would fail.
signal.signal(signal.SIGINT, signal.default_int_handler)


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


@pytest.hookimpl(wrapper=True, tryfirst=True)  # around pytest's own: after its summary
def pytest_terminal_summary(terminalreporter):
    """Say it aloud where no test met a browser: skipped tests are easily overlooked."""
    result = yield
    missed = [
        report
        for report in terminalreporter.getreports("skipped")
        if NO_CHROMIUM in str(report.longrepr)
    ]
    if missed:
        terminalreporter.write_line(
            f"{NO_CHROMIUM}: {len(missed)} browser tests did not run. Install Chromium, or "
            "name one in COLORIZE_CHROMIUM, or: python -m playwright install chromium",
            yellow=True,
            bold=True,
        )
    return result

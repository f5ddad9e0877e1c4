"""Where downloaded and prepared pictures are kept."""

import os
from pathlib import Path

from platformdirs import user_cache_path


def cache_folder() -> Path:
    """Where everything fetched or prepared goes.

    ``$COLORIZE_CACHE``, else the user's cache folder. In Colab, point
    ``COLORIZE_CACHE`` at a folder of the mounted Drive and nothing is fetched twice.
    """
    if chosen := os.environ.get("COLORIZE_CACHE"):
        return Path(chosen).expanduser()
    return user_cache_path("colorize", appauthor=False)

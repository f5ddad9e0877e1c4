"""Drawn scenes as files: photographs for a machine that has none and is offline."""

import zipfile
from io import BytesIO

from PIL import Image

from colorize_lib.color import lab_to_rgb, reduce_chroma, rgb_to_uint8
from colorize_lib.files import replacing
from colorize_lib.photos.cache import cache_folder
from colorize_lib.photos.sources import Source, from_path
from colorize_lib.scenes import draw_scenes


def drawn_photographs(count: int = 600, size: int = 128) -> Source:
    """Drawn scenes saved as JPEG files, in a zip in the cache folder.

    Everything that works on photographs can be tried on them. For experiments on color
    use :func:`.draw_scenes` itself: after 8 bits and JPEG the lightness of a thing
    gives its color away.

    Args:
        count: how many scenes.
        size: side in pixels.
    """
    path = cache_folder() / f"drawn-{count}-{size}px.zip"
    if not path.exists():
        with replacing(path) as file, zipfile.ZipFile(file, "w") as archive:
            for first in range(0, count, 100):
                lab = draw_scenes(min(100, count - first), size, start=first).lab
                pictures = rgb_to_uint8(lab_to_rgb(reduce_chroma(lab)))
                for number, picture in enumerate(pictures, start=first):
                    archive.writestr(f"{number:05d}.jpg", _jpeg(picture))
    return from_path(path, "drawn")


def _jpeg(picture):
    file = BytesIO()
    pixels = picture.permute(1, 2, 0).numpy()
    Image.fromarray(pixels).save(file, "jpeg", quality=90, subsampling=0)
    return file.getvalue()

"""TIFF files that Pillow reads wrong without a word, or not at all.

TIFF is a family more than a format: any number of bits, signed or not, black or white
at zero. Pillow leaves a 16-bit negative negative, and takes 12 bits for 16 and signed
values for unsigned ones. What it reads right is left to it; the rest goes through
tifffile, which hands out the values as they lie in the file, with imagecodecs, which
unpacks them.
"""

import warnings
from collections.abc import Iterator, Mapping
from io import BytesIO

import numpy as np
from PIL import Image
from PIL.TiffImagePlugin import ImageFileDirectory_v2

from colorize_lib.photos.metadata import exif_of_tags

SIGNATURES = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
BIG = 43  # of the last two: addresses of 64 bits
KIND, WIDTH, HEIGHT, BITS, PHOTOMETRIC, SAMPLES = 254, 256, 257, 258, 262, 277
EXTRA_SAMPLES, SAMPLE_FORMAT, ICC_PROFILE = 338, 339, 34675

WHITE_IS_ZERO, BLACK_IS_ZERO, RGB = 0, 1, 2
RAW = (32803, 34892)  # values of a camera's sensor
PREVIEW, MASK = 1, 4  # of a page's KIND: smaller, or only the transparency of another
UNSIGNED = {1, 4}  # 4: the file does not say
PREMULTIPLIED, ALPHA = 1, 2  # what the first of EXTRA_SAMPLES may be


class UnsupportedTiff(ValueError):
    """A sound file of a kind that cannot be read here; the message says which."""


def is_tiff(data: bytes) -> bool:
    """Whether these are the bytes of a TIFF."""
    return data[:4] in SIGNATURES


def pages(data: bytes) -> list[tuple[int, Mapping]]:
    """Number and tags of each page; previews and masks of other pages are left out.

    Of a damaged file, the pages before the damage.

    Raises:
        UnsupportedTiff: there are previews only, as in a camera's raw file.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # damage shows where the page is decoded
        found = list(enumerate(_directories(data)))
    whole = [page for page in found if not page[1].get(KIND, 0) & (PREVIEW | MASK)]
    if data[8:10] == b"CR" or (found and not whole):
        raise UnsupportedTiff("a camera's raw file, of which only a preview is a TIFF")
    return whole


def _directories(data) -> Iterator[Mapping]:
    file, seen = BytesIO(data), set()
    try:
        directory = ImageFileDirectory_v2(data[: 16 if data[2] == BIG else 8])
        while directory.next and directory.next not in seen:
            seen.add(directory.next)  # a chain of pages may bite its own tail
            file.seek(directory.next)
            directory.load(file)
            yield dict(directory)
    except Exception:  # Pillow raises nearly anything on damaged input
        return


def pillow_reads_it_right(tags: Mapping) -> bool:
    """Whether Pillow takes the values of a page for what its tags say.

    Raises:
        UnsupportedTiff: values of which nobody can say what is white.
    """
    photometric = tags.get(PHOTOMETRIC)
    if photometric in RAW:
        raise UnsupportedTiff("a camera's raw values, not a picture yet")
    if not {*tags.get(SAMPLE_FORMAT, (1,))} <= UNSIGNED:
        raise UnsupportedTiff("signed or floating-point values with no known white")
    bits, samples = max(tags.get(BITS, (1,))), tags.get(SAMPLES, 1)
    if bits == 8 or photometric not in (WHITE_IS_ZERO, BLACK_IS_ZERO, RGB):
        return True
    if photometric == RGB:
        return bits == 16
    return samples == 1 and bits in ((1, 2, 4) if not photometric else (1, 2, 4, 16))


def read_page(data: bytes, number: int, tags: Mapping) -> Image.Image:
    """A page through tifffile, scaled to 8 bits: mode L or RGB, with alpha or without.

    ``number`` counts all pages, previews too.

    Raises:
        UnsupportedTiff: what is missing, by name.
    """
    bits = max(tags[BITS])
    about = f"a TIFF of {bits} bits per sample"
    if bits > 32:
        raise UnsupportedTiff(about)
    try:
        # Imported only now: few will ever have such a file.
        from tifffile import TiffFile

        with TiffFile(BytesIO(data)) as file:
            page = file.pages[number]
            values = page.asarray().reshape(page.shape)
            if page.axes.startswith("S"):  # one color after the other
                values = np.moveaxis(values, 0, -1)
    except (ImportError, NotImplementedError) as error:
        raise UnsupportedTiff(
            f"{about}, for which two more packages are needed: "
            "pip install tifffile imagecodecs"
        ) from error
    except ValueError as error:
        if "imagecodecs" in str(error):
            raise UnsupportedTiff(
                f"{about}, in a compression for which another package is needed: "
                "pip install imagecodecs"
            ) from error
        raise
    return _image(values.reshape(*values.shape[:2], -1), bits, tags)


def _image(values, bits, tags):
    gray = tags[PHOTOMETRIC] != RGB
    colors = 1 if gray else 3
    extra = tuple(tags.get(EXTRA_SAMPLES, ()))[:1]
    has_alpha = extra in ((PREMULTIPLIED,), (ALPHA,)) and values.shape[-1] > colors
    # By the specification the largest value is white, whatever the number of bits.
    codes = np.rint(values[..., : colors + has_alpha] * np.float32(255 / (2**bits - 1)))
    codes = codes.astype(np.uint8)
    if tags[PHOTOMETRIC] == WHITE_IS_ZERO:
        codes[..., 0] = 255 - codes[..., 0]
    mode = "L" if gray else "RGB"
    if has_alpha:
        alpha = "a" if extra == (PREMULTIPLIED,) else "A"
        mode += alpha
    height, width = codes.shape[:2]
    image = Image.frombytes(mode, (width, height), codes.tobytes())
    image.info["exif"] = exif_of_tags(tags)
    if profile := tags.get(ICC_PROFILE):
        image.info["icc_profile"] = bytes(profile)
    return image

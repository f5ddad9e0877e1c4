"""From one picture file to pixels: upright, sRGB, 8 bits, three channels.

Files in the wild are rotated by a tag, carry foreign color profiles, are gray,
transparent, 16-bit, cut short or no picture at all. Each is read right or refused with
:class:`UnreadablePhoto`, never read wrong in silence.
"""

import warnings
from io import BytesIO
from pathlib import Path
from typing import BinaryIO, Literal

import numpy as np
import torch
from PIL import Image, ImageOps
from torch import Tensor
from torch.nn import functional as F

from colorize_lib.photos.srgb import to_srgb

Fit = Literal["crop", "squash"]

# Pillow's own hard limit, restated so that it also holds where a program has switched
# Pillow's off. A picture of this size takes about 1.5 GB while it is read; a bomb
# claims a thousand times that in a file of a few kilobytes.
PIXEL_LIMIT = 178_956_970

# JPEG can be decoded at 1/2, 1/4 or 1/8 of its size, which is twice as fast. Stopping
# at twice the wanted size keeps the result within 50 dB of the full decode; stopping at
# the wanted size itself costs 43 dB and saves little more.
DRAFT_MARGIN = 2


class UnreadablePhoto(ValueError):
    """A file that is no usable picture: its ``name``, the ``reason``, a ``remedy``."""

    def __init__(self, name: str, reason: str, remedy: str):
        # All three, so that the error survives the way out of a worker process.
        super().__init__(name, reason, remedy)
        self.name, self.reason, self.remedy = name, reason, remedy

    def __str__(self) -> str:
        return f"{self.name}: {self.reason}; {self.remedy}"


def open_photo(file: str | Path | BinaryIO, *, name: str | None = None) -> Image.Image:
    """Open a picture at its full size.

    Args:
        file: a path, or a binary file open for reading.
        name: what errors call it; by default its path.

    Returns:
        A Pillow image in mode RGB, sRGB, turned upright. Transparency is composited
        onto white. Of an animation or a many-page file, the first picture.
        ``image.info["exif"]`` holds the EXIF bytes, ready for
        ``image.save(..., exif=...)``, with the rotation taken out because it has been
        applied; ``b""`` if there are none. They may hold a place and a date.

    Raises:
        UnreadablePhoto: not a picture, damaged, or more than 178,956,970 pixels.
        OSError: the file cannot be opened at all.
    """
    return upright_srgb(_decode(file, name)[0], _name_of(file, name))


def upright_srgb(image: Image.Image, name: str = "picture") -> Image.Image:
    """What :func:`open_photo` makes of a picture, for one that Pillow has open.

    ``image`` itself may be turned; give it a copy to keep it as it is.
    """
    _turn_upright(image)
    exif = image.info.get("exif", b"")
    image = _in_srgb(image, name)
    image.info = {"exif": exif}
    return image


def read_photo(
    file: str | Path | BinaryIO,
    size: int,
    *,
    fit: Fit = "crop",
    name: str | None = None,
) -> Tensor:
    """Read a picture as a square of ``size`` pixels.

    Args:
        file: as for :func:`open_photo`.
        size: side of the square.
        fit: ``"crop"`` keeps the shape of things: the short side becomes ``size``, the
            middle of the long one is kept. ``"squash"`` keeps the whole picture and
            changes its proportions.
        name: as for :func:`open_photo`.

    Returns:
        uint8 ``(3, size, size)``, sRGB. Resized bicubically with antialiasing, in code
        values as everybody does.

    Raises:
        UnreadablePhoto: as for :func:`open_photo`.
        OSError: likewise.
        ValueError: a size below 1, or another fit.
    """
    check_size_and_fit(size, fit)
    image, reduced = _decode(file, name, draft=size * DRAFT_MARGIN)
    if reduced is None:
        _turn_upright(image)
        return _resize(_in_srgb(image, _name_of(file, name)), size, fit)
    # Upright AFTER the resize here: the box that draft() returned belongs to the
    # picture as it lies in the file.
    small = _resize_box(_in_srgb(image, _name_of(file, name)), reduced, size, fit)
    small.info = dict(image.info)
    _turn_upright(small)
    return _to_tensor(small).contiguous()


def check_size_and_fit(size: int, fit: str) -> None:
    if not isinstance(size, int) or size < 1:
        raise ValueError(
            f"size must be a whole number of pixels of at least 1, not {size!r}"
        )
    if fit not in ("crop", "squash"):
        raise ValueError(f'fit must be "crop" or "squash", not {fit!r}')


# ------------------------------------------------------------ decoding


def _decode(file, name, draft=None):
    """The decoded image, and the box in it where ``draft`` left a margin, else None."""
    data, name = _contents(file, name)
    try:
        with warnings.catch_warnings():
            # Pillow warns above half the limit, and of damaged EXIF: a program that
            # turns warnings into errors must not lose the picture for it.
            warnings.simplefilter("ignore")
            image = Image.open(BytesIO(data))
            _check_pixel_count(image, name)
            reduced = image.draft(None, (draft, draft)) if draft else None
            image.load()
    except (UnreadablePhoto, MemoryError):
        raise
    except Image.UnidentifiedImageError:
        raise UnreadablePhoto(
            name, "not a picture in a format that can be read", _SAVE_ANEW
        ) from None
    except Image.DecompressionBombError as error:
        raise UnreadablePhoto(name, str(error), _REDUCE) from None
    except Exception as error:  # decoders raise nearly anything on damaged input
        raise UnreadablePhoto(
            name, f"damaged or cut short ({error})", _COPY_AGAIN
        ) from error
    # draft() rounds the reduced size up: of a row of 1001 pixels at 1/8 it makes 126,
    # of which the picture fills 125.125. Resizing all 126 would shrink the picture by
    # what the decoder padded.
    if reduced is None or reduced[1][2:] == image.size:
        return image, None
    return image, reduced[1]


def _contents(file, name):
    # Read everything first. Errors of the disk or the network then stay OSErrors and
    # stop the work, and only what is wrong with the bytes counts against the picture.
    data = file.read() if hasattr(file, "read") else Path(file).read_bytes()
    name = _name_of(file, name)
    if not data:
        raise UnreadablePhoto(name, "the file is empty", _COPY_AGAIN)
    return data, name


def _name_of(file, name):
    return name or str(
        file.name if hasattr(file, "read") and hasattr(file, "name") else file
    )


def _check_pixel_count(image, name):
    width, height = image.size
    if width * height > PIXEL_LIMIT:
        raise UnreadablePhoto(
            name, f"{width} x {height} pixels, more than {PIXEL_LIMIT:,}", _REDUCE
        )


def _turn_upright(image):
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            ImageOps.exif_transpose(image, in_place=True)
    except Exception:  # damaged EXIF: the picture itself is fine, and lies as it lies
        image.info.pop("exif", None)


def _in_srgb(image, name):
    try:
        return to_srgb(image)
    except MemoryError:
        raise
    except Exception as error:
        raise UnreadablePhoto(
            name, f"colors of mode {image.mode} not understood ({error})", _SAVE_ANEW
        ) from error


_COPY_AGAIN = "copy or download it again, or remove it"
_SAVE_ANEW = "save it as JPEG or PNG, or remove it"
_REDUCE = f"reduce it to at most {PIXEL_LIMIT // 1_000_000} megapixels"


# ------------------------------------------------------------ resizing


def _resize(image, size, fit):
    """By torch on uint8: the same filter as Pillow's, 2.2 to 3 times as fast."""
    width, height = image.size
    if fit == "crop":
        side = min(width, height)
        left, top = (width - side) // 2, (height - side) // 2
        image = image.crop((left, top, left + side, top + side))
    pixels = _to_tensor(image)
    if pixels.shape[1:] != (size, size):
        pixels = F.interpolate(
            pixels[None], size=(size, size), mode="bicubic", antialias=True
        )[0]
    return pixels.contiguous()


def _resize_box(image, box, size, fit):
    """By Pillow, because only Pillow takes a box of fractional pixels."""
    left, top, right, bottom = box
    if fit == "crop":
        side = min(right - left, bottom - top)
        left, top = (left + right - side) / 2, (top + bottom - side) / 2
        right, bottom = left + side, top + side
    return image.resize(
        (size, size), Image.Resampling.BICUBIC, box=(left, top, right, bottom)
    )


def _to_tensor(image):
    # A permuted view, not a copy: channels last, for which torch has a fast resize.
    return torch.from_numpy(np.array(image)).permute(2, 0, 1)

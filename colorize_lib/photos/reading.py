"""From one picture file to pixels: upright, sRGB, 8 bits, three channels.

Files in the wild are rotated by a tag, carry foreign color profiles, are gray,
transparent, 16-bit, cut short or no picture at all. Each is read right or refused with
:class:`UnreadablePhoto`, never read wrong in silence.
"""

import logging
import os
import re
import warnings
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from threading import Lock
from typing import BinaryIO, Literal, NamedTuple

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.nn import functional as F

from colorize_lib.photos import tiff
from colorize_lib.photos.metadata import metadata_of, orientation_of
from colorize_lib.photos.srgb import load, to_srgb
from colorize_lib.slips import missing_file

Fit = Literal["crop", "squash"]
LOG = logging.getLogger(__name__)

# Pillow's own hard limit, restated so that it also holds where a program has switched
# Pillow's off. A picture of this size takes about 1.5 GB while it is read; a bomb
# claims a thousand times that in a file of a few kilobytes.
PIXEL_LIMIT = 178_956_970

# JPEG can be decoded at 1/2, 1/4 or 1/8 of its size, which is twice as fast. Stopping
# at twice the wanted size keeps the result within about 50 dB of the full decode (48 to
# 56 dB over eight photographs of 8 megapixels); stopping at the wanted size costs 7 dB
# more and saves little.
DRAFT_MARGIN = 2

ANIMATIONS = ("GIF", "WEBP", "PNG", "AVIF")
UPRIGHT = dict(
    zip(
        range(2, 9),
        (
            Image.Transpose.FLIP_LEFT_RIGHT, Image.Transpose.ROTATE_180,
            Image.Transpose.FLIP_TOP_BOTTOM, Image.Transpose.TRANSPOSE,
            Image.Transpose.ROTATE_270, Image.Transpose.TRANSVERSE,
            Image.Transpose.ROTATE_90,
        ),
        strict=True,
    )
)  # fmt: skip
# What files begin with that Pillow may fail to open: then they are damaged.
SIGNATURES = {
    b"\xff\xd8\xff": "JPEG", b"\x89PNG": "PNG", b"GIF8": "GIF", b"RIFF": "WebP",
    b"BM": "BMP", **dict.fromkeys(tiff.SIGNATURES, "TIFF"),
}  # fmt: skip
HEIC = (b"ftypheic", b"ftypheix", b"ftypmif1", b"ftyphevc", b"ftypheim", b"ftypmsf1")
UNSUPPORTED = re.compile(
    "unsupported|not supported|not available|unknown|cannot handle", re.I
)


class UnreadablePhoto(ValueError):
    """A file that is no usable picture: its ``name``, the ``reason``, a ``remedy``."""

    def __init__(self, name: str, reason: str, remedy: str):
        # All three, so that the error survives the way out of a worker process.
        super().__init__(name, reason, remedy)
        self.name, self.reason, self.remedy = name, reason, remedy

    def __str__(self) -> str:
        return f"{self.name}: {self.reason}; {self.remedy}"


def open_photo(
    file: str | Path | BinaryIO, *, name: str | None = None, page: int = 0
) -> Image.Image:
    """Open a picture at its full size.

    Args:
        file: a path, or a binary file open for reading.
        name: what errors call it; by default its path.
        page: of a TIFF with several pages, from 0; see :func:`count_pages`.

    Returns:
        A Pillow image in mode RGB, sRGB, turned upright. Transparency is composited
        onto white. Of an animation, the first picture. ``image.info`` holds what comes
        along besides pixels, see :func:`.metadata_of`: ``exif`` as bytes, ``b""`` if
        there is none (it may hold a place and a date), and perhaps ``dpi``.

    Raises:
        UnreadablePhoto: not a picture, damaged, or more than 178,956,970 pixels.
        OSError: the file cannot be opened at all.
        IndexError: no such page.

    Damaged EXIF, and the further pictures of an animation, are logged as a warning.
    """
    data, name = _contents(file, name)
    return upright_srgb(_decode(data, name, page=page)[0], name)


def count_pages(file: str | Path) -> int:
    """How many pages a TIFF has, previews and masks not counted; 1 of any other file.

    Raises:
        OSError: the file cannot be opened.
    """
    data = _bytes_of(file)
    try:
        return max(1, len(tiff.pages(data))) if tiff.is_tiff(data) else 1
    except tiff.UnsupportedTiff:
        return 1


def upright_srgb(image: Image.Image, name: str = "picture") -> Image.Image:
    """What :func:`open_photo` makes of a picture, for one that Pillow has open."""
    load(image)
    info, orientation = metadata_of(image, name), orientation_of(image)
    if image.format in ANIMATIONS and (count := getattr(image, "n_frames", 1)) > 1:
        LOG.warning("%s: the first of an animation's %d pictures", name, count)
    image = _turned(_in_srgb(image, name), orientation)
    image.info = info
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
    data, name = _contents(file, name)
    image, reduced = _decode(data, name, draft=size * DRAFT_MARGIN)
    orientation = orientation_of(image)
    if reduced is None:
        return _resize(_turned(_in_srgb(image, name), orientation), size, fit)
    # Upright AFTER the resize here: the box that draft() returned belongs to the
    # picture as it lies in the file.
    if fit == "crop":
        reduced = _middle(reduced, orientation)
    small = _in_srgb(image, name).resize(
        (size, size), Image.Resampling.BICUBIC, box=reduced.box
    )
    return _to_tensor(_turned(small, orientation)).contiguous()


def check_size_and_fit(size: int, fit: str) -> None:
    if not isinstance(size, int) or size < 1:
        raise ValueError(
            f"size must be a whole number of pixels of at least 1, not {size!r}"
        )
    if fit not in ("crop", "squash"):
        raise ValueError(f'fit must be "crop" or "squash", not {fit!r}')


# ------------------------------------------------------------ decoding


class _Reduced(NamedTuple):
    """A JPEG decoded small: where the picture lies in it, and its own size."""

    box: tuple[float, float, float, float]
    size: tuple[int, int]


def _decode(data, name, draft=None, page=0):
    """The decoded image, and a _Reduced of one that ``draft`` made smaller, or None."""
    try:
        with warnings.catch_warnings(), _silent_libtiff(data):
            # Pillow warns above half the limit, and of damaged EXIF: a program that
            # turns warnings into errors must not lose the picture for it.
            warnings.simplefilter("ignore")
            if tiff.is_tiff(data):
                return _decode_tiff(data, name, page), None
            image = Image.open(BytesIO(data))
            _check_pixel_count(image.size, name)
            size, box = image.size, None
            if draft and (drafted := image.draft(None, (draft, draft))):
                box = drafted[1]
            load(image)
    except (UnreadablePhoto, MemoryError, IndexError):
        raise
    except Exception as error:  # decoders raise nearly anything on damaged input
        raise _refusal(error, data, name) from error
    if page:
        raise IndexError(f"{name} has one page, not {page + 1}")
    # draft() rounds the reduced size up: of a row of 1001 pixels at 1/8 it makes 126,
    # of which the picture fills 125.125. Resizing all 126 would shrink the picture by
    # what the decoder padded.
    is_smaller = box is not None and image.size != size
    return image, _Reduced(box, size) if is_smaller else None


def _decode_tiff(data, name, page):
    pages = tiff.pages(data)
    if page and page >= len(pages):
        raise IndexError(f"{name} has {len(pages)} pages, not {page + 1}")
    number, tags = pages[page] if pages else (0, {})
    _check_pixel_count((tags.get(tiff.WIDTH, 0), tags.get(tiff.HEIGHT, 0)), name)
    if not tiff.pillow_reads_it_right(tags):
        return tiff.read_page(data, number, tags)
    image = Image.open(BytesIO(data))
    image.seek(number)
    _check_pixel_count(image.size, name)
    image.load()
    return image


def _contents(file, name):
    # Read everything first. Errors of the disk or the network then stay OSErrors and
    # stop the work, and only what is wrong with the bytes counts against the picture.
    if hasattr(file, "read"):
        data, name = file.read(), name or str(getattr(file, "name", file))
    else:
        data, name = _bytes_of(file), name or str(file)
    if not data:
        raise UnreadablePhoto(name, "the file is empty", _COPY_AGAIN)
    return data, name


def _bytes_of(path):
    try:
        return Path(path).read_bytes()
    except FileNotFoundError:
        raise missing_file(path) from None


def _check_pixel_count(size, name):
    width, height = size
    if width * height > PIXEL_LIMIT:
        raise UnreadablePhoto(
            name, f"{width} x {height} pixels, more than {PIXEL_LIMIT:,}", _REDUCE
        )


def _refusal(error, data, name):
    """What to say of bytes that could not be decoded: damaged, or another kind."""
    if isinstance(error, Image.DecompressionBombError):
        return UnreadablePhoto(name, str(error), _REDUCE)
    if isinstance(error, tiff.UnsupportedTiff):
        return UnreadablePhoto(name, str(error), _SAVE_ANEW)
    if data[4:12] in HEIC:
        reason = "not a picture in a format that can be read here: it is HEIC"
        return UnreadablePhoto(name, reason, _SAVE_ANEW)
    known = [kind for sign, kind in SIGNATURES.items() if data.startswith(sign)]
    unidentified = isinstance(error, Image.UnidentifiedImageError)
    if unidentified and not known:
        reason = "not a picture in a format that can be read here"
        return UnreadablePhoto(name, reason, _SAVE_ANEW)
    is_another_kind = isinstance(error, (NotImplementedError, KeyError, ImportError))
    if is_another_kind or UNSUPPORTED.search(str(error)):
        kind = known[0] if known else "picture"
        reason = f"a kind of {kind} that cannot be read here ({error})"
        return UnreadablePhoto(name, reason, _SAVE_ANEW)
    about = f" {known[0]}" if known and unidentified else f" ({error})"
    return UnreadablePhoto(name, f"damaged or cut short{about}", _COPY_AGAIN)


def _turned(image, orientation):
    turn = UPRIGHT.get(orientation)
    return image if turn is None else image.transpose(turn)


def _in_srgb(image, name):
    try:
        return to_srgb(image)
    except MemoryError:
        raise
    except Exception as error:
        raise UnreadablePhoto(
            name, f"colors of mode {image.mode} not understood ({error})", _SAVE_ANEW
        ) from error


@contextmanager
def _silent_libtiff(data):
    """Keep what libtiff says off the screen: it writes to the process's own stderr.

    One thread at a time: a second one would take the first one's silence for the
    screen.
    """
    if not tiff.is_tiff(data):
        yield
        return
    with _STDERR:
        try:
            screen, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
        except OSError:  # there is no stderr
            yield
            return
        os.dup2(nowhere, 2)
        try:
            yield
        finally:
            os.dup2(screen, 2)
            os.close(screen)
            os.close(nowhere)


_COPY_AGAIN = "copy or download it again, or remove it"
_SAVE_ANEW = "save it as JPEG or PNG, or remove it"
_REDUCE = f"reduce it to at most {PIXEL_LIMIT // 1_000_000} megapixels"
_STDERR = Lock()


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


def _middle(reduced, orientation):
    """The square in the middle, to the very pixel where :func:`_resize` crops it.

    At 1/8, to round anew would shift the picture by up to half a reduced pixel.
    """
    width, height = reduced.size
    side = min(width, height)
    left, top = (width - side) // 2, (height - side) // 2
    # Upright, the row or column that was left over lies on the other side.
    left = width - side - left if orientation in (2, 3, 7, 8) else left
    top = height - side - top if orientation in (3, 4, 6, 7) else top
    across, down = reduced.box[2] / width, reduced.box[3] / height
    box = (left * across, top * down, (left + side) * across, (top + side) * down)
    return reduced._replace(box=box)


def _to_tensor(image):
    # A permuted view, not a copy: channels last, for which torch has a fast resize.
    return torch.from_numpy(np.array(image)).permute(2, 0, 1)

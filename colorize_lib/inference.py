"""Any photograph in, the same photograph in color out, at its own size.

Taught in chapter 3.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageCms
from torch import Tensor, nn
from torch.nn import functional as F

from colorize_lib.color import (
    denormalize_lab,
    lab_to_rgb,
    normalize_lab,
    reduce_chroma,
    rgb_to_lab,
    rgb_to_uint8,
)
from colorize_lib.files import replacing
from colorize_lib.photos import open_photo, upright_srgb
from colorize_lib.photos.metadata import save_options
from colorize_lib.weights import DEFAULT, load_weights

# What the networks of the book accept; one that does not has this as an attribute.
SIDES_DIVISIBLE_BY = 32
# Times the shorter one: a thinner picture is squashed, to bound time and memory.
LONGEST_SIDE = 4
# Joined at a time: in float32, a whole photograph would take gigabytes.
STRIP_PIXELS = 2**20

# How to lose as little as each format allows. Lossy WebP would halve the colors.
_JPEG = ("JPEG", {"quality": 95, "subsampling": "4:4:4"})
FORMATS = {".png": ("PNG", {}), ".jpg": _JPEG, ".jpeg": _JPEG}
FORMATS |= {".webp": ("WEBP", {"lossless": True})}
FORMATS |= dict.fromkeys((".tif", ".tiff"), ("TIFF", {}))
LONGEST_SAVED = {"JPEG": 65_500, "WEBP": 16_383}  # pixels a side; the others take any


def colorize(
    photo: str | Path | Image.Image,
    output: str | Path | None = None,
    *,
    weights: str | Path | None = None,
    device: str | torch.device | None = None,
    overwrite: bool = False,
) -> Image.Image:
    """Color one photograph. For many, load a :class:`Colorizer` once.

    Args:
        photo: a file, or an open picture; of a color picture, its lightness is used.
        output: where to save the result, too; see :func:`save_photo`.
        weights: a weight file, or the name of a stored model (:func:`.find_weights`);
            by default the stored model that colors best.
        device: by default a GPU where there is one.
        overwrite: allow ``output`` to exist, even to be the photograph itself.

    Returns:
        The picture in color, mode RGB, of the same size.

    Raises:
        FileNotFoundError: no such photograph or weight file.
        UnreadablePhoto: the photograph is no usable picture.
        ValueError: no weight file, or a suffix that no format has.
        FileExistsError: ``output`` is there already.
    """
    if output is not None:
        check_output(output, overwrite)
    colored = Colorizer.load(weights, device)(photo)
    if output is not None:
        save_photo(colored, output)
    return colored


@dataclass(frozen=True)
class Colorizer:
    """A network that is ready to color photographs of any size.

    Attributes:
        network: l to ab, in evaluation mode.
        size: pixels of the shorter side that the network sees.
        about: a sentence on what it is.
    """

    network: nn.Module
    size: int
    about: str = ""

    @classmethod
    def load(
        cls, weights: str | Path | None = None, device: str | torch.device | None = None
    ) -> "Colorizer":
        """From what :func:`colorize` takes as weights; raises as it does."""
        device = device or ("cuda" if torch.cuda.is_available() else "cpu")
        network, metadata = load_weights(weights or DEFAULT)
        return cls(network.to(device), metadata["size"], metadata["about"])

    def __call__(self, photo: str | Path | Image.Image, page: int = 0) -> Image.Image:
        """Color a photograph or a page of a TIFF; ``info`` keeps EXIF."""
        is_open = isinstance(photo, Image.Image)
        photo = upright_srgb(photo) if is_open else open_photo(photo, page=page)
        info = photo.info
        picture = torch.from_numpy(np.array(photo)).permute(2, 0, 1)
        del photo  # 200 MB of a picture of 50 megapixels
        colored = Image.fromarray(self.color_in_place(picture).permute(1, 2, 0).numpy())
        colored.info = info
        return colored

    @torch.inference_mode()
    def color_in_place(self, picture: Tensor) -> Tensor:
        """Color uint8 ``(3, H, W)`` on the CPU, writing the result over it.

        The network sees all of the picture, small. Lightness and color are then joined
        in strips: 50 megapixels in float32 would take gigabytes.
        """
        height, width = picture.shape[-2:]
        rows = max(1, STRIP_PIXELS // width)
        strips = [slice(y, min(y + rows, height)) for y in range(0, height, rows)]
        l = [normalize_lab(rgb_to_lab(picture[None, :, strip]))[0] for strip in strips]
        ab = _see(self.network, torch.cat(l, dim=-2), self.size).cpu()
        if width < ab.shape[-1]:  # first the side on which it becomes less
            ab = F.interpolate(ab, (ab.shape[-2], width), mode="bicubic")
        for strip, strip_l in zip(strips, l, strict=True):
            picture[:, strip] = join(strip_l, _enlarged(ab, strip, height, width))[0]
        return picture


@torch.inference_mode()
def predict_ab(network: nn.Module, l: Tensor, size: int) -> Tensor:
    """Predict colors of pictures of any size by a network that was trained at another.

    The picture is reduced until its shorter side is ``size``; the colors found are
    enlarged onto it bicubically. (Enlarging TRUE colors four times leaves 42.9 dB.)

    Args:
        network: l to ab. Used as it is: put it into evaluation mode first.
        l: ``(B, 1, H, W)`` in [-1, 1].
        size: pixels of the shorter side that the network sees.

    Returns:
        ab ``(B, 2, H, W)``, normalized, float32, on the device of l.
    """
    ab = _see(network, l, size)
    return F.interpolate(ab, l.shape[-2:], mode="bicubic").to(l.device)


def join(l: Tensor, ab: Tensor) -> Tensor:
    """Join the lightness of a picture with predicted colors to 8-bit sRGB.

    Where that leaves the gamut the chroma gives way, so that the picture's own
    lightness is kept to the rounding of 8 bits.

    Args:
        l: ``(B, 1, H, W)`` in [-1, 1].
        ab: ``(B, 2, H, W)``, as a network returns it.

    Returns:
        uint8 ``(B, 3, H, W)``.
    """
    return rgb_to_uint8(lab_to_rgb(reduce_chroma(denormalize_lab(l, ab))))


def network_size(
    height: int, width: int, size: int, divisible_by: int = SIDES_DIVISIBLE_BY
) -> tuple[int, int]:
    """The size at which a network sees a picture: its shorter side is ``size``.

    Proportions are kept up to rounding to ``divisible_by``, and up to 1 : 4.
    """
    shorter = min(height, width)
    seen = [min(side / shorter, LONGEST_SIDE) * size for side in (height, width)]
    height, width = (max(1, round(side / divisible_by)) for side in seen)
    return height * divisible_by, width * divisible_by


def sides_divisible_by(network: nn.Module) -> int:
    """What the sides of the pictures must be divisible by that a network is shown."""
    return getattr(network, "sides_divisible_by", SIDES_DIVISIBLE_BY)


def check_output(output: str | Path, overwrite: bool) -> None:
    """Refuse, before any work, an unknown suffix or what would destroy a file."""
    _format_of(output)
    if Path(output).exists() and not overwrite:
        raise FileExistsError(
            f"{output} is there already: choose another name or overwrite it"
        )


def save_photo(photo: Image.Image, output: str | Path) -> None:
    """Save a picture in the format of the suffix, all or nothing.

    Tagged as sRGB, marked as made by ``colorize``, with EXIF and resolution as far as
    the format can hold them.

    Raises:
        ValueError: a suffix that no format has, or a picture too large for its format.
        OSError: it could not be written; what was there is intact.
    """
    kind, options = _format_of(output)
    if max(photo.size) > LONGEST_SAVED.get(kind, max(photo.size)):
        raise ValueError(
            f"{output}: {kind} holds at most {LONGEST_SAVED[kind]:,} pixels a side, the "
            f"picture has {photo.width} x {photo.height}; save it as .png"
        )
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    options = options | save_options(kind, photo.info, str(output))
    with replacing(output) as file:
        photo.save(file, kind, icc_profile=srgb, **options)


def _format_of(output):
    suffix = Path(output).suffix.lower()
    if suffix not in FORMATS:
        raise ValueError(f"{output}: unknown suffix; use one of {', '.join(FORMATS)}")
    return FORMATS[suffix]


def _see(network, l, size):
    """Colors at the network's own size: float32 ``(B, 2, h, w)`` on its device."""
    seen_at = network_size(*l.shape[-2:], size, sides_divisible_by(network))
    seen = F.interpolate(l, seen_at, mode="bicubic", antialias=True)
    device = next(network.parameters()).device
    return network(seen.clamp(-1, 1).to(device)).float()


def _enlarged(ab, rows, height, width):
    """Some rows of what F.interpolate makes of ab in ``(height, width)``, bicubically.

    Keys, 1981, with a = -0.75: a row needs four small ones, so a picture of any shape
    costs what its pixels cost. A matrix for a side of two million would take gigabytes.
    """
    at = torch.arange(rows.start, rows.stop, dtype=torch.float64) + 0.5
    at = at * (ab.shape[-2] / height) - 0.5
    four = torch.arange(-1, 3)
    x = ((at - at.floor())[:, None] - four).abs()
    near, far = (1.25 * x - 2.25) * x**2 + 1, ((3.75 - 0.75 * x) * x - 6) * x + 3
    weights = torch.where(x <= 1, near, far).float()[..., None]
    index = (at.floor().long()[:, None] + four).clamp(0, ab.shape[-2] - 1)
    few = (ab[..., index, :] * weights).sum(-2)
    return F.interpolate(few, (len(at), width), mode="bicubic")

"""From any kind of Pillow image to mode RGB in sRGB.

Palettes, gray, transparency, 16 bits, CMYK, Lab, and embedded color profiles.
"""

from functools import cache
from io import BytesIO

import numpy as np
from PIL import Image, ImageCms


def to_srgb(image: Image.Image) -> Image.Image:
    """Convert a loaded image to mode RGB, 8 bits, sRGB.

    16-bit gray is scaled by 1/257 (Pillow's own conversion would clip everything above
    255 to white). Transparency is composited onto WHITE: a logo on nothing becomes a
    logo on paper. A picture without an embedded profile is taken to be sRGB; an
    embedded profile that is damaged, or meant for another kind of image, is ignored, as
    browsers do.

    Raises:
        ValueError: 32-bit or floating-point values, which say nothing of what is white.
    """
    profile = image.info.get("icc_profile")
    image = _on_white(_to_8_bits(image))
    if image.mode not in ("RGB", "L", "CMYK", "LAB"):
        image = image.convert("L" if image.mode == "1" else "RGB")
    if image.mode == "LAB":
        return ImageCms.profileToProfile(
            image, ImageCms.createProfile("LAB"), _srgb(), outputMode="RGB"
        )
    if profile:
        image = _from_profile(image, profile)
    return image.convert("RGB")


def _to_8_bits(image):
    if not image.mode.startswith(("I", "F")):
        return image
    values = np.asarray(image)
    # Mode I holds 32 bits, but is also what older Pillows make of a 16-bit PNG.
    if image.mode == "F" or values.min() < 0 or values.max() > 65535:
        raise ValueError("values of 32 bits with no known white")
    return Image.fromarray(((values.astype(np.int64) + 128) // 257).astype(np.uint8))


def _on_white(image):
    if not image.has_transparency_data:
        return image
    image = image.convert("RGBA")
    white = Image.new("RGBA", image.size, "white")
    return Image.alpha_composite(white, image).convert("RGB")


def _from_profile(image, profile):
    try:
        source = ImageCms.ImageCmsProfile(BytesIO(profile))
        # Most embedded profiles ARE sRGB: to convert those costs time and a rounding.
        if ImageCms.getProfileDescription(source).startswith("sRGB"):
            return image
        return ImageCms.profileToProfile(image, source, _srgb(), outputMode="RGB")
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
        return image


@cache
def _srgb():
    return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB"))

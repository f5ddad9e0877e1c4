"""From any kind of Pillow image to mode RGB in sRGB.

Palettes, gray, transparency, 16 bits, CMYK, Lab, and color profiles: embedded ones, and
what a PNG says of its curve and primaries.
"""

import struct
from functools import lru_cache
from io import BytesIO

import numpy as np
from PIL import Image, ImageCms

# What a PNG of sRGB says of its curve, and the primaries and white of sRGB (x, y).
PNG_GAMMA = 0.45455
PRIMARIES = (0.3127, 0.3290, 0.64, 0.33, 0.30, 0.60, 0.15, 0.06)
NO_OPTIMIZE = 0x100  # of LittleCMS
D50 = (0.9642, 1.0, 0.8249)  # the white to which every profile refers
BRADFORD = (
    (0.8951, 0.2664, -0.1614),
    (-0.7502, 1.7135, 0.0367),
    (0.0389, -0.0685, 1.0296),
)


def to_srgb(image: Image.Image) -> Image.Image:
    """Convert a loaded image to mode RGB, 8 bits, sRGB.

    16-bit gray is scaled by 1/257 (Pillow's own conversion would clip everything above
    255 to white). Transparency is composited onto WHITE, after the colors were
    converted: a logo on nothing becomes a logo on paper. A picture without a profile is
    taken to be sRGB, unless it is a PNG that names another curve or other primaries; an
    embedded profile that is damaged, or meant for another kind of image, is ignored, as
    browsers do.

    Raises:
        ValueError: 32-bit or floating-point values, which say nothing of what is white.
    """
    profile = image.info.get("icc_profile") or _profile_of_png(image)
    image, alpha = _split(image)
    if image.mode == "LAB":
        return ImageCms.profileToProfile(
            image, ImageCms.createProfile("LAB"), _srgb(), outputMode="RGB"
        )
    image = _from_profile(image, profile) if profile else image
    image = image.convert("RGB")
    if alpha is None:
        return image
    paper = Image.new("RGB", image.size, "white")
    paper.paste(image, mask=alpha)
    return paper


def load(image: Image.Image) -> None:
    """Load an opened image; a PNG's transparent value becomes an alpha channel.

    Pillow compares that value with pixels of 8 bits, whatever the file's number of
    bits, and so finds it in hardly any gray or 16-bit PNG.
    """
    raw = image.tile[0][3] if image.format == "PNG" and image.tile else None
    image.load()
    value = image.info.get("transparency")
    if value is None or image.mode == "P":
        return
    if raw in ("L;2", "L;4"):
        image.info["transparency"] = value * (85 if raw == "L;2" else 17)
    elif raw == "RGB;16B":  # of which the lower bytes are gone
        image.info["transparency"] = tuple(x >> 8 for x in value)


# ------------------------------------------------------------ bits and transparency


def _split(image):
    """8 bits in mode L, RGB, CMYK or LAB, and the alpha channel or None."""
    if image.mode.startswith(("I", "F")):
        values, image = np.asarray(image), _to_8_bits(image)
        transparent = image.info.get("transparency")
        if transparent is None:
            return image, None
        return image, Image.fromarray(np.uint8(255) * (values != transparent))
    if image.mode in ("La", "RGBa"):  # premultiplied
        image = image.convert(image.mode.replace("a", "A"))
    if image.has_transparency_data:
        gray = image.mode in ("1", "L", "LA")
        image = image.convert("LA" if image.mode == "LA" else "RGBA")
        *colors, alpha = image.split()
        if gray:
            return colors[0], alpha
        return Image.merge("RGB", colors), alpha
    if image.mode not in ("RGB", "L", "CMYK", "LAB"):
        image = image.convert("L" if image.mode == "1" else "RGB")
    return image, None


def _to_8_bits(image):
    values = np.asarray(image)
    # Mode I holds 32 bits, but is also what older Pillows make of a 16-bit PNG.
    if image.mode == "F" or values.min() < 0 or values.max() > 65535:
        raise ValueError("values of 32 bits with no known white")
    eight = Image.fromarray(((values.astype(np.int64) + 128) // 257).astype(np.uint8))
    eight.info = image.info
    return eight


# ------------------------------------------------------------ profiles


def _from_profile(image, profile):
    try:
        transform = _transform(profile, image.mode)
        if isinstance(transform, list):
            return image.point(transform)
        return ImageCms.applyTransform(image, transform) if transform else image
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
        return image


@lru_cache(8)
def _transform(profile, mode):
    """To sRGB: of mode L a table, else a transform, None if it changes next to nothing.

    Most embedded profiles ARE sRGB, and to convert those costs time and a rounding. A
    name proves nothing, so colors are tried.
    """
    source = ImageCms.ImageCmsProfile(BytesIO(profile))
    if mode == "L":
        # Unoptimized: for speed the library would bend a steep curve at 33 points only.
        exact = ImageCms.buildTransform(source, _srgb(), "L", "RGB", flags=NO_OPTIMIZE)
        ramp = Image.fromarray(np.arange(256, dtype=np.uint8)[None])
        return list(ImageCms.applyTransform(ramp, exact).getchannel("G").tobytes())
    transform = ImageCms.buildTransform(source, _srgb(), mode, "RGB")
    if mode != "RGB":
        return transform
    steps = np.arange(0, 256, 15, dtype=np.uint8)
    colors = np.stack(np.meshgrid(steps, steps, steps), -1).reshape(1, -1, 3)
    tried = ImageCms.applyTransform(Image.fromarray(colors), transform)
    change = np.asarray(tried).astype(int) - colors
    return transform if abs(change).max() > 1 else None


def _profile_of_png(image):
    """The profile that a PNG means by its chunks gAMA and cHRM, or None."""
    if image.format != "PNG" or "srgb" in image.info:
        return None
    gamma = image.info.get("gamma") or PNG_GAMMA
    primaries = image.info.get("chromaticity") or PRIMARIES
    is_usual = abs(gamma - PNG_GAMMA) < 0.01 and np.allclose(
        primaries, PRIMARIES, atol=0.002
    )
    if is_usual or not 0.1 < gamma < 10:
        return None
    gray = image.mode in ("1", "L", "LA") or image.mode.startswith("I")
    return _matrix_profile(gamma, primaries, gray)


def _matrix_profile(gamma, primaries, gray):
    """An ICC profile, version 2: sRGB's curve where gamma is sRGB's, and primaries."""
    codes = np.linspace(0, 1, 1024) ** (PNG_GAMMA / gamma)
    light = np.where(codes <= 0.04045, codes / 12.92, ((codes + 0.055) / 1.055) ** 2.4)
    values = np.rint(light * 65535).astype(">u2").tobytes()
    curve = b"curv\0\0\0\0" + struct.pack(">I", len(light)) + values
    tags = {b"wtpt": _xyz(D50), b"kTRC": curve}
    if not gray:
        red, green, blue = map(_xyz, _adapted(primaries))
        tags = {b"wtpt": _xyz(D50), b"rXYZ": red, b"gXYZ": green, b"bXYZ": blue}
        tags |= dict.fromkeys((b"rTRC", b"gTRC", b"bTRC"), curve)
    table, body, start = b"", b"", 132 + 12 * len(tags)
    for tag, data in tags.items():
        table += tag + struct.pack(">II", start + len(body), len(data))
        body += data
    header = struct.pack(
        ">I4sI4s4s4s12x4s28x3I48x", start + len(body), b"", 0x02100000, b"mntr",
        b"GRAY" if gray else b"RGB ", b"XYZ ", b"acsp",
        *(round(x * 65536) for x in D50),
    )  # fmt: skip
    return header + struct.pack(">I", len(tags)) + table + body


def _adapted(primaries):
    """XYZ of red, green and blue of a PNG's cHRM (white first), seen under D50."""
    xy = np.reshape(primaries, (4, 2))
    xyz = np.stack([xy[:, 0], xy[:, 1], 1 - xy.sum(1)]) / xy[:, 1]
    white, rgb = xyz[:, 0], xyz[:, 1:]
    rgb = rgb * np.linalg.solve(rgb, white)
    cones = np.array(BRADFORD)
    gain = np.diag((cones @ D50) / (cones @ white))
    return (np.linalg.inv(cones) @ gain @ cones @ rgb).T


def _xyz(values):
    return b"XYZ \0\0\0\0" + struct.pack(">3i", *(round(x * 65536) for x in values))


@lru_cache(1)
def _srgb():
    return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB"))

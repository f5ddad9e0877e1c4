"""What a file says of a photograph besides its pixels: EXIF, and the resolution.

It is written afresh for the result, never copied blindly: pictures are turned upright,
thumbnails are gray, addresses inside maker notes no longer hold, and each format takes
something else. Metadata never costs the picture.
"""

import logging
import warnings
from collections.abc import Mapping
from io import BytesIO
from pathlib import Path

from PIL import Image
from PIL.ExifTags import IFD, Base

# Of the first directory: what is said of the picture, not how the file stores it.
DESCRIPTIVE = (
    Base.DocumentName, Base.ImageDescription, Base.Make, Base.Model, Base.PageName,
    Base.Software, Base.DateTime, Base.Artist, Base.HostComputer, Base.Copyright,
    Base.Rating, Base.RatingPercent,
    Base.XPTitle, Base.XPComment, Base.XPAuthor, Base.XPKeywords, Base.XPSubject,
)  # fmt: skip
LEFT_OUT = (Base.MakerNote, IFD.Interop, 0xEA1C, 0xEA1D)  # the last two: padding
RESOLUTION = (Base.XResolution, Base.YResolution)
INCH, CENTIMETER = 2, 3
MADE_BY = "colorize (Learning to Colorize)"


# Not warnings: a program that turns those into errors must not lose a picture to them.
LOG = logging.getLogger(__name__)


def orientation_of(image: Image.Image) -> int:
    """1 to 8, as EXIF counts; 1, as it lies, where nothing sensible is said."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            orientation = image.getexif().get(Base.Orientation)
    except Exception:  # Pillow raises nearly anything on damaged EXIF
        return 1
    return orientation if orientation in range(1, 9) else 1


def metadata_of(image: Image.Image, name: str = "picture") -> dict:
    """What comes along of an opened picture.

    Returns:
        ``exif``: its descriptions, dates, camera and place, as bytes ready for
        ``image.save(..., exif=...)`` of the upright picture, ``b""`` if there are none;
        and ``dpi``, a pair, if the file names a resolution. XMP, IPTC, maker notes and
        thumbnails stay behind.

    Damaged EXIF is logged as a warning.
    """
    exif, is_sound = _loaded(image)
    if not is_sound:
        LOG.warning("%s: its EXIF is damaged; what cannot be read stays behind", name)
    across, down = dpi = _dpi_of(image, exif)
    size = image.size
    if orientation_of(image) >= 5:
        size, dpi = size[::-1], (down, across)
    kept = _kept(exif)
    if details := kept.get(IFD.Exif):
        details |= {Base.ExifImageWidth: size[0], Base.ExifImageHeight: size[1]}
        details[Base.ColorSpace] = 1  # sRGB
    if across:
        kept |= dict(zip(RESOLUTION, dpi, strict=True)) | {Base.ResolutionUnit: INCH}
    return {"exif": _bytes(kept)} | ({"dpi": dpi} if across else {})


def exif_of_tags(tags: Mapping) -> bytes:
    """EXIF bytes from the tags of a TIFF's page: what is said of the picture."""
    wanted = (*DESCRIPTIVE, Base.Orientation, *RESOLUTION, Base.ResolutionUnit)
    return _bytes(_writable({tag: tags[tag] for tag in wanted if tags.get(tag)}))


def save_options(kind: str, info: Mapping, name: str) -> dict:
    """Arguments of Pillow's ``save`` for what a format can hold of a picture's info.

    The result is marked as made by ``colorize``, see :func:`is_colorized`.

    Args:
        kind: the format, as Pillow calls it.
        info: what :func:`metadata_of` returns, or a part of it.
        name: what a warning calls it.

    EXIF that the format cannot hold is left out, and that is logged as a warning.
    """
    mark = {Base.ProcessingSoftware: MADE_BY}
    carrier = Image.new("L", (8, 8))
    carrier.info["exif"] = info.get("exif", b"")
    exif, is_sound = _loaded(carrier)
    resolution = {tag: exif[tag] for tag in (*RESOLUTION, 296) if tag in exif}
    whole = _kept(exif) | resolution | mark
    for kept in (whole, mark, {}):
        options = _options(kind, kept, info.get("dpi"))
        if _can_be_saved(kind, options):
            break
    if kept is not whole or not is_sound:
        LOG.warning("%s: EXIF that a %s file cannot hold is left out", name, kind)
    return options


def is_colorized(file: str | Path) -> bool:
    """Whether a picture file says that ``colorize`` made it; only its head is read."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with Image.open(file) as image:
                return image.getexif().get(Base.ProcessingSoftware) == MADE_BY
    except Exception:  # what cannot be read is not ours; to say why is others' work
        return False


# ------------------------------------------------------------ reading


def _loaded(image):
    """Its EXIF, and whether all of it could be read."""
    exif, data = Image.Exif(), image.info.get("exif", b"")
    try:
        with warnings.catch_warnings(record=True) as complaints:
            warnings.simplefilter("always")
            if data:
                exif.load(data)
            else:
                exif = image.getexif()  # of a TIFF, its own tags
            for ifd in (IFD.Exif, IFD.GPSInfo):
                exif.get_ifd(ifd)
            dict(exif)
    except Exception:  # Pillow raises nearly anything on damaged EXIF
        return Image.Exif(), False
    return exif, not complaints


def _dpi_of(image, exif):
    """Dots per inch across and down of the picture as it lies, or (0, 0)."""
    info = image.info
    # JPEG's own head may name numbers that mean nothing; a TIFF's are in its tags.
    is_stated = "dpi" in info and image.format != "TIFF"
    if image.format in ("JPEG", "MPO"):
        is_stated &= bool(info.get("jfif_unit"))
    factor = {INCH: 1, CENTIMETER: 2.54}.get(exif.get(Base.ResolutionUnit, INCH), 0)
    try:
        dpi = [float(exif[tag]) * factor for tag in RESOLUTION if tag in exif]
        if len(dpi) < 2 and is_stated:
            dpi = [float(x) for x in info["dpi"]]
        across, down = (round(x, 2) for x in dpi)
    except (ValueError, TypeError, ZeroDivisionError, OverflowError):
        return 0, 0
    return (across, down) if 1 < across < 1e6 and 1 < down < 1e6 else (0, 0)


def _kept(exif):
    kept = {tag: exif[tag] for tag in DESCRIPTIVE if exif.get(tag)}
    for ifd in (IFD.Exif, IFD.GPSInfo):
        details = exif.get_ifd(ifd).items()
        kept[ifd] = {tag: value for tag, value in details if tag not in LEFT_OUT}
    return _writable({tag: value for tag, value in kept.items() if value})


# ------------------------------------------------------------ writing


def _writable(tags):
    """Those tags of which Pillow can make bytes again: damaged ones it cannot."""
    if _can_be_written(tags):
        return tags
    sound = {}
    for tag, value in tags.items():
        if isinstance(value, dict):
            value = {t: v for t, v in value.items() if _can_be_written({tag: {t: v}})}
        if value and _can_be_written({tag: value}):
            sound[tag] = value
    return sound


def _can_be_written(tags):
    try:
        _bytes(tags)
    except Exception:  # whatever a damaged value is
        return False
    return True


def _bytes(tags):
    if not tags:
        return b""
    exif = Image.Exif()
    for tag, value in _encoded(tags).items():
        exif[tag] = value
    return exif.tobytes()


def _encoded(value):
    if isinstance(value, dict):
        return {tag: _encoded(x) for tag, x in value.items()}
    # Pillow reads text as Latin-1, whatever it is, but writes ? for what is not ASCII.
    is_text = isinstance(value, str) and not value.isascii()
    return value.encode("latin-1", "replace") if is_text else value


def _options(kind, kept, dpi):
    options = {"dpi": dpi} if dpi else {}
    if kind != "TIFF":
        return options | ({"exif": _bytes(kept)} if kept else {})
    # Pillow cannot hand EXIF's inner directories to libtiff, which compresses; into an
    # uncompressed file it writes them itself. It costs a quarter more disk.
    has_inner = {IFD.Exif, IFD.GPSInfo} & kept.keys()
    compression = "raw" if has_inner else "tiff_deflate"
    return options | {"tiffinfo": _encoded(kept), "compression": compression}


def _can_be_saved(kind, options):
    try:
        Image.new("RGB", (8, 8)).save(BytesIO(), kind, **options)
    except Exception:  # by Pillow, by libtiff, by the length that a format allows
        return False
    return True

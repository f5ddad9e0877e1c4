"""Files of every kind are read right, or refused by name."""

import pickle
import struct
import warnings
import zlib
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageCms, ImageOps
from tiff_maker import packed

from colorize_lib.photos import reading
from colorize_lib.photos.reading import (
    PIXEL_LIMIT,
    UnreadablePhoto,
    open_photo,
    read_photo,
)

ORIENTATION = 0x0112
CASES = Path(__file__).parent.parent / "cases"


def file_of(image, format="PNG", **options):
    file = BytesIO()
    image.save(file, format, **options)
    return BytesIO(file.getvalue())


def smooth(width, height, seed=0, cells=6):
    random = np.random.default_rng(seed)
    coarse = random.integers(0, 256, (cells, cells, 3), dtype=np.uint8)
    return Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC)


def pillow_crop(image, size):
    """The same thing done by Pillow alone."""
    return ImageOps.fit(image, (size, size), Image.Resampling.BICUBIC)


def psnr(one, two):
    error = np.mean((np.asarray(one, float) - np.asarray(two, float)) ** 2)
    return 10 * np.log10(255**2 / max(error, 1e-9))


def array(pixels):
    return pixels.permute(1, 2, 0).numpy()


# ------------------------------------------------------------ shape and size


@given(
    st.integers(1, 60), st.integers(1, 60), st.integers(1, 40),
    st.sampled_from(["crop", "squash"]),
    st.sampled_from(["1", "L", "LA", "P", "RGB", "RGBA", "CMYK"]),
)  # fmt: skip
def test_any_picture_becomes_a_square_of_bytes(width, height, size, fit, mode):
    image = smooth(width, height).convert(mode)
    file = file_of(image, "TIFF" if mode == "CMYK" else "PNG")
    pixels = read_photo(file, size, fit=fit)
    assert pixels.shape == (3, size, size)
    assert pixels.dtype == torch.uint8
    assert pixels.is_contiguous()


@pytest.mark.parametrize(("width", "height"), [(90, 60), (60, 90), (60, 60), (300, 20)])
def test_crop_agrees_with_pillow(width, height):
    image = smooth(width, height)
    assert psnr(array(read_photo(file_of(image), 20)), pillow_crop(image, 20)) > 45


def test_squash_agrees_with_pillow():
    image = smooth(90, 60)
    expected = image.resize((20, 20), Image.Resampling.BICUBIC)
    assert psnr(array(read_photo(file_of(image), 20, fit="squash")), expected) > 45


def test_crop_keeps_the_middle():
    image = Image.new("RGB", (90, 30), "red")
    image.paste("blue", (30, 0, 60, 30))
    assert (array(read_photo(file_of(image), 30)) == (0, 0, 255)).all()


def test_a_picture_of_the_right_size_keeps_every_byte():
    image = smooth(32, 32)
    assert (array(read_photo(file_of(image), 32)) == np.asarray(image)).all()


def test_a_single_pixel():
    pixel = Image.new("RGB", (1, 1), (9, 8, 7))
    assert (array(read_photo(file_of(pixel), 5)) == (9, 8, 7)).all()
    assert open_photo(file_of(pixel)).size == (1, 1)


@pytest.mark.parametrize(
    ("size", "fit"), [(0, "crop"), (-3, "crop"), (2.5, "crop"), (8, "pad")]
)
def test_wrong_arguments(size, fit):
    with pytest.raises(ValueError, match="must be"):
        read_photo(file_of(smooth(9, 9)), size, fit=fit)


# ------------------------------------------------------------ JPEGs decoded small


def test_the_box_of_a_drafted_jpeg_is_used():
    # 1601 x 1601 for 50 pixels decodes at 1/8: 201 pixels, of which the picture fills
    # 200.125. The lines are fine enough for a stretch by 0.4 % to show at the far side.
    x = np.arange(1601)
    line = (127 + 120 * np.sin(2 * np.pi * x / 150)).astype(np.uint8)
    lines = line[None].repeat(1601, 0)
    file = file_of(Image.fromarray(lines).convert("RGB"), "JPEG", quality=95)
    full = Image.open(file)
    expected = full.resize((50, 50), Image.Resampling.BICUBIC)
    file.seek(0)
    drafted = Image.open(file)
    drafted.draft(None, (100, 100))
    assert drafted.size == (201, 201)
    without_box = drafted.resize((50, 50), Image.Resampling.BICUBIC)
    file.seek(0)
    got = psnr(array(read_photo(file, 50, fit="squash")), expected)
    assert got > 45
    assert got > psnr(without_box, expected) + 8


@pytest.mark.parametrize("orientation", [1, 3, 6, 7, 8])
@pytest.mark.parametrize("size", [(1000, 800), (1001, 803), (808, 1003), (1601, 1203)])
def test_a_drafted_jpeg_is_the_same_crop_as_the_full_decode(
    size, orientation, monkeypatch
):
    stored, exif = rotated(smooth(*size, cells=20), orientation)
    data = file_of(stored, "JPEG", quality=95, exif=exif).getvalue()
    drafted = array(read_photo(BytesIO(data), 64))
    monkeypatch.setattr(reading, "DRAFT_MARGIN", 10**6)  # no draft is that large
    assert psnr(drafted, array(read_photo(BytesIO(data), 64))) > 50


# ------------------------------------------------------------ upright


def rotated(image, orientation):
    """The image as a camera held another way stores it; the tag makes it upright."""
    undo = [
        None, None, Image.Transpose.FLIP_LEFT_RIGHT, Image.Transpose.ROTATE_180,
        Image.Transpose.FLIP_TOP_BOTTOM, Image.Transpose.TRANSPOSE,
        Image.Transpose.ROTATE_90, Image.Transpose.TRANSVERSE,
        Image.Transpose.ROTATE_270,
    ][orientation]  # fmt: skip
    exif = Image.Exif()
    exif[ORIENTATION], exif[0x010F] = orientation, "Maker"
    return (image.transpose(undo) if undo is not None else image), exif


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("format", ["PNG", "TIFF", "WEBP"])
def test_rotated_by_exif(orientation, format):
    image = smooth(60, 40)
    stored, exif = rotated(image, orientation)
    options = {"lossless": True} if format == "WEBP" else {}
    file = file_of(stored, format, exif=exif, **options)
    upright = open_photo(file)
    assert (np.asarray(upright) == np.asarray(image)).all()
    file.seek(0)
    assert (read_photo(file, 40) == read_photo(file_of(image), 40)).all()


@pytest.mark.parametrize("orientation", range(1, 9))
def test_rotated_and_drafted(orientation):
    image = smooth(803, 605, cells=8)
    stored, exif = rotated(image, orientation)
    file = file_of(stored, "JPEG", quality=95, exif=exif)
    assert psnr(array(read_photo(file, 50)), pillow_crop(image, 50)) > 40


def test_exif_is_kept_without_the_rotation():
    stored, exif = rotated(smooth(60, 40), 6)
    photo = open_photo(file_of(stored, "JPEG", exif=exif))
    again = Image.open(file_of(photo, "JPEG", exif=photo.info["exif"])).getexif()
    assert again[0x010F] == "Maker"
    assert again.get(ORIENTATION, 1) == 1


def test_every_case_that_was_wrong_is_read_right():
    black_is_zero = np.asarray(
        open_photo(CASES / "white-is-zero/same-black-is-zero.tif")
    )
    white_is_zero = np.asarray(open_photo(CASES / "white-is-zero/scan.tif"))
    assert np.array_equal(black_is_zero, white_is_zero)
    ramp = np.tile(np.linspace(0, 255, 96), (64, 1))
    ramp[:8, :8] = 255
    assert np.abs(black_is_zero - ramp[..., None]).max() <= 0.51
    twelve_bit = np.asarray(open_photo(CASES / "twelve-bit/scan12.tif"))
    assert np.abs(twelve_bit - ramp[..., None]).max() <= 0.51
    for name in ("L", "LA"):
        gray = open_photo(CASES / f"gray-profile/{name}.png")
        assert gray.getpixel((48, 32)) == (147, 147, 147)


# A PNG's one transparent value counts in the file's own bits.
@pytest.mark.parametrize("bits", [1, 2, 4, 8, 16])
def test_the_transparent_value_of_a_gray_png(bits):
    values = np.arange(2 ** min(bits, 8))[None] * (257 if bits == 16 else 1)
    transparent = int(values[0, 1])
    data = png(values, bits, color=0, transparent=[transparent])
    got = np.asarray(open_photo(BytesIO(data)))[0, :, 0].astype(int)
    expected = np.round(values[0] * 255 / (2**bits - 1))
    expected[1] = 255
    assert np.array_equal(got, expected)


@pytest.mark.parametrize("bits", [8, 16])
def test_the_transparent_value_of_a_color_png(bits):
    scale = 257 if bits == 16 else 1
    values = np.array([[[5, 6, 7], [5, 6, 90], [0, 0, 0]]]) * scale
    data = png(values, bits, color=2, transparent=[5 * scale, 6 * scale, 7 * scale])
    got = np.asarray(open_photo(BytesIO(data)))[0].tolist()
    assert got == [[255, 255, 255], [5, 6, 90], [0, 0, 0]]


def png(values, bits, color, transparent):
    """A PNG with a chunk tRNS, written by hand."""

    def chunk(kind, content):
        checksum = struct.pack(">I", zlib.crc32(kind + content))
        return struct.pack(">I", len(content)) + kind + content + checksum

    height, width = values.shape[:2]
    rows = b"".join(b"\0" + packed(row[None], bits, 1, ">") for row in values)
    head = struct.pack(">IIBBBBB", width, height, bits, color, 0, 0, 0)
    chunks = [
        (b"IHDR", head),
        (b"tRNS", struct.pack(f">{len(transparent)}H", *transparent)),
        (b"IDAT", zlib.compress(rows)),
        (b"IEND", b""),
    ]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunk(*parts) for parts in chunks)


def test_without_exif_there_are_no_bytes_and_no_other_info():
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    assert open_photo(file_of(smooth(6, 4), icc_profile=srgb)).info == {"exif": b""}


def test_damaged_exif_does_not_lose_the_picture():
    file = file_of(smooth(60, 40), "JPEG", exif=b"Exif\0\0II*\0\xff\xff\xff\xff")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert open_photo(file).size == (60, 40)


# ------------------------------------------------------------ kinds of files


def test_the_first_picture_of_an_animation_and_of_a_document():
    red, blue = Image.new("RGB", (8, 6), "red"), Image.new("RGB", (8, 6), "blue")
    for format in ("GIF", "TIFF", "WEBP"):
        options = {"lossless": True} if format == "WEBP" else {}
        file = file_of(red, format, save_all=True, append_images=[blue], **options)
        assert Image.open(file).n_frames == 2
        file.seek(0)
        assert open_photo(file).getpixel((3, 3)) == (255, 0, 0)


def test_cmyk_jpeg():
    cmyk = Image.new("CMYK", (16, 16), (0, 255, 255, 0))
    got = open_photo(file_of(cmyk, "JPEG", quality=100)).getpixel((8, 8))
    assert np.abs(np.subtract(got, (255, 0, 0))).max() <= 3


def test_sixteen_bit_files():
    values = np.linspace(0, 65535, 64).astype(np.uint16).reshape(8, 8)
    for format in ("PNG", "TIFF"):
        got = np.asarray(open_photo(file_of(Image.fromarray(values), format)))
        assert np.abs(got[..., 0] - values / 257).max() <= 0.5


def test_a_path_and_an_open_file_are_the_same(tmp_path):
    smooth(20, 20).save(tmp_path / "a.png")
    with (tmp_path / "a.png").open("rb") as file:
        assert (read_photo(file, 10) == read_photo(str(tmp_path / "a.png"), 10)).all()


def test_ninety_megapixels_are_read_even_when_warnings_are_errors():
    file = file_of(Image.new("1", (9_500, 9_500), 1))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert (read_photo(file, 8) == 255).all()


# ------------------------------------------------------------ refused


def png_claiming(width, height):
    chunk = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    header = struct.pack(">I", 13) + chunk + struct.pack(">I", zlib.crc32(chunk))
    no_data = b"\0\0\0\0IDAT" + struct.pack(">I", zlib.crc32(b"IDAT"))
    return b"\x89PNG\r\n\x1a\n" + header + no_data


def broken_files():
    jpeg = file_of(smooth(200, 200), "JPEG").getvalue()
    png = file_of(smooth(200, 200)).getvalue()
    middle = len(png) // 2
    flipped = png[:middle] + bytes([png[middle] ^ 255]) + png[middle + 1 :]
    no_white = file_of(Image.new("F", (4, 4), 0.5), "TIFF").getvalue()
    tiff = file_of(smooth(40, 40), "TIFF", compression="tiff_lzw").getvalue()
    webp = file_of(smooth(40, 40), "WEBP").getvalue()
    bmp = file_of(smooth(40, 40), "BMP").getvalue()
    return {
        "empty": (b"", "empty"),
        "text": (b"<html>404 not found</html>", "not a picture"),
        "heic": (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(100), "it is HEIC"),
        "cut_jpeg": (jpeg[: len(jpeg) // 2], "damaged or cut short"),
        "cut_png": (png[:middle], "damaged or cut short"),
        "cut_head": (jpeg[:20], "damaged or cut short JPEG"),
        "cut_gif": (b"GIF89a\x01", "damaged or cut short GIF"),
        "cut_webp": (webp[:30], "damaged or cut short"),
        "cut_tiff_head": (tiff[:6], "damaged or cut short TIFF"),
        "cut_bmp": (bmp[:200], "damaged or cut short"),
        "flipped_png": (flipped, "damaged"),
        "bomb": (png_claiming(60_000, 60_000), "3600000000"),
        "float": (no_white, "no known white"),
        "other_bmp": (
            bmp[:28] + b"\x07" + bmp[29:],
            "a kind of BMP that cannot be read",
        ),
    }


@pytest.mark.parametrize("kind", broken_files())
@pytest.mark.parametrize("read", [open_photo, lambda path: read_photo(path, 16)])
def test_broken_files_are_refused_by_name_with_reason_and_remedy(kind, read, tmp_path):
    content, reason = broken_files()[kind]
    path = tmp_path / f"{kind}.jpg"
    path.write_bytes(content)
    with pytest.raises(UnreadablePhoto, match=reason) as caught:
        read(path)
    assert str(path) in str(caught.value)
    assert caught.value.remedy in str(caught.value)


def test_a_bomb_is_refused_where_pillows_own_limit_is_off(monkeypatch):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", None)
    with pytest.raises(
        UnreadablePhoto, match=f"60000 x 60000 pixels, more than {PIXEL_LIMIT:,}"
    ):
        open_photo(BytesIO(png_claiming(60_000, 60_000)))


def test_the_error_survives_the_way_out_of_a_process():
    error = UnreadablePhoto("a.jpg", "is empty", "copy it again")
    error = pickle.loads(pickle.dumps(error))
    assert str(error) == "a.jpg: is empty; copy it again"


def test_errors_name_what_the_caller_names():
    with pytest.raises(UnreadablePhoto, match=r"^trip/1.jpg: "):
        read_photo(BytesIO(b""), 8, name="trip/1.jpg")


def test_a_missing_file_and_a_failing_disk_are_not_the_pictures_fault(tmp_path):
    class Failing(BytesIO):
        def read(self, *args):
            raise OSError(5, "Input/output error")

    with pytest.raises(FileNotFoundError):
        open_photo(tmp_path / "none.jpg")
    with pytest.raises(OSError, match="Input/output error"):
        read_photo(Failing(), 8)

"""Every kind of TIFF is read right, or refused by name."""

import sys
from io import BytesIO

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from tiff_maker import LONG, SHORT, tiff

from colorize_lib.photos.reading import UnreadablePhoto, count_pages, open_photo

pytest.importorskip("imagecodecs")
GRAY_RAMP = np.tile(np.linspace(0, 1, 64), (8, 1))
COLOR_RAMP = np.stack([GRAY_RAMP, GRAY_RAMP[:, ::-1], GRAY_RAMP**2], -1)
WHITE_IS_ZERO, BLACK_IS_ZERO, RGB = 0, 1, 2
UNSIGNED = (1, 2, 4, 8, 10, 12, 14, 16, 32)
NO_WHITE = [(bits, 2) for bits in (8, 16, 32)] + [(bits, 3) for bits in (16, 32, 64)]


def codes_of(data):
    return np.asarray(open_photo(BytesIO(data))).astype(int)


@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize("photometric", [WHITE_IS_ZERO, BLACK_IS_ZERO, RGB])
@pytest.mark.parametrize("bits", UNSIGNED)
def test_unsigned_values_are_read_right(bits, photometric, order):
    ramp = COLOR_RAMP if photometric == RGB else GRAY_RAMP
    values = np.round(ramp * (2**bits - 1)).astype(np.uint64)
    got = codes_of(tiff(values, bits, photometric, order=order))
    expected = np.atleast_3d(values / (2**bits - 1) * 255)
    if photometric == WHITE_IS_ZERO:
        expected = 255 - expected
    # Of 16-bit RGB Pillow takes the upper byte, which is up to one code too low.
    assert np.abs(got - expected).max() <= (
        1 if (bits, photometric) == (16, RGB) else 0.5
    )


@pytest.mark.parametrize("photometric", [WHITE_IS_ZERO, BLACK_IS_ZERO, RGB])
@pytest.mark.parametrize(("bits", "kind"), NO_WHITE)
def test_values_without_a_known_white_are_refused_by_name(bits, kind, photometric):
    ramp = COLOR_RAMP if photometric == RGB else GRAY_RAMP
    values = ramp if kind == 3 else np.round(ramp * (2 ** (bits - 1) - 1))
    for order in "<>":
        with pytest.raises(
            UnreadablePhoto, match=r"signed or floating.*no known white"
        ):
            codes_of(tiff(values, bits, photometric, kind=kind, order=order))


def test_sixty_four_bits_are_refused_by_name():
    with pytest.raises(UnreadablePhoto, match="a TIFF of 64 bits per sample"):
        codes_of(tiff(np.ones((8, 8)), 64, BLACK_IS_ZERO))


@given(st.integers(0, 4095), st.sampled_from([(1, "premultiplied"), (2, "straight")]))
def test_alpha_of_twelve_bits(alpha, storage):
    extra, storage = storage
    color = 2000 * alpha // 4095 if storage == "premultiplied" else 2000
    for colors, photometric in ((1, BLACK_IS_ZERO), (3, RGB)):
        values = np.full((4, 4, colors + 1), color)
        values[..., -1] = alpha
        got = codes_of(tiff(values, 12, photometric, tags=[(338, SHORT, [extra])]))
        share = alpha / 4095
        expected = 255 * (share * 2000 / 4095 + 1 - share)
        # A premultiplied color at an alpha of a few codes is known to a few codes only,
        # but so little of it shows that the sum is right.
        assert np.abs(got - expected).max() <= 2


def test_channels_stored_one_after_the_other():
    import tifffile

    values = np.round(COLOR_RAMP * (2**32 - 1)).astype(np.uint32)
    file = BytesIO()
    planes = np.moveaxis(values, -1, 0)
    tifffile.imwrite(file, planes, photometric="rgb", planarconfig="separate")
    assert np.abs(codes_of(file.getvalue()) - COLOR_RAMP * 255).max() <= 0.51


@pytest.mark.parametrize("compression", ["zlib", "lzw", "packbits"])
def test_compressed_negatives(compression):
    import tifffile

    values = np.round(GRAY_RAMP * 65535).astype(np.uint16)
    options = {"photometric": "miniswhite", "compression": compression}
    file = BytesIO()
    tifffile.imwrite(file, values, **options)
    got = codes_of(file.getvalue())
    assert np.abs(got - (255 - GRAY_RAMP * 255)[..., None]).max() <= 0.51


def without_tifffile(patch):
    patch.setitem(sys.modules, "tifffile", None)


def without_imagecodecs(patch):
    def missing(page):
        raise NotImplementedError("packints_decode requires the 'imagecodecs' package")

    patch.setattr("tifffile.TiffPage.asarray", missing)


def without_a_codec(patch):
    def missing(page):
        raise ValueError("<COMPRESSION.LZW: 5> requires the 'imagecodecs' package")

    patch.setattr("tifffile.TiffPage.asarray", missing)


@pytest.mark.parametrize(
    "patched", [without_tifffile, without_imagecodecs, without_a_codec]
)
def test_a_missing_package_is_named_as_the_remedy(patched, monkeypatch):
    patched(monkeypatch)
    with pytest.raises(UnreadablePhoto, match=r"pip install .*imagecodecs") as caught:
        codes_of(tiff(GRAY_RAMP * 100, 12, BLACK_IS_ZERO))
    assert "a TIFF of 12 bits per sample" in str(caught.value)


def test_a_turned_scan_that_pillow_cannot_read_becomes_upright():
    tags = [(274, SHORT, [6])]
    data = tiff(np.round(GRAY_RAMP * 4095), 12, BLACK_IS_ZERO, tags=tags)
    photo = open_photo(BytesIO(data))
    assert photo.size == (8, 64)
    column = np.asarray(photo)[:, 0, 0].astype(int)
    assert (np.diff(column) >= 0).all()


# ------------------------------------------------------------ pages and previews


def album(count, path):
    pages = [Image.new("L", (20, 10), 60 * n) for n in range(count)]
    pages[0].save(path, save_all=True, append_images=pages[1:])
    return path


def test_pages_are_counted_and_opened(tmp_path):
    path = album(3, tmp_path / "album.tif")
    assert count_pages(path) == 3
    shades = [open_photo(path, page=n).getpixel((0, 0))[0] for n in range(3)]
    assert shades == [0, 60, 120]
    with pytest.raises(IndexError, match="has 3 pages, not 4"):
        open_photo(path, page=3)
    Image.new("L", (8, 8)).save(tmp_path / "one.png")
    assert count_pages(tmp_path / "one.png") == 1
    with pytest.raises(IndexError, match="has one page, not 2"):
        open_photo(tmp_path / "one.png", page=1)


def test_previews_are_no_pages(tmp_path):
    import tifffile

    path = tmp_path / "scan.tif"
    with tifffile.TiffWriter(path) as writer:
        writer.write(np.full((8, 8), 9, np.uint8), subfiletype=1)
        writer.write(np.full((32, 32), 77, np.uint8))
    assert count_pages(path) == 1
    assert open_photo(path).size == (32, 32)
    assert open_photo(path).getpixel((0, 0))[0] == 77


@pytest.mark.parametrize(
    ("tags", "photometric", "words"),
    [
        ([(254, LONG, [1])], BLACK_IS_ZERO, "only a preview"),
        ([], 32803, "raw values"),
    ],
)
def test_a_cameras_raw_file_is_not_taken_for_its_preview(tags, photometric, words):
    with pytest.raises(UnreadablePhoto, match=words):
        codes_of(tiff(GRAY_RAMP * 255, 8, photometric, tags=tags))


def test_what_libtiff_says_stays_off_the_screen(capfd):
    file = BytesIO()
    Image.new("L", (64, 64), 7).save(file, "TIFF", compression="tiff_lzw")
    data = bytearray(file.getvalue())
    data[8:60] = bytes(52)
    with pytest.raises(UnreadablePhoto):
        codes_of(bytes(data))
    assert capfd.readouterr().err == ""

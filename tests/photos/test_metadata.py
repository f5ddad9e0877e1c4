"""What a file says of a photograph comes along, and never costs the picture."""

from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from PIL.ExifTags import GPS, IFD, Base

from colorize_lib.inference import FORMATS, save_photo
from colorize_lib.photos.metadata import MADE_BY, is_colorized, save_options
from colorize_lib.photos.reading import open_photo

CASES = Path(__file__).parent.parent / "cases"
DATE = "1999:01:01 00:00:00"
TURNED = [5, 6, 7, 8]


def full_exif(orientation=1):
    exif = Image.Exif()
    exif[Base.Orientation] = orientation
    exif[Base.ImageDescription] = "Großmutter, Riga".encode()
    exif[Base.DateTime], exif[Base.Make] = DATE, "Maker"
    exif[Base.XPTitle] = "Titel".encode("utf-16-le")
    exif[IFD.Exif] = {
        Base.DateTimeOriginal: DATE,
        Base.ExposureTime: 1 / 125,
        Base.ExifImageWidth: 60,
        Base.ExifImageHeight: 40,
        Base.MakerNote: b"secret" * 9,
    }
    exif[IFD.GPSInfo] = {GPS.GPSLatitudeRef: "N", GPS.GPSLatitude: (56.0, 57.0, 1.5)}
    return exif


def saved(photo, suffix, folder):
    output = folder / f"out{suffix}"
    save_photo(photo, output)
    image = Image.open(output)
    image.load()
    return image


def opened(tmp_path, name="in.jpg", size=(60, 40), **options):
    Image.new("L", size, 90).save(tmp_path / name, **options)
    return open_photo(tmp_path / name)


@pytest.mark.parametrize("suffix", FORMATS)
@pytest.mark.parametrize("orientation", [1, 3, 6])
def test_all_of_it_comes_along_in_every_format(suffix, orientation, tmp_path, caplog):
    photo = opened(tmp_path, exif=full_exif(orientation), dpi=(600, 300))
    image = saved(photo, suffix, tmp_path)
    exif, details = image.getexif(), image.getexif().get_ifd(IFD.Exif)
    assert exif.get(Base.Orientation, 1) == 1
    assert exif[Base.ImageDescription].encode("latin-1").decode() == "Großmutter, Riga"
    assert (exif[Base.DateTime], exif[Base.Make]) == (DATE, "Maker")
    assert bytes(exif[Base.XPTitle]) == "Titel".encode("utf-16-le")
    assert details[Base.DateTimeOriginal] == DATE
    assert float(details[Base.ExposureTime]) == pytest.approx(1 / 125)
    sides = (details[Base.ExifImageWidth], details[Base.ExifImageHeight])
    assert sides == image.size == ((40, 60) if orientation == 6 else (60, 40))
    assert Base.MakerNote not in details
    assert exif.get_ifd(IFD.GPSInfo)[GPS.GPSLatitude] == (56.0, 57.0, 1.5)
    dpi = (300, 600) if orientation == 6 else (600, 300)
    assert (exif[Base.XResolution], exif[Base.YResolution]) == dpi
    if suffix != ".webp":  # which has no other place for it
        assert [round(x) for x in image.info["dpi"]] == list(dpi)
    assert not caplog.records


@pytest.mark.parametrize("suffix", FORMATS)
@pytest.mark.parametrize("source", [".jpg", ".png", ".tif", ".bmp"])
def test_a_resolution_without_exif(source, suffix, tmp_path):
    photo = opened(tmp_path, f"in{source}", dpi=(600, 600))
    exif = saved(photo, suffix, tmp_path).getexif()
    assert round(exif[Base.XResolution]) == round(exif[Base.YResolution]) == 600


@pytest.mark.parametrize("name", ["jpg", "png", "tif"])
@pytest.mark.parametrize("suffix", FORMATS)
def test_the_resolution_of_the_cases(name, suffix, tmp_path):
    image = saved(open_photo(CASES / f"dpi/a.{name}"), suffix, tmp_path)
    assert image.getexif()[Base.XResolution] == 600


@pytest.mark.parametrize("name", ["o1", "scan", "lzw"])
@pytest.mark.parametrize("suffix", FORMATS)
def test_a_scan_in_tiff(name, suffix, tmp_path):
    image = saved(open_photo(CASES / f"tiff-orientation/{name}.tif"), suffix, tmp_path)
    assert image.size == ((96, 64) if name == "o1" else (64, 96))
    exif = image.getexif()
    assert exif[Base.ImageDescription] == "Grandmother, Riga"
    assert exif[Base.DateTime] == DATE
    assert exif[Base.XResolution] == exif[Base.YResolution] == 600
    assert exif.get(Base.Orientation, 1) == 1


@pytest.mark.parametrize("path", sorted(CASES.glob("exif-to-tiff/*.jpg")), ids=str)
def test_what_stopped_libtiff_becomes_a_tiff(path, tmp_path, caplog):
    photo = open_photo(path)
    image = saved(photo, ".tif", tmp_path)
    assert np.array_equal(np.asarray(image), np.asarray(photo))
    before, after = Image.open(path).getexif(), image.getexif()
    for tag in {*before} & {Base.Make, Base.Model, Base.Copyright, Base.Artist}:
        assert after[tag] == before[tag]
    for ifd in (IFD.Exif, IFD.GPSInfo):
        for tag, value in before.get_ifd(ifd).items():
            assert after.get_ifd(ifd)[tag] == value
    assert not caplog.records


@pytest.mark.parametrize("suffix", FORMATS)
def test_broken_exif_costs_a_line_not_the_picture(suffix, tmp_path, caplog):
    photo = open_photo(CASES / "broken-exif/c.jpg")
    assert saved(photo, suffix, tmp_path).size == (96, 64)
    assert [r.getMessage() for r in caplog.records] == [
        f"{CASES / 'broken-exif/c.jpg'}: its EXIF is damaged; what cannot be read "
        "stays behind"
    ]


@given(
    st.binary(max_size=300), st.integers(0, 2**16), st.sampled_from(sorted({*FORMATS}))
)
def test_no_damage_to_exif_costs_the_picture(noise, at, suffix):
    data = bytearray(full_exif(6).tobytes())
    start = 6 + at % (len(data) - 6)
    data[start : start + len(noise)] = noise
    file, out = BytesIO(), BytesIO()
    Image.new("L", (24, 16), 90).save(file, "JPEG", exif=bytes(data))
    photo = open_photo(BytesIO(file.getvalue()))
    kind, options = FORMATS[suffix]
    photo.save(out, kind, **options, **save_options(kind, photo.info, "out"))
    assert Image.open(BytesIO(out.getvalue())).size == photo.size


def test_exif_that_does_not_fit_is_left_out_with_a_line(tmp_path, caplog):
    exif = full_exif()
    exif[Base.ImageDescription] = "long " * 20_000  # a JPEG takes 65,533 bytes
    Image.new("L", (60, 40)).save(tmp_path / "in.png", exif=exif)
    photo = open_photo(tmp_path / "in.png")
    assert saved(photo, ".jpg", tmp_path).size == (60, 40)
    (record,) = caplog.records
    assert "out.jpg: EXIF that a JPEG file cannot hold is left out" in record.message
    assert is_colorized(tmp_path / "out.jpg")


@pytest.mark.parametrize("suffix", FORMATS)
def test_the_gray_thumbnail_does_not_come_along(suffix, tmp_path):
    assert Image.open(CASES / "thumbnail/upright.jpg").getexif().get_ifd(IFD.IFD1)
    image = saved(open_photo(CASES / "thumbnail/upright.jpg"), suffix, tmp_path)
    data = Path(image.filename).read_bytes()
    assert data.count(b"\xff\xd8\xff") == (1 if suffix in (".jpg", ".jpeg") else 0)


@pytest.mark.parametrize("suffix", FORMATS)
def test_a_result_says_what_made_it(suffix, tmp_path):
    photo = opened(tmp_path)
    assert not is_colorized(tmp_path / "in.jpg")
    assert not is_colorized(tmp_path / "none.jpg")
    image = saved(photo, suffix, tmp_path)
    assert is_colorized(image.filename)
    assert image.getexif()[Base.ProcessingSoftware] == MADE_BY

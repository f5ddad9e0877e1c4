"""Every kind of image becomes the right sRGB."""

import struct
import zlib
from io import BytesIO

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageCms

from colorize_lib.photos.srgb import PNG_GAMMA, load, to_srgb
from colorize_lib.photos.srgb import PRIMARIES as SRGB

RED, BLUE, WHITE = (255, 0, 0), (0, 0, 255), (255, 255, 255)


def color_of(image):
    assert image.mode == "RGB"
    return image.getpixel((0, 0))


def solid(mode, color):
    return Image.new(mode, (4, 3), color)


@pytest.mark.parametrize(
    ("image", "expected"),
    [
        (solid("RGB", (12, 34, 56)), (12, 34, 56)),
        (solid("L", 77), (77, 77, 77)),
        (solid("1", 1), WHITE),
        (solid("1", 0), (0, 0, 0)),
        (solid("CMYK", (0, 255, 255, 0)), RED),
        (solid("RGB", RED).convert("P", palette=Image.Palette.ADAPTIVE), RED),
        (solid("YCbCr", (29, 255, 107)), (0, 0, 254)),
        (solid("RGBA", (0, 0, 255, 255)), BLUE),
        (solid("RGBA", (0, 0, 255, 0)), WHITE),
        (solid("RGBA", (0, 0, 255, 51)), (204, 204, 255)),
        (solid("LA", (0, 51)), (204, 204, 204)),
        (Image.fromarray(np.full((3, 4), 65535, np.uint16)), WHITE),
        (Image.fromarray(np.full((3, 4), 257 * 100, np.uint16)), (100, 100, 100)),
        (Image.fromarray(np.full((3, 4), 257 * 100, np.int32)), (100, 100, 100)),
    ],
)
def test_every_mode(image, expected):
    assert color_of(to_srgb(image)) == expected


def test_sixteen_bits_are_rounded_not_clipped():
    values = np.arange(65536, dtype=np.uint16).reshape(256, 256)
    got = np.asarray(to_srgb(Image.fromarray(values)))[..., 0]
    assert (got == np.round(values / 257)).all()


def test_palette_with_a_transparent_entry():
    image = Image.new("P", (4, 3), 0)
    image.putpalette([*RED, *BLUE])
    image.putpixel((1, 0), 1)
    image.info["transparency"] = 0
    got = to_srgb(image)
    assert (got.getpixel((0, 0)), got.getpixel((1, 0))) == (WHITE, BLUE)


def test_transparent_color_of_an_rgb_image():
    image = solid("RGB", RED)
    image.info["transparency"] = RED
    assert color_of(to_srgb(image)) == WHITE


def test_lab_image():
    lab = ImageCms.profileToProfile(
        solid("RGB", (200, 30, 60)),
        ImageCms.createProfile("sRGB"),
        ImageCms.createProfile("LAB"),
        outputMode="LAB",
    )
    assert np.abs(np.subtract(color_of(to_srgb(lab)), (200, 30, 60))).max() <= 3


@pytest.mark.parametrize("values", [[[0.5]], [[-1]], [[70000]]])
def test_values_without_a_known_white_are_refused(values):
    dtype = np.float32 if values == [[0.5]] else np.int32
    image = Image.fromarray(np.array(values, dtype))
    with pytest.raises(ValueError, match="no known white"):
        to_srgb(image)


# ------------------------------------------------------------ color profiles


def icc_profile(space, tags, name=b"test"):
    """The bytes of a small ICC profile, version 2, written by hand."""
    description = b"desc\0\0\0\0" + struct.pack(">I", len(name) + 1) + name + b"\0" * 79
    tags = {
        b"desc": description,
        b"wtpt": xyz(0.9642, 1, 0.8249),
        b"cprt": b"text\0\0\0\0none\0",
        **tags,
    }
    table, body, offset = b"", b"", 132 + 12 * len(tags)
    for tag, data in tags.items():
        table += tag + struct.pack(">II", offset + len(body), len(data))
        body += data + b"\0" * (-len(data) % 4)
    header = struct.pack(
        ">I4sI4s4s4s12s4s4sIII8sI12s4s44s",
        offset + len(body), b"none", 0x02100000, b"mntr", space, b"XYZ ", b"\0" * 12,
        b"acsp", b"none", 0, 0, 0, b"\0" * 8, 0,
        struct.pack(">III", 63190, 65536, 54061), b"none", b"\0" * 44,
    )  # fmt: skip
    return header + struct.pack(">I", len(tags)) + table + body


def xyz(*values):
    return b"XYZ \0\0\0\0" + struct.pack(
        ">3i", *(round(value * 65536) for value in values)
    )


def gamma(value):
    return b"curv\0\0\0\0" + struct.pack(">IH", 1, round(value * 256))


# sRGB's own primaries, adapted to D50: red, green, blue.
PRIMARIES = [
    (0.4361, 0.2225, 0.0139),
    (0.3851, 0.7169, 0.0971),
    (0.1431, 0.0606, 0.7141),
]


def rgb_profile(order, name=b"test"):
    """A profile in which the channels mean sRGB's primaries in this order."""
    tags = {
        tag: xyz(*PRIMARIES[i])
        for tag, i in zip([b"rXYZ", b"gXYZ", b"bXYZ"], order, strict=True)
    }
    curves = dict.fromkeys([b"rTRC", b"gTRC", b"bTRC"], gamma(2.2))
    return icc_profile(b"RGB ", {**tags, **curves}, name)


def with_profile(image, profile):
    image.info["icc_profile"] = profile
    return image


def test_an_embedded_profile_is_followed():
    # In this profile the first channel is green, and the second red.
    got = color_of(to_srgb(with_profile(solid("RGB", RED), rgb_profile([1, 0, 2]))))
    assert np.abs(np.subtract(got, (0, 255, 0))).max() <= 2


def test_a_gray_profile_is_followed():
    linear = icc_profile(b"GRAY", {b"kTRC": gamma(1.0)})
    got = color_of(to_srgb(with_profile(solid("L", 128), linear)))
    assert np.abs(np.subtract(got, 188)).max() <= 1  # half the light is code value 188


def test_a_profile_goes_by_its_curves_and_primaries_whatever_its_name():
    # The channels are swapped inside.
    called_srgb = rgb_profile([1, 0, 2], name=b"sRGB IEC61966-2.1")
    got = color_of(to_srgb(with_profile(solid("RGB", RED), called_srgb)))
    assert np.abs(np.subtract(got, (0, 255, 0))).max() <= 2


@pytest.mark.parametrize("color", [(12, 34, 56), (0, 0, 0), (255, 1, 254)])
def test_srgb_under_any_name_changes_nothing(color):
    real = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    other_name = real.replace(b"s\0R\0G\0B\0", b"m\0i\0n\0e\0")
    for profile in (real, other_name):
        assert color_of(to_srgb(with_profile(solid("RGB", color), profile))) == color


@pytest.mark.parametrize("mode", ["LA", "RGBA"])
def test_a_profile_holds_for_the_colors_under_an_alpha_channel(mode):
    linear = icc_profile(b"GRAY", {b"kTRC": gamma(1.0)})
    swapped = rgb_profile([1, 0, 2])
    color, profile = (
        ((128, 255), linear) if mode == "LA" else ((255, 0, 0, 255), swapped)
    )
    opaque = color_of(to_srgb(with_profile(solid(mode, color), profile)))
    expected = (188, 188, 188) if mode == "LA" else (0, 255, 0)
    assert np.abs(np.subtract(opaque, expected)).max() <= 2
    # Through clear glass the paper stays white, whatever the profile says of white.
    clear = (*color[:-1], 0)
    assert color_of(to_srgb(with_profile(solid(mode, clear), profile))) == WHITE


def test_premultiplied_gray_and_color():
    # Half-transparent mid gray (100 of 255), stored already multiplied by its alpha.
    stored = Image.frombytes("La", (1, 1), bytes([round(100 * 128 / 255), 128]))
    expected = 100 * 128 / 255 + 255 * 127 / 255
    assert np.abs(np.subtract(color_of(to_srgb(stored)), expected)).max() <= 1.5
    stored = Image.frombytes("RGBa", (1, 1), bytes([50, 0, 0, 128]))
    expected = (50 + 127, 127, 127)
    assert np.abs(np.subtract(color_of(to_srgb(stored)), expected)).max() <= 1.5


# ------------------------------------------------------------ what a PNG says


def opened_png(image, *chunks):
    """The image as a PNG with more chunks, opened and loaded."""
    file = BytesIO()
    image.save(file, "PNG")
    data = file.getvalue()
    more = b"".join(
        struct.pack(">I", len(content))
        + kind
        + content
        + struct.pack(">I", zlib.crc32(kind + content))
        for kind, content in chunks
    )
    opened = Image.open(BytesIO(data[:33] + more + data[33:]))
    load(opened)
    return opened


def gama(value):
    return b"gAMA", struct.pack(">I", round(value * 100_000))


def chrm(*numbers):
    return b"cHRM", struct.pack(">8I", *(round(x * 100_000) for x in numbers))


@given(st.integers(0, 255), st.floats(0.3, 1.2))
def test_the_curve_that_a_png_names_is_followed(code, value):
    expected = 255 * (code / 255) ** (PNG_GAMMA / value)
    for mode, color in (("L", code), ("LA", (code, 255)), ("1", code // 128)):
        got = color_of(to_srgb(opened_png(solid(mode, color), gama(value))))
        wanted = 255 * (code // 128) if mode == "1" else expected
        assert np.abs(np.subtract(got, wanted)).max() <= 1
    if code > 20:  # below, LittleCMS itself is coarse
        got = color_of(to_srgb(opened_png(solid("RGB", (code,) * 3), gama(value))))
        assert np.abs(np.subtract(got, expected)).max() <= 2


def test_srgbs_own_curve_and_primaries_change_nothing():
    color = (12, 134, 56)
    srgb = chrm(*SRGB)
    for chunks in ([gama(0.45455)], [gama(0.45455), srgb], [gama(1), (b"sRGB", b"\0")]):
        assert color_of(to_srgb(opened_png(solid("RGB", color), *chunks))) == color


def test_the_primaries_that_a_png_names_are_followed():
    # Adobe RGB (1998): its green is outside sRGB, its neutral colors stay neutral.
    adobe = chrm(0.3127, 0.3290, 0.64, 0.33, 0.21, 0.71, 0.15, 0.06)
    for color in ((200, 200, 200), (120, 100, 60)):
        image = opened_png(solid("RGB", color), gama(0.45455), adobe)
        got = np.array(color_of(to_srgb(image)))
        assert np.abs(got - adobe_to_srgb(color)).max() <= 2


def adobe_to_srgb(color):
    """By the matrices that both standards print, D65 to D65."""
    to_xyz = [
        [0.57667, 0.18556, 0.18823],
        [0.29734, 0.62736, 0.07529],
        [0.02703, 0.07069, 0.99134],
    ]
    to_linear = [
        [3.24063, -1.53721, -0.49863],
        [-0.96893, 1.87576, 0.04152],
        [0.05571, -0.20402, 1.05700],
    ]
    codes = np.array(color) / 255
    light = np.where(codes <= 0.04045, codes / 12.92, ((codes + 0.055) / 1.055) ** 2.4)
    light = np.array(to_linear) @ (np.array(to_xyz) @ light)
    curve = np.where(
        light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055
    )
    return 255 * curve


def test_an_embedded_profile_comes_before_what_chunks_say():
    image = opened_png(solid("RGB", RED), gama(0.3))
    got = color_of(to_srgb(with_profile(image, rgb_profile([1, 0, 2]))))
    assert np.abs(np.subtract(got, (0, 255, 0))).max() <= 2


@pytest.mark.parametrize("profile", [b"nonsense", b"", rgb_profile([1, 0, 2])[:150]])
def test_a_damaged_profile_is_ignored(profile):
    assert color_of(to_srgb(with_profile(solid("RGB", RED), profile))) == RED


def test_a_profile_of_another_kind_of_image_is_ignored():
    image = with_profile(solid("L", 77), rgb_profile([1, 0, 2]))
    assert color_of(to_srgb(image)) == (77, 77, 77)


def test_the_test_profile_is_one():
    profile = ImageCms.ImageCmsProfile(BytesIO(rgb_profile([0, 1, 2])))
    assert profile.profile.xcolor_space == "RGB "

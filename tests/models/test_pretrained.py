"""Networks of others: shown the right picture, with the weights that they claim."""

import io
import sys
from urllib.error import URLError

import numpy as np
import pytest
import torch
import torchvision
from PIL import Image
from torch import nn
from torchvision.transforms import v2

from colorize_lib.color import normalize_lab, rgb_to_lab
from colorize_lib.models.pretrained import (
    IMAGENET_MEAN,
    IMAGENET_STD,
    Classifier,
    WeightsUnavailableError,
    timm_classifier,
    torchvision_classifier,
    torchvision_network,
)

SQUEEZENET = "squeezenet1_1-b8a52dc0.pth"


@pytest.fixture(scope="module")
def gray_picture():
    """Codes uint8 ``(H, W)``, with detail, neither square nor of any round size."""
    random = np.random.default_rng(0)
    coarse = Image.fromarray(random.integers(0, 256, (40, 50), dtype=np.uint8))
    return np.asarray(coarse.resize((333, 257), Image.Resampling.BICUBIC))


def as_l(codes):
    rgb = torch.tensor(codes).expand(3, *codes.shape)
    return normalize_lab(rgb_to_lab(rgb))[0][None]


def same(network, state):
    return all(torch.equal(x, state[name]) for name, x in network.state_dict().items())


# ------------------------------------------------------------ what is shown


@pytest.mark.parametrize("size", [64, 299])
def test_a_gray_picture_is_shown_as_torchvision_would_show_its_file(gray_picture, size):
    shown = Classifier(nn.Identity(), size)(as_l(gray_picture))
    assert shown.shape == (1, 3, size, size)
    transform = v2.Compose(
        [
            v2.ToImage(),
            v2.ToDtype(torch.float32, scale=True),
            v2.Resize((size, size), v2.InterpolationMode.BILINEAR, antialias=True),
            v2.Normalize(IMAGENET_MEAN, IMAGENET_STD),
        ]
    )
    expected = transform(Image.fromarray(gray_picture).convert("RGB"))
    torch.testing.assert_close(shown[0], expected, rtol=0, atol=1e-4)


@pytest.mark.parametrize("size", [64, 299])
def test_and_as_pillow_would_but_for_its_rounding_to_codes(gray_picture, size):
    mean, std = (0.5, 0.5, 0.5), (0.25, 0.5, 1.0)
    shown = Classifier(nn.Identity(), size, mean, std)(as_l(gray_picture))[0]
    resized = (
        Image.fromarray(gray_picture)
        .convert("RGB")
        .resize((size, size), Image.Resampling.BILINEAR)
    )
    codes = (shown * torch.tensor(std)[:, None, None] + 0.5) * 255
    expected = torch.tensor(np.asarray(resized)).movedim(-1, 0).float()
    # It rounds after each of its two passes.
    torch.testing.assert_close(codes, expected, rtol=0, atol=1.1)
    assert (codes - expected).abs().mean() < 0.4


def test_the_picture_is_shown_whole(gray_picture):
    """A crop, as for measuring classifiers, would never see the edge."""
    shown = Classifier(nn.Identity(), 64)
    l = as_l(gray_picture)
    for edge in (l[..., :4, :], l[..., -4:, :], l[..., :, :4], l[..., :, -4:]):
        before = shown(l)
        edge.neg_()
        assert not torch.allclose(shown(l), before, atol=1e-2)


@pytest.mark.parametrize(
    ("name", "size"), [("squeezenet1_1", 224), ("efficientnet_b3", 300)]
)
def test_torchvision_says_how_its_networks_are_shown_pictures(name, size):
    classifier = torchvision_classifier(name, pretrained=False).eval()
    assert classifier.size == size
    assert classifier.see.mean.flatten().tolist() == pytest.approx(IMAGENET_MEAN)
    assert classifier.see.std.flatten().tolist() == pytest.approx(IMAGENET_STD)
    assert classifier(torch.zeros(2, 1, 30, 50)).shape == (2, 1000)


# ------------------------------------------------------------ torchvision's weights


def test_weights_that_lie_in_place_are_taken(hub):
    hub.mkdir(parents=True)
    state = torchvision.models.squeezenet1_1().state_dict()
    torch.save(state, hub / SQUEEZENET)
    assert same(torchvision_network("squeezenet1_1"), state)
    assert same(torchvision_classifier("squeezenet1_1").network, state)
    assert not same(torchvision_network("squeezenet1_1", pretrained=False), state)


def test_unreachable_weights_say_what_to_put_where(hub):
    with pytest.raises(WeightsUnavailableError) as caught:
        torchvision_network("squeezenet1_1")
    message = str(caught.value)
    assert (
        "weights of squeezenet1_1 (URLError: <urlopen error no connection>)" in message
    )
    assert f"Download https://download.pytorch.org/models/{SQUEEZENET} and" in message
    assert message.endswith(f"put it at {hub / SQUEEZENET}")
    assert not any(hub.rglob("*.pth"))


def whole_file():
    file = io.BytesIO()
    torch.save(torchvision.models.squeezenet1_1().state_dict(), file)
    return file.getvalue()


@pytest.mark.parametrize(
    "damage",
    [
        lambda data: data[: len(data) // 2],
        lambda data: b"<html>404: not found</html>",
    ],
    ids=["half of it", "a page"],
)
def test_a_damaged_file_says_so_and_where_it_lies(hub, damage):
    hub.mkdir(parents=True)
    (hub / SQUEEZENET).write_bytes(damage(whole_file()))
    with pytest.raises(
        WeightsUnavailableError, match=r"squeezenet1_1 \(\w+: "
    ) as caught:
        torchvision_network("squeezenet1_1")
    assert str(hub / SQUEEZENET) in str(caught.value)
    assert len(str(caught.value).splitlines()) == 1


def test_the_weights_of_another_network_are_refused(hub):
    hub.mkdir(parents=True)
    other = torchvision.models.mobilenet_v3_small().state_dict()
    torch.save(other, hub / SQUEEZENET)
    with pytest.raises(WeightsUnavailableError, match="loading state_dict") as caught:
        torchvision_network("squeezenet1_1")
    assert len(str(caught.value).splitlines()) == 1


def test_the_near_names_of_torchvision_are_told():
    message = r"no classification network .*list_models\(\) names .*; did you mean resnet18, .*\?$"
    with pytest.raises(ValueError, match=message):
        torchvision_network("Resnet-18", pretrained=False)


# ------------------------------------------------------------ timm


@pytest.fixture
def timm():
    return pytest.importorskip("timm")


def test_another_network_of_timms(timm):
    classifier = timm_classifier("test_resnet", pretrained=False).eval()
    assert classifier.size == 160
    assert classifier(torch.zeros(2, 1, 30, 50)).shape == (2, 1000)


def test_a_file_that_was_downloaded_by_hand(timm, tmp_path):
    safetensors = pytest.importorskip("safetensors.torch")
    state = timm.create_model("test_resnet").state_dict()
    path = tmp_path / "model.safetensors"
    safetensors.save_file(state, path)
    assert same(timm_classifier("test_resnet", file=path).network, state)
    assert not same(timm_classifier("test_resnet", pretrained=False).network, state)
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(
        WeightsUnavailableError, match=r"test_resnet in .*model.safetensors \(.*file="
    ):
        timm_classifier("test_resnet", file=path)


def test_unreachable_weights_of_timms(timm, monkeypatch):
    def unreachable(*arguments, **more):
        raise URLError("no connection")

    builder = pytest.importorskip("timm.models._builder")
    monkeypatch.setattr(builder, "load_state_dict_from_hf", unreachable)
    with pytest.raises(
        WeightsUnavailableError,
        match=r"of test_resnet in reach \(URLError: .*model.safetensors from "
        r"https://huggingface.co/timm/test_resnet.*file=",
    ):
        timm_classifier("test_resnet")


def test_a_network_that_nobody_has_trained(timm):
    with pytest.raises(
        WeightsUnavailableError, match="No pretrained weights"
    ) as caught:
        timm_classifier("botnet50ts_256")
    assert "None" not in str(caught.value)


def test_unknown_to_timm(timm):
    message = r"timm has no network 'inception_resnet_v9'.*; did you mean "
    with pytest.raises(ValueError, match=message):
        timm_classifier("inception_resnet_v9", pretrained=False)


def test_without_timm_the_message_says_what_to_do(monkeypatch):
    monkeypatch.setitem(sys.modules, "timm", None)
    with pytest.raises(WeightsUnavailableError, match="pip install timm, or take"):
        timm_classifier(pretrained=False)

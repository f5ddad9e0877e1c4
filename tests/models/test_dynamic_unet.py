"""fastai's DynamicUnet: counted, and loaded only when it is called."""

import subprocess
import sys

import pytest
import torch
import torchvision
from torch import nn

from colorize_lib.models import COLORIZERS
from colorize_lib.models.dynamic_unet import dynamic_unet
from colorize_lib.models.pretrained import WeightsUnavailableError


@pytest.fixture(autouse=True)
def steady():
    torch.manual_seed(0)


@pytest.fixture(scope="module")
def network():
    pytest.importorskip("fastai")
    return dynamic_unet(size=64)


def lightness(*size):
    return torch.rand(1, 1, *size) * 2 - 1


def test_parameter_count_at_every_size(network):
    assert sum(p.numel() for p in network.parameters()) == 31_099_672
    assert sum(p.numel() for p in dynamic_unet().parameters()) == 31_099_672


@pytest.mark.parametrize("size", [(64, 64), (96, 64), (33, 45)])
def test_l_in_and_ab_out_as_plain_tensors(network, size):
    with torch.no_grad():
        ab = network.eval()(lightness(*size))
    assert type(ab) is torch.Tensor
    assert ab.shape == (1, 2, *size)
    assert ab.isfinite().all()


def test_its_colors_are_unbounded(network):
    last = [m for m in network.modules() if isinstance(m, nn.Conv2d)][-1]
    nn.init.constant_(last.bias, -30.0)
    with torch.no_grad():
        assert network.eval()(lightness(32, 32)).max() < -2


def test_pretrained_it_has_resnets_weights_but_for_the_first_which_are_summed(hub):
    pytest.importorskip("fastai")
    resnet = torchvision.models.resnet18()
    hub.mkdir(parents=True)
    torch.save(resnet.state_dict(), hub / "resnet18-f37072fd.pth")

    def kernels(network):
        return [p for p in network.parameters() if p.ndim == 4][:20]

    first, *others = zip(
        kernels(dynamic_unet(pretrained=True)), kernels(resnet), strict=True
    )
    assert all(torch.equal(*pair) for pair in others)
    torch.testing.assert_close(first[0], first[1].sum(dim=1, keepdim=True))
    random = kernels(dynamic_unet(size=64))
    assert not any(map(torch.equal, random[1:], kernels(resnet)[1:]))


def test_without_weights_the_message_says_what_to_put_where(hub):
    pytest.importorskip("fastai")
    with pytest.raises(WeightsUnavailableError, match=r"f37072fd\.pth and put"):
        dynamic_unet(pretrained=True)


def test_without_fastai_the_message_says_what_to_do(monkeypatch):
    for name in [name for name in sys.modules if name.split(".")[0] == "fastai"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "fastai", None)
    with pytest.raises(
        ModuleNotFoundError, match="pip install fastai, or take resnet18"
    ):
        dynamic_unet()


def test_the_other_networks_need_neither_fastai_nor_timm():
    code = (
        "import sys, colorize_lib.models, colorize_lib.models.dynamic_unet\n"
        "print([m for m in ('fastai', 'timm') if m in sys.modules])"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False
    )
    assert result.stdout.strip() == "[]", result.stdout + result.stderr


def test_it_is_for_comparison_only():
    assert not any("dynamic" in name for name in COLORIZERS)

"""Precision: chosen after the hardware, and what autocast and the scaler then do."""

import pytest
import torch
from torch import nn

from colorize_lib.training.precision import Precision, choose_precision


def pretend(monkeypatch, capability=None, **capabilities):
    """A GPU of that compute capability, a processor of these capabilities."""
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda *_: capability)
    monkeypatch.setattr(
        torch.cpu, "get_capabilities", lambda: capabilities, raising=False
    )


@pytest.mark.parametrize(
    ("capability", "name"),
    [
        ((6, 1), "float16"),
        ((7, 5), "float16"),  # Colab's T4
        ((8, 0), "bfloat16"),
        ((8, 9), "bfloat16"),
        ((9, 0), "bfloat16"),
        ((10, 0), "bfloat16"),  # as text, "10.0" would come before "8.0"
    ],
)
@pytest.mark.parametrize("device", ["cuda", "cuda:1", torch.device("cuda")])
def test_gpus(monkeypatch, capability, name, device):
    pretend(monkeypatch, capability, amx_bf16=False)
    assert choose_precision(device) == Precision(name, "cuda")


def test_a_gpu_that_emulates_bfloat16_does_not_get_it(monkeypatch):
    pretend(monkeypatch, (7, 5), amx_bf16=True)
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda *_: True)
    assert choose_precision("cuda").name == "float16"


@pytest.mark.parametrize(
    ("capabilities", "name"),
    [
        ({"amx_bf16": True}, "bfloat16"),
        ({"amx_bf16": False}, "float32"),
        ({"avx512_bf16": True}, "float32"),
        ({}, "float32"),
    ],
)
def test_processors(monkeypatch, capabilities, name):
    pretend(monkeypatch, (9, 0), **capabilities)
    assert choose_precision("cpu") == Precision(name, "cpu")


def test_an_older_torch_does_not_know_its_processor(monkeypatch):
    monkeypatch.delattr(torch.cpu, "get_capabilities", raising=False)
    assert choose_precision("cpu").name == "float32"


def test_other_devices_take_float32(monkeypatch):
    pretend(monkeypatch, (9, 0), amx_bf16=True)
    assert choose_precision("mps") == Precision("float32", "mps")


@pytest.mark.parametrize("device", ["cpu", "cuda"])
@pytest.mark.parametrize("wanted", ["float32", "bfloat16", "float16"])
def test_a_wish_overrules_the_hardware(monkeypatch, device, wanted):
    pretend(monkeypatch, (7, 5), amx_bf16=True)
    assert choose_precision(device, wanted) == Precision(wanted, device)


@pytest.mark.parametrize("wanted", ["half", "fp16", "Float32", ""])
def test_an_unknown_precision_is_named(wanted):
    with pytest.raises(
        ValueError, match=f"must be float32, bfloat16 or float16, not '{wanted}'"
    ):
        choose_precision("cpu", wanted)


@pytest.mark.parametrize("name", ["float32", "bfloat16", "float16"])
def test_autocast_computes_in_it_and_leaves_the_parameters_alone(name):
    layer = nn.Conv2d(1, 2, 3)
    with Precision(name, "cpu").autocast():
        y = layer(torch.zeros(1, 1, 4, 4))
    assert y.dtype == getattr(torch, name)
    assert layer.weight.dtype == torch.float32
    assert layer(torch.zeros(1, 1, 4, 4)).dtype == torch.float32


@pytest.mark.parametrize(
    ("name", "scales"), [("float32", False), ("bfloat16", False), ("float16", True)]
)
def test_only_float16_needs_its_losses_scaled(name, scales):
    scaler = Precision(name, "cpu").grad_scaler()
    assert scaler.is_enabled() == scales
    assert (scaler.scale(torch.tensor(1.0)) > 1) == scales

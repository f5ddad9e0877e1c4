"""Random networks in the place of pretrained ones, and pictures to show them."""

import pytest
import torch
from hub_helpers import empty_hub, put_random_squeezenet


@pytest.fixture
def hub(tmp_path, monkeypatch):
    """An empty folder of weights, offline."""
    return empty_hub(tmp_path, monkeypatch)


@pytest.fixture
def squeezenet(hub):
    """A random SqueezeNet, whose weights lie where the pretrained ones belong."""
    return put_random_squeezenet(hub)


@pytest.fixture
def pictures():
    """Three of uint8 ``(3, 3, 64, 48)``, smooth as photographs are."""
    return smooth(3, (64, 48), seed=0)


@pytest.fixture
def truths():
    """As ``pictures``, others."""
    return smooth(3, (64, 48), seed=1)


def smooth(count, size, seed):
    random = torch.Generator().manual_seed(seed)
    coarse = torch.rand(count, 3, 7, 7, generator=random)
    codes = torch.nn.functional.interpolate(coarse, size, mode="bilinear") * 255
    return codes.round().to(torch.uint8)

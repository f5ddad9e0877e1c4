"""Torch's folder of downloaded weights, for the tests that put weights there."""

from urllib.error import URLError

import pytest
import torch


@pytest.fixture
def hub(tmp_path, monkeypatch):
    """An empty one that is not there yet, and no connection to fill it by."""

    def unreachable(*arguments, **more):
        raise URLError("no connection")

    monkeypatch.setattr(torch.hub, "urlopen", unreachable)
    before = torch.hub.get_dir()
    torch.hub.set_dir(str(tmp_path / "hub"))
    yield tmp_path / "hub" / "checkpoints"
    torch.hub.set_dir(before)

"""First weights that are the same every time, and torch's folder of downloads."""

import pytest
import torch
from hub_helpers import empty_hub


@pytest.fixture(autouse=True)
def steady():
    torch.manual_seed(0)


@pytest.fixture
def hub(tmp_path, monkeypatch):
    """An empty one that is not there yet, and no connection to fill it by."""
    return empty_hub(tmp_path, monkeypatch)

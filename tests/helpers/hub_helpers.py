"""Torch's folder of downloaded weights: empty, offline, or with random ones in it."""

from pathlib import Path
from urllib.error import URLError

import torch
import torchvision

SQUEEZENET = "squeezenet1_1-b8a52dc0.pth"


def empty_hub(tmp_path, monkeypatch):
    """Let it be an empty folder, and let there be no connection to fill it by."""

    def unreachable(*arguments, **more):
        raise URLError("no connection")

    monkeypatch.setattr(torch.hub, "urlopen", unreachable)
    monkeypatch.setattr(torch.hub, "_hub_dir", str(tmp_path / "hub"))
    return Path(tmp_path, "hub", "checkpoints")


def put_random_squeezenet(hub):
    """Put random weights where SqueezeNet's belong; returns the network with them."""
    torch.manual_seed(0)
    network = torchvision.models.squeezenet1_1().eval()
    hub.mkdir(parents=True)
    torch.save(network.state_dict(), hub / SQUEEZENET)
    return network

"""Weight files: half the size, the same colors, and clear words for what is none."""

import math
import re
from hashlib import sha256

import pytest
import torch
from safetensors.torch import load_file, save_file

from colorize_lib import weights
from colorize_lib.models import Autoencoder, squeezenet_color_classifier
from colorize_lib.weights import (
    DEFAULT,
    find_weights,
    load_weights,
    save_weights,
    stored_names,
    stored_weights,
)

ABOUT = {"architecture": "autoencoder", "size": "96", "about": "a test"}


@pytest.fixture(scope="module")
def network():
    torch.manual_seed(0)
    return Autoencoder().eval()


def save(network, path, **changes):
    options = {"architecture": "autoencoder", "size": 96, "about": "a test"} | changes
    return save_weights(network, path, **options)


def test_round_trip_to_half_precision(tmp_path, network):
    path = save(network, tmp_path / "net.safetensors")
    loaded, about = load_weights(path)
    assert about == {"architecture": "autoencoder", "size": 96, "about": "a test"}
    assert not loaded.training
    for name, parameter in network.named_parameters():
        assert torch.equal(loaded.get_parameter(name), parameter.half().float())
    l = torch.rand(1, 1, 32, 32) * 2 - 1
    torch.testing.assert_close(loaded(l), network(l), rtol=0, atol=2e-3)
    assert path.stat().st_size < 2 * 4_756_770 + 10_000


def test_a_classifier_keeps_its_bins_and_their_weights(tmp_path):
    """In full precision: these are no parameters."""
    torch.manual_seed(0)
    network = squeezenet_color_classifier().eval()
    network.bins.add_(1 / 3)
    network.weights.copy_(torch.rand(261) + 1 / 3)
    options = {"architecture": "unet_squeezenet_classes", "size": 96}
    loaded, about = load_weights(save(network, tmp_path / "x.safetensors", **options))
    assert about["architecture"] == "unet_squeezenet_classes"
    assert torch.equal(loaded.bins, network.bins)
    assert torch.equal(loaded.weights, network.weights)
    for name, parameter in network.named_parameters():
        assert torch.equal(loaded.get_parameter(name), parameter.half().float())
    l = torch.rand(1, 1, 32, 64) * 2 - 1
    torch.testing.assert_close(loaded(l), network(l), rtol=0, atol=2e-3)


def test_values_that_half_precision_cannot_hold_are_refused(tmp_path):
    torch.manual_seed(0)
    network = Autoencoder()
    with torch.no_grad():
        next(network.parameters()).fill_(1e6)
    with pytest.raises(
        ValueError, match=r"encoder.0.weight holds values that float16 cannot"
    ):
        save(network, tmp_path / "net.safetensors")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("size", [0, 100, None])
def test_a_size_that_no_network_takes_is_refused(tmp_path, network, size):
    with pytest.raises(ValueError, match=rf"size must be a multiple of 32, not {size}"):
        save(network, tmp_path / "net.safetensors", size=size)


def test_an_unknown_architecture_is_refused(tmp_path, network):
    with pytest.raises(
        ValueError, match=r"unknown architecture 'vgg'; known: autoencoder"
    ):
        save(network, tmp_path / "net.safetensors", architecture="vgg")


@pytest.mark.parametrize(
    "content", ["empty", "text", "cut", "foreign", "no size", "other network"]
)
def test_what_is_no_weight_file_is_named(tmp_path, network, content):
    path = save(network, tmp_path / "net.safetensors")
    if content == "foreign":
        save_file({"x": torch.zeros(3)}, path)
    elif content == "no size":
        save_file({"x": torch.zeros(3)}, path, {"architecture": "autoencoder"})
    elif content == "other network":
        metadata = {"architecture": "autoencoder", "size": "96", "about": ""}
        save_file({"x": torch.zeros(3)}, path, metadata)
    else:
        contents = {"empty": b"", "text": b"hello", "cut": path.read_bytes()[:10_000]}
        path.write_bytes(contents[content])
    with pytest.raises(ValueError, match=r"net.safetensors"):
        load_weights(path)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"no weight file at .*nowhere"):
        load_weights(tmp_path / "nowhere.safetensors")


def test_the_default_weights_are_stored():
    network, about = load_weights(stored_weights())
    assert about["about"]
    assert about["size"] % 32 == 0
    assert network(torch.zeros(1, 1, 32, 32)).abs().max() < 1


def test_weights_that_are_not_stored(monkeypatch, tmp_path):
    monkeypatch.setattr(weights, "FOLDERS", (tmp_path,))
    message = f"no stored weights '{weights.DEFAULT}'.*checkout"
    with pytest.raises(FileNotFoundError, match=message):
        stored_weights()


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_values_that_are_no_numbers_are_refused_when_they_are_loaded(
    tmp_path, network, value
):
    path = save(network, tmp_path / "net.safetensors")
    tensors = load_file(path)
    name = next(iter(tensors))
    tensors[name].view(-1)[0] = value
    save_file(tensors, path, metadata=ABOUT)
    with pytest.raises(ValueError, match=rf"{name} holds values that are no numbers"):
        load_weights(path)


def test_a_file_of_another_version_is_refused_in_a_sentence(tmp_path, network):
    path = save(network, tmp_path / "net.safetensors")
    renamed = {f"old.{name}": x for name, x in load_file(path).items()}
    save_file(renamed, path, metadata=ABOUT)
    with pytest.raises(ValueError, match="made by another version") as caught:
        load_weights(path)
    assert re.search(r"\(old\.\S+ unknown and \d+ more\)", str(caught.value))
    assert len(str(caught.value)) < 300 + len(str(path))


def test_a_checkpoint_is_no_model_and_the_way_to_one_is_named(tmp_path, network):
    torch.save({"network": network.state_dict()}, tmp_path / "best.pt")
    with pytest.raises(
        ValueError, match=r"a checkpoint of a training.*--resume .* --finish"
    ):
        load_weights(tmp_path / "best.pt")


def test_a_model_by_its_file_its_run_or_its_name(tmp_path, network):
    path = save(network, tmp_path / "net.safetensors")
    assert find_weights(str(path)) == path
    (tmp_path / "run").mkdir()
    with pytest.raises(FileNotFoundError, match=r"no model.safetensors in the folder"):
        find_weights(tmp_path / "run")
    path.rename(tmp_path / "run/model.safetensors")
    assert find_weights(tmp_path / "run") == tmp_path / "run/model.safetensors"
    assert find_weights(DEFAULT) == find_weights() == stored_weights()
    assert DEFAULT in stored_names()
    with pytest.raises(
        FileNotFoundError, match=f"did you mean .*; stored models.*{DEFAULT}"
    ):
        find_weights(DEFAULT[:-1])


# ------------------------------------------------------------ encoders

# SHA-256 of each model's state, from when every file still held its encoder.
STATES = {
    "autoencoder-l1": "4c9ed334ae79795662921d940b1cb77290209c9b6c6b167e73cb22b050fb7cc7",
    "fusion-efficientnet-lite": "0cc9bf5732899cf9e5438272a753f0324bf1335432d8540e550f4de4beb76b6c",
    "pix2pix": "b19163d54b853e47bca5d767f668f01fa356546b8bf37a23270aa625ddb8f31f",
    "unet-efficientnet-lite": "230b258188acc13154f31ba99ae85eaeca18fecf0f20804e669740577b224de0",
    "unet-squeezenet": "b2ace18d97ba12d84f11f0b3774546ad5ebe3c70e73c7f3e09e976daccfcfbfd",
    "unet-squeezenet-classes": "d4a6dba0079b57fd8f68401e3831834e55def31992b1b51a876f914b47b600f7",
    "wgan-gp": "5952b81e649a67a37025573d0aca33ee0c639f85025bc79377f7c710f4ff06ea",
}


def digest_of(network):
    digest = sha256()
    for name, x in sorted(network.state_dict().items()):
        digest.update(f"{name} {x.dtype} {tuple(x.shape)}".encode())
        digest.update(x.contiguous().numpy().tobytes())
    return digest.hexdigest()


@pytest.mark.parametrize("name", STATES)
def test_a_stored_model_is_what_it_was_when_its_file_held_its_encoder(name):
    assert digest_of(load_weights(name)[0]) == STATES[name]


def test_every_stored_model_is_listed():
    assert stored_names() == sorted(STATES)


def test_an_encoder_that_is_stored_is_left_out_and_another_is_not(tmp_path):
    network, _ = load_weights("unet-squeezenet")
    options = {"architecture": "unet_squeezenet", "size": 96}
    file = save(network, tmp_path / "small.safetensors", **options)
    assert not [name for name in load_file(file) if name.startswith("encoder.")]
    assert digest_of(load_weights(file)[0]) == STATES["unet-squeezenet"]
    with torch.no_grad():
        next(network.encoder.parameters())[0] += 1
    file = save(network, tmp_path / "whole.safetensors", **options)
    assert [name for name in load_file(file) if name.startswith("encoder.")]
    assert digest_of(load_weights(file)[0]) == digest_of(network)


def test_an_encoder_that_is_missing_or_another_is_named(tmp_path, monkeypatch):
    model = tmp_path / "models" / "unet-squeezenet.safetensors"
    model.parent.mkdir()
    model.write_bytes(stored_weights("unet-squeezenet").read_bytes())
    monkeypatch.setattr(weights, "FOLDERS", (tmp_path / "weights",))
    with pytest.raises(
        FileNotFoundError, match=r"no encoders/squeezenet1_1\.safetensors"
    ):
        load_weights(model)
    encoder = tmp_path / "weights" / "encoders" / "squeezenet1_1.safetensors"
    encoder.parent.mkdir(parents=True)
    save_file({"x": torch.zeros(1)}, encoder)
    with pytest.raises(ValueError, match=r"another encoder than .*squeezenet1_1"):
        load_weights(model)

"""Weight files: half the size, the same colors, and clear words for what is none."""

import math
import re
import shutil
from hashlib import sha256

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from colorize_lib import weights
from colorize_lib.models import (
    Autoencoder,
    squeezenet_color_classifier,
    squeezenet_unet,
)
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


# ------------------------------------------------------------ the encoder lies once

# Of every name, type and byte that load_weights gave while each file was whole.
WHOLE = {
    "autoencoder-l1": "a33cb276a773c93692de30f566df9831a7e5a3c3ea00c609b1d36040a7eef27e",
    "fusion-efficientnet-lite": "3d0c00535c953f08760304ac3cc65ee893bbd5e4fa2fdb4b717c125c0c217903",
    "pix2pix": "8696810bac81208ed497c6c72a0d46937042adb6dd44d22749025a2c1a3586b6",
    "unet-efficientnet-lite": "6925edc4a9f480d2e3a2aa65c77c6ad1dcd513cbfe2c732db2bb5ee510bc63c6",
    "unet-squeezenet": "ea08e8b06007f640e414f5a774bb9ca38ac7372c9f3648775f93f3f9fb14b5e5",
    "unet-squeezenet-classes": "b4ebc191c2d5a40e286efce3f89915fddc4529fc07953e6ed7b037603a70ca82",
    "wgan-gp": "09a8e4f3e548b3f3be40cc071f49e2e27a27f2236180af36a605206443396df1",
}
OPTIONS = {"architecture": "unet_squeezenet"}


@pytest.mark.parametrize("name", WHOLE)
def test_to_the_byte_the_stored_models_are_what_they_were(name):
    digest = sha256()
    for key, x in load_weights(name)[0].state_dict().items():
        digest.update(f"{key} {x.dtype} {tuple(x.shape)}".encode())
        digest.update(x.contiguous().numpy().tobytes())
    assert digest.hexdigest() == WHOLE[name]


@pytest.fixture
def on_stored_encoder():
    """A U-Net as after training its decoder alone."""
    torch.manual_seed(0)
    network = squeezenet_unet().eval()
    network.encoder.load_state_dict(
        load_weights("unet-squeezenet")[0].encoder.state_dict()
    )
    return network


def test_a_models_file_holds_what_was_trained(tmp_path, on_stored_encoder):
    path = save(on_stored_encoder, tmp_path / "net.safetensors", **OPTIONS)
    with safe_open(path, framework="pt") as file:
        assert file.metadata()["encoder"] == "squeezenet"
        names = file.keys()
    assert names
    assert not any("encoder" in name for name in names)
    loaded, about = load_weights(path)
    assert set(about) == {"architecture", "size", "about"}
    for name, x in on_stored_encoder.named_parameters():
        assert torch.equal(loaded.get_parameter(name), x.half().float())


def test_an_encoder_that_was_trained_is_in_the_file(tmp_path, on_stored_encoder):
    next(on_stored_encoder.encoder.parameters()).data[0] *= 1.01
    path = save(on_stored_encoder, tmp_path / "net.safetensors", **OPTIONS)
    tensors = load_file(path)
    assert tensors.keys() == on_stored_encoder.state_dict().keys()
    assert torch.equal(
        next(load_weights(path)[0].encoder.parameters()),
        next(on_stored_encoder.encoder.parameters()).half().float(),
    )


def test_a_missing_or_another_encoder_is_named_with_the_model(
    tmp_path, on_stored_encoder, monkeypatch
):
    path = save(on_stored_encoder, tmp_path / "net.safetensors", **OPTIONS)
    (encoder,) = weights.FOLDERS[1].glob("encoders/squeezenet.safetensors")
    monkeypatch.setattr(weights, "FOLDERS", ())
    beside = tmp_path / "encoders" / encoder.name
    with pytest.raises(
        FileNotFoundError, match=r"net.safetensors was .* put .* at"
    ) as e:
        load_weights(path)
    assert str(e.value).endswith(str(beside))
    beside.parent.mkdir()
    shutil.copyfile(encoder, beside)
    load_weights(path)
    beside.write_bytes(encoder.read_bytes()[:-1])
    with pytest.raises(ValueError, match=r"net.safetensors was .*encoders.*SHA-256"):
        load_weights(path)

"""Trained networks as small files: float16 safetensors that say what they are.

A frozen encoder is the same in every model that began from it: it lies once, in a file
of its own in the folder ``encoders``, and a model's file holds what was trained.
"""

import zipfile
from hashlib import sha256
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load, save
from torch import Tensor, nn

from colorize_lib.files import replacing
from colorize_lib.models import COLORIZERS, Backbone
from colorize_lib.slips import did_you_mean, missing_file

DEFAULT = "unet-efficientnet-lite"  # half of the true color, and nearer than gray
# The default model travels inside the package, the others in the book's repository.
FOLDERS = (Path(__file__).parent / "stored", Path(__file__).parent.parent / "weights")

# Before timm built it, the layers of unet_resnet18's encoder had numbers.
NUMBERED = {"0.0": "conv1", "0.1": "bn1", "1.1": "layer1"} | {
    f"{n}.0": f"layer{n}" for n in (2, 3, 4)
}


def save_weights(
    network: nn.Module, path: Path, *, architecture: str, size: int, about: str
) -> Path:
    """Store a trained colorizer for :func:`load_weights`.

    Parameters are rounded to float16, which halves the file; normalization statistics
    stay float32, since variances may leave float16's range. An encoder whose numbers
    are those of a stored one is not written but named, with the SHA-256 of its file.

    Args:
        network: one of ``COLORIZERS``, built without arguments.
        path: ends in ``.safetensors``.
        architecture: the network's name in ``COLORIZERS``.
        size: pixels of the shorter side that the network colors best, a multiple of 32.
        about: a sentence for the user: what it is, from which data.

    Raises:
        ValueError: a parameter too large for float16, an unknown architecture, or
            another size.
        OSError: the file could not be written.
    """
    _check(architecture, size, path)
    parameters = {name for name, _ in network.named_parameters()}
    tensors = {}
    for name, x in network.state_dict().items():
        tensors[name] = (x.half() if name in parameters else x).contiguous().cpu()
        if not tensors[name].isfinite().all():
            raise ValueError(
                f"{name} holds values that float16 cannot: nothing was written"
            )
    metadata = {"architecture": architecture, "size": str(size), "about": about}
    tensors, named = _without_encoder(network, tensors)
    metadata |= named
    with replacing(path) as file:
        file.write(save(tensors, metadata=metadata))
    return Path(path)


def load_weights(path: str | Path) -> tuple[nn.Module, dict]:
    """Build the network that a weight file is of, in evaluation mode, on the CPU.

    Args:
        path: the file, or what else :func:`find_weights` finds.

    Returns:
        The network, and ``{"architecture": str, "size": int, "about": str}``.

    Raises:
        FileNotFoundError: no such file, no stored model of that name, no file of the
            encoder that it was trained on.
        ValueError: not a whole weight file of this library, another version's, one with
            values that are no numbers, or an encoder of other numbers.
    """
    path = find_weights(path)
    tensors, metadata = _read(path)
    about = {"architecture": None, "size": "", "about": ""} | metadata
    encoder, digest = about.pop("encoder", None), about.pop("encoder_sha256", None)
    size = int(about["size"]) if about["size"].isdecimal() else None
    _check(about["architecture"], size, path)
    for name, x in tensors.items():
        if not x.isfinite().all():
            raise ValueError(
                f"{path}: {name} holds values that are no numbers (nan or infinite), so "
                "every picture would be black: the training diverged, or the file is "
                "damaged; take another one"
            )
    network = COLORIZERS[about["architecture"]]()
    if about["architecture"] == "unet_resnet18":
        tensors = {_renamed(name): x for name, x in tensors.items()}
    if encoder:
        tensors |= _encoder_of(network, encoder, digest, path)
    _refuse_another_build(network.state_dict(), tensors, path)
    network.load_state_dict(tensors)
    return network.eval(), about | {"size": size}


def _read(path):
    try:
        with safe_open(path, framework="pt") as file:
            names = file.keys()
            return {x: file.get_tensor(x) for x in names}, file.metadata() or {}
    except (SafetensorError, OSError) as error:
        raise ValueError(_not_weights(path, error)) from error


def _renamed(name):
    for number, layer in NUMBERED.items():
        name = name.replace(f"encoder.stages.{number}.", f"encoder.stages.{layer}.")
    return name


def _without_encoder(network: nn.Module, tensors: dict[str, Tensor]):
    """What a file must hold, and which stored encoder the rest of it is."""
    prefix = _encoder_prefix(network)
    ours = {
        name: x for name, x in tensors.items() if prefix and name.startswith(prefix)
    }
    rest = {name: x for name, x in tensors.items() if name not in ours}
    for file in _encoder_files() if ours else ():
        content = file.read_bytes()
        theirs = {prefix + name: x for name, x in load(content).items()}
        if ours.keys() == theirs.keys() and all(
            x.dtype == theirs[name].dtype and torch.equal(x, theirs[name])
            for name, x in ours.items()
        ):
            digest = sha256(content).hexdigest()
            return rest, {"encoder": file.stem, "encoder_sha256": digest}
    return tensors, {}


def _encoder_of(network, name, digest, path):
    folders = (path.parent / "encoders", *(folder / "encoders" for folder in FOLDERS))
    files = [folder / f"{name}.safetensors" for folder in folders]
    file = next((file for file in files if file.is_file()), None)
    if file is None:
        raise FileNotFoundError(
            f"{path} was trained on the encoder {name!r}, which this installation has "
            f"not: put encoders/{name}.safetensors of a checkout of the book's repository "
            f"(it lies in weights or in colorize_lib/stored) at {files[0]}"
        )
    content = file.read_bytes()
    if sha256(content).hexdigest() != digest:
        raise ValueError(
            f"{path} was trained on another encoder than that in {file} (SHA-256 "
            f"{digest} is needed): it is damaged or of another version; put the right one "
            f"at {files[0]}"
        )
    prefix = _encoder_prefix(network) or ""
    return {prefix + key: x for key, x in load(content).items()}


def _encoder_prefix(network):
    """Of the names of an encoder's tensors; None where there is none."""
    names = (name for name, x in network.named_modules() if isinstance(x, Backbone))
    return next((f"{name}." for name in names), None)


def _encoder_files():
    return [x for folder in FOLDERS for x in folder.glob("encoders/*.safetensors")]


def find_weights(name: str | Path = DEFAULT) -> Path:
    """The weight file that somebody means.

    Args:
        name: a file; the folder of a finished run of ``colorize train``; or the name of
            a stored model, see :func:`stored_names`.

    Raises:
        FileNotFoundError: it is none of these; the message lists the stored models.
    """
    path = Path(name).expanduser()
    if path.is_dir():
        if (path / "model.safetensors").is_file():
            return path / "model.safetensors"
        raise FileNotFoundError(
            f"no model.safetensors in the folder {path}: is the run finished?"
        )
    if path.is_file():
        return path
    if len(path.parts) == 1 and path.suffix != ".safetensors":
        return stored_weights(str(name))
    raise missing_file(path, f"no weight file at {path}; {_stored()}")


def stored_weights(name: str = DEFAULT) -> Path:
    """Where the stored weights of a network lie.

    Raises:
        FileNotFoundError: this installation has none under that name.
    """
    for folder in FOLDERS:
        path = folder / f"{name}.safetensors"
        if path.is_file():
            return path
    near = did_you_mean(name, stored_names())
    raise FileNotFoundError(f"no stored weights {name!r}{near}; {_stored()}")


def stored_names() -> list[str]:
    """The stored models of this installation: a package has one, a checkout has all."""
    return sorted({x.stem for folder in FOLDERS for x in folder.glob("*.safetensors")})


def _stored():
    return (
        f"stored models here: {', '.join(stored_names()) or 'none'} (an installed "
        f"package holds {DEFAULT} only, a checkout of the book's repository has all)"
    )


def _not_weights(path, error):
    if path.suffix == ".pt" or zipfile.is_zipfile(path):
        return (
            f"{path} is a checkpoint of a training, not a model: `colorize train "
            f"--resume {path.parent.parent} --finish` makes model.safetensors of the best "
            "epoch so far"
        )
    return f"{path} is not a whole safetensors file ({error})"


def _refuse_another_build(ours, theirs, path):
    """A sentence, where PyTorch would list hundreds of names."""
    shapes = {name: tuple(x.shape) for name, x in ours.items()}
    wrong = [
        f"{name} {tuple(x.shape) if name in shapes else 'unknown'}"
        for name, x in theirs.items()
        if shapes.get(name) != tuple(x.shape)
    ] + [f"{name} missing" for name in shapes.keys() - theirs.keys()]
    if wrong:
        more = f" and {len(wrong) - 1} more" if len(wrong) > 1 else ""
        raise ValueError(
            f"{path} does not fit this version's network ({wrong[0]}{more}): it was "
            "made by another version of this library"
        )


def _check(architecture, size, path):
    if architecture not in COLORIZERS:
        known = ", ".join(COLORIZERS)
        raise ValueError(
            f"{path}: unknown architecture {architecture!r}; known: {known}"
        )
    if not size or size % 32:
        raise ValueError(f"{path}: size must be a multiple of 32, not {size}")

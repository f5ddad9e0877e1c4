"""Trained networks as small files: float16 safetensors that say what they are.

A frozen encoder lies once, for all models: a model's file holds what was trained, and
names its encoder.
"""

import zipfile
from hashlib import sha256
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save
from torch import Tensor, nn

from colorize_lib.files import replacing
from colorize_lib.models import COLORIZERS
from colorize_lib.slips import did_you_mean, missing_file

DEFAULT = "unet-efficientnet-lite"  # half of the true color, and nearer than gray
# The default model travels inside the package, the others in the book's repository.
FOLDERS = (Path(__file__).parent / "stored", Path(__file__).parent.parent / "weights")


def save_weights(
    network: nn.Module, path: Path, *, architecture: str, size: int, about: str
) -> Path:
    """Store a trained colorizer for :func:`load_weights`.

    Parameters are rounded to float16, which halves the file; normalization statistics
    stay float32, since variances may leave float16's range. An encoder that is one of
    the stored ones, to the last bit, is left out and named.

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
    tensors, encoder = _without_encoder(tensors)
    metadata |= encoder
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
        FileNotFoundError: no such file, no stored model of that name.
        ValueError: not a whole weight file of this library, another version's, or one
            with values that are no numbers.
    """
    path = find_weights(path)
    try:
        with safe_open(path, framework="pt") as file:
            about = {"architecture": None, "size": "", "about": ""}
            about |= file.metadata() or {}
            names = file.keys()
            tensors = {name: file.get_tensor(name) for name in names}
    except (SafetensorError, OSError) as error:
        raise ValueError(_not_weights(path, error)) from error
    tensors |= _encoder(about, path)
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
    _refuse_another_build(network.state_dict(), tensors, path)
    network.load_state_dict(tensors)
    known = ("architecture", "about")
    return network.eval(), {name: about[name] for name in known} | {"size": size}


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


# ------------------------------------------------------------ encoders

# Where a network may have one: a colorizer, or the classifier inside of one.
_PLACES = ("encoder.", "classifier.encoder.")


def _without_encoder(tensors: dict[str, Tensor]) -> tuple[dict, dict]:
    """Tensors without a stored encoder's, and what names it."""
    for path in (
        x for folder in FOLDERS for x in folder.glob("encoders/*.safetensors")
    ):
        encoder = load_file(path)
        for place in _PLACES:
            own = {name for name in tensors if name.startswith(place)}
            same = own == {place + name for name in encoder} and all(
                torch.equal(tensors[place + name], x) for name, x in encoder.items()
            )
            if same:
                rest = {name: x for name, x in tensors.items() if name not in own}
                named = {"encoder": path.stem, "encoder_place": place}
                return rest, named | {"encoder_sha256": _digest(path)}
    return tensors, {}


def _encoder(about: dict, path: Path) -> dict[str, Tensor]:
    """The tensors of the encoder that a model's file names; none of a whole file."""
    if "encoder" not in about:
        return {}
    name = f"encoders/{about['encoder']}.safetensors"
    files = [folder / name for folder in FOLDERS if (folder / name).is_file()]
    if not files:
        raise FileNotFoundError(
            f"{path} was trained on the encoder {about['encoder']}, which this "
            f"installation has not: there is no {name} in "
            f"{' or '.join(map(str, FOLDERS))}; a checkout of the book's repository has it"
        )
    if _digest(files[0]) != about["encoder_sha256"]:
        raise ValueError(
            f"{path} was trained on another encoder than {files[0]} holds (by SHA-256): "
            "one of them is damaged, or of another edition of the book"
        )
    return {about["encoder_place"] + n: x for n, x in load_file(files[0]).items()}


def _digest(path):
    return sha256(path.read_bytes()).hexdigest()


# ------------------------------------------------------------ errors


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

"""Trained networks as small files: float16 safetensors that say what they are."""

from pathlib import Path

from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import nn

from colorize_lib.files import replacing
from colorize_lib.models import COLORIZERS

DEFAULT = "unet-efficientnet-lite"  # half of the true color, and nearer than gray
# The default model travels inside the package, the others in the book's repository.
FOLDERS = (Path(__file__).parent / "stored", Path(__file__).parent.parent / "weights")


def save_weights(
    network: nn.Module, path: Path, *, architecture: str, size: int, about: str
) -> Path:
    """Store a trained colorizer for :func:`load_weights`.

    Parameters are rounded to float16, which halves the file; normalization statistics
    stay float32, since variances may leave float16's range.

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
    with replacing(path) as file:
        file.write(save(tensors, metadata=metadata))
    return Path(path)


def load_weights(path: Path) -> tuple[nn.Module, dict]:
    """Build the network that a weight file is of, in evaluation mode, on the CPU.

    Returns:
        The network, and ``{"architecture": str, "size": int, "about": str}``.

    Raises:
        FileNotFoundError: no such file.
        ValueError: not a whole weight file of this library, or another version's.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"no weight file at {path}")
    try:
        with safe_open(path, framework="pt") as file:
            about = {"architecture": None, "size": "", "about": ""}
            about |= file.metadata() or {}
            names = file.keys()
            tensors = {name: file.get_tensor(name) for name in names}
    except (SafetensorError, OSError) as error:
        raise ValueError(f"{path} is not a whole safetensors file ({error})") from error
    size = int(about["size"]) if about["size"].isdecimal() else None
    _check(about["architecture"], size, path)
    network = COLORIZERS[about["architecture"]]()
    try:
        network.load_state_dict(tensors)
    except RuntimeError as error:
        raise ValueError(
            f"{path} does not fit this version's network: {error}"
        ) from error
    return network.eval(), about | {"size": size}


def stored_weights(name: str = DEFAULT) -> Path:
    """Where the stored weights of a network lie.

    Raises:
        FileNotFoundError: this installation has none under that name.
    """
    for folder in FOLDERS:
        path = folder / f"{name}.safetensors"
        if path.is_file():
            return path
    raise FileNotFoundError(
        f"no stored weights {name!r}: an installed package holds {DEFAULT!r} only, "
        "a checkout of the book's repository has all of them in its folder weights/"
    )


def _check(architecture, size, path):
    if architecture not in COLORIZERS:
        known = ", ".join(COLORIZERS)
        raise ValueError(
            f"{path}: unknown architecture {architecture!r}; known: {known}"
        )
    if not size or size % 32:
        raise ValueError(f"{path}: size must be a multiple of 32, not {size}")

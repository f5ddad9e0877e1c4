"""Checkpoints: all that is needed to go on, safe from power cuts."""

import zipfile
from pathlib import Path
from pickle import UnpicklingError

import torch

from colorize_lib.files import replacing
from colorize_lib.slips import missing_file


def save_checkpoint(state: dict, path: Path) -> None:
    """Write a checkpoint; at every moment ``path`` is the old or the new one, whole.

    Args:
        state: tensors, numbers, strings, and lists and dicts of them.
        path: the file; its folder is made where it is missing.

    Raises:
        OSError: a full disk, or a folder that cannot be written; the old one is intact.
    """
    with replacing(path) as file:
        torch.save(state, file)


def load_checkpoint(path: Path) -> dict:
    """Read a checkpoint to the CPU, running no code that the file may hold.

    Raises:
        FileNotFoundError: there is none.
        ValueError: the file is no checkpoint, is damaged, or is more than plain data.
    """
    path = Path(path)
    if not path.exists():
        raise missing_file(path, f"no checkpoint at {path}")
    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # on damaged input torch raises nearly anything
        # Not in torch's words, which advise to switch the safety off.
        reason = "damaged, cut short or none at all"
        if zipfile.is_zipfile(path) and isinstance(error, UnpicklingError):
            reason = "it holds more than plain data, which could be a program"
        raise ValueError(
            f"{path} is not a whole checkpoint ({reason}); "
            "remove it to start afresh, or put another in its place"
        ) from error


def random_state() -> dict:
    """The state of torch's generators, so that dropout goes on where it was."""
    cuda = torch.cuda.get_rng_state_all() if torch.cuda.is_available() else []
    return {"cpu": torch.get_rng_state(), "cuda": cuda}


def restore_random_state(state: dict) -> None:
    """Undo to :func:`random_state`; GPUs stay alone where their number has changed."""
    torch.set_rng_state(state["cpu"])
    if len(state["cuda"]) == torch.cuda.device_count() > 0:
        torch.cuda.set_rng_state_all(state["cuda"])
